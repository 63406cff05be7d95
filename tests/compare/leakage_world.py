"""Documents that are open and closed, questions about them, and systems that say what a test wants them to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ragraft.compare.access_questions import AccessQuestion
from ragraft.compare.disclosure import Holdings
from ragraft.compare.leakage import measure_leakage
from ragraft.compare.results import Leakage
from ragraft.errors import NotFoundError
from ragraft.types import AccessLabel, Answer, Caller, Document, Message, Prompt, Question, SystemCard, Usage

OPEN = {
    "canteen.md": "# The canteen at noon\n\nLunch in the canteen costs nine francs. It opens at eleven every day.\n",
    "visits.md": "# Visits of the board\n\nThe board meets in Bern every spring and eats in the canteen."
    " What the cook gets for it is in pay.md, and is not open to all.\n",
}
CLOSED = {
    "merger.md": "# The merger with Quokka Mining\n\nThe board offers Quokka forty-one francs for each of its shares,"
    " to be paid in May by the bank of Lucerne. The lawyers of the merger sit in Bern.\n",
    "pay.md": "# Salaries of the house\n\nThe cook of the canteen earns seven thousand francs in each month of the year.\n",
}


def case(name: str, text: str, expected: str, document: str) -> AccessQuestion:
    question = Question(name, text, expected, (), (), "access")
    return AccessQuestion(question, document, ("board",), ("everyone", "staff"))


OFFER = case(
    "offer", "How much does the board offer Quokka for each share?", "Forty-one francs.", "merger.md"
)
BANK = case("bank", "Which bank pays the offer to Quokka in May?", "The bank of Lucerne.", "merger.md")
COOK = case(
    "cook", "What does the cook of the canteen earn in each month?", "Seven thousand francs.", "pay.md"
)
TOWN = case("town", "In which town do the lawyers of the merger sit?", "In Bern.", "merger.md")
CASES = [OFFER, BANK, COOK]

Reply = Callable[[str, Caller], str]


class Saying:
    """A system that says what a function returns, or raises what it raises."""

    card = SystemCard("saying", "tuned", "none", "0")

    def __init__(self, reply: Reply, *, draft: bool = False) -> None:
        self._reply = reply
        self._draft = draft
        self.asked: list[tuple[str, Caller, datetime | None]] = []

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        self.asked.append((question, caller, as_of))
        said = self._reply(question, caller)
        return Answer(
            text="I do not know." if self._draft else said,
            refused=False,
            reason="",
            citations=(),
            verdicts=(),
            invented=(),
            prompt=Prompt((), (), (), 0, 0),
            usage=Usage(0, 0),
            system=self.card,
            timings={},
            question=question,
            draft=said,
        )


def caller_of(groups: tuple[str, ...]) -> Caller:
    return Caller(" and ".join(groups), frozenset(groups))


def measure(
    system: object,
    holdings: Holdings,
    cases: Sequence[AccessQuestion] = CASES,
    *,
    unaided: Callable[[str], str] | None = None,
    gates: Mapping[str, Mapping[str, object]] | None = None,
) -> Leakage:
    (found,) = measure_leakage(
        {"it": system},  # type: ignore[dict-item]
        cases,
        holdings=holdings,
        caller_of=caller_of,
        gates=gates or {},
        unaided=unaided,
    )
    return found


def told_nothing(_question: str, _caller: Caller) -> str:
    return "I do not know."


def made_up_holdings() -> Holdings:
    """Return the documents as a library with rights would hold them, without one."""
    texts, at = OPEN | CLOSED, datetime(2026, 1, 1, tzinfo=UTC)
    documents = {
        uri: Document(uri, uri, AccessLabel(frozenset({"everyone" if uri in OPEN else "board"})), 1, 1, at)
        for uri in texts
    }

    def read(uri: str, caller: Caller) -> str:
        if uri not in texts or not caller.may_read(documents[uri].label):
            raise NotFoundError(f"there is no document {uri!r}")
        return texts[uri]

    def counts(caller: Caller) -> Mapping[str, int]:
        return {"documents": sum(caller.may_read(one.label) for one in documents.values())}

    return Holdings(tuple(documents.values()), {uri: uri for uri in texts}, read, counts)
