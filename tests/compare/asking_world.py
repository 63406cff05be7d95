"""Systems, questions and answers for the tests of asking and marking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ragraft.compare.results import Cited, Given, Said
from ragraft.errors import ModelError
from ragraft.types import (
    Answer,
    Caller,
    Chunk,
    Citation,
    Evidence,
    Message,
    Passage,
    Prompt,
    Question,
    SystemCard,
    Usage,
    Verdict,
)

LEAVE = Question(
    "leave",
    "How long is leave?",
    "thirty days",
    ("30 days",),
    (Evidence("leave.md", "thirty days"),),
    "number",
)
LUNCH = Question("lunch", "When is lunch?", "noon", (), (Evidence("hours.md", "at noon"),), "time")
BIRDS = Question("birds", "Which birds nest here?", "", (), (), "unanswerable")
QUESTIONS = (LEAVE, LUNCH, BIRDS)
TEXTS = {"leave.md": "Everyone has thirty days of leave.", "hours.md": "Lunch is at noon."}

CARD = SystemCard("plain", "plain", "scripted", "0")


class ScriptedSystem:
    """Says what it is told to by the question's words, or else "I do not know"; fits the System seam.

    An error in its script is raised instead. `asked` keeps what it was asked, `together` how many at a time.
    """

    def __init__(
        self,
        script: Mapping[str, str | Exception] | None = None,
        *,
        card: SystemCard = CARD,
        before: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.card = card
        self.asked: list[str] = []
        self.together: list[int] = []
        self.callers: list[Caller] = []
        self._script = dict(script or {})
        self._before = before

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        self.asked.append(question)
        self.callers.append(caller)
        self._before(question)
        said = self._script.get(question, "I do not know.")
        if isinstance(said, Exception):
            raise said
        if on_text is not None:
            on_text(said)
        return answer(said, question=question, card=self.card)

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        self.together.append(len(questions))
        return [self.answer(question, caller=caller) for question in questions]


def answer(text: str, *, question: str = "", card: SystemCard = CARD) -> Answer:
    prompt = Prompt((Message("user", question),), (), (), 3, 20)
    return Answer(
        text, False, "", (), (), (), prompt, Usage(3, 2), card, {"generate": 500.0}, question, draft=text
    )


def cited_answer() -> Answer:
    """Return an answer with one citation of one passage."""
    chunk = Chunk(10, 44, TEXTS["leave.md"])
    passage = Passage(chunk, "leave.md", "Leave", 3, 1.0, datetime(2026, 1, 1, tzinfo=UTC))
    citation = Citation(1, "Thirty days.", passage, 23, 34, "thirty days")
    plain = answer("Thirty days. [1]")
    return replace(
        plain,
        citations=(citation,),
        verdicts=(Verdict(citation, True, "it says so"),),
        invented=(7, 9),
        prompt=replace(plain.prompt, passages=(passage,)),
        confidence=0.75,
    )


def broken(text: str = "it broke") -> ModelError:
    return ModelError(text)


def said(question: Question, text: str = "", **more: object) -> Said:
    return replace(Said(question.id, text=text, draft=text), **more)  # type: ignore[arg-type]  # fields by name


def cited(document: str, quote: str) -> Cited:
    """Return a citation of a quotation in one of TEXTS."""
    start = TEXTS[document].index(quote)
    return Cited(1, document, 1, start, start + len(quote), quote, True)


def given(document: str, start: int = 0, end: int | None = None) -> Given:
    return Given(document, 1, start, len(TEXTS[document]) if end is None else end)
