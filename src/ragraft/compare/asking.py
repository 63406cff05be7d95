"""Asks all systems the same questions, and keeps every answer as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragraft.compare.answers_kept import AnswersKept, answer_key
from ragraft.compare.results import Cited, Given, Said
from ragraft.errors import RagraftError, UserError
from ragraft.protocols import System
from ragraft.types import Answer, Caller, Question

__all__ = ["BATCH", "Asking", "SentenceCheck", "ask_all", "said_of"]

BATCH = 16
"""Questions that one system is asked before it is the next one's turn."""

SentenceCheck = Callable[[str, str], tuple[int, int]]
"""Returns of a question and a text how many of its sentences claim something, and how many nothing supports."""

Place = tuple[str, str]
"""The name of a system and the id of a question."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How far the asking is: answers that are there, of how many, and how many failed.

    `seconds_left` is None until an answer has been timed.
    """

    done: int
    total: int
    failed: int
    seconds_left: float | None


def ask_all(
    arms: Mapping[str, System],
    questions: Sequence[Question],
    *,
    caller: Caller,
    revision: Callable[[], str],
    check: SentenceCheck | None = None,
    kept: Path | None = None,
    batch: int = BATCH,
    on_progress: Callable[[Asking], None] = lambda _: None,
) -> dict[str, tuple[Said, ...]]:
    """Return what each system said to each question, in order; a failure is kept as one.

    The systems take turns, a `batch` of questions each, and another one begins every time: what slows the machine
    down slows all of them. `revision` tells one state of the documents from another. With `kept` each answer is in
    that file as soon as it is there, and none is asked for again that it has. The same `check` counts the unsupported
    sentences of all systems.

    Raises: UserError if the documents change meanwhile: the systems would have been asked about different ones.
    """
    began_at = revision()
    answers = AnswersKept(kept, revision=began_at)
    keys = {
        (name, one.id): answer_key(system.card, one, caller=caller, revision=began_at)
        for name, system in arms.items()
        for one in questions
    }
    said: dict[Place, Said] = {}
    for one in questions:
        found = {(name, one.id): answers.find(keys[name, one.id], one) for name in arms}
        said |= {place: known for place, known in found.items() if known is not None}
    pace = _Pace(list(keys), said)
    on_progress(pace.progress())
    for name, block in _turns(list(arms), questions, batch):
        waiting = [one for one in block if (name, one.id) not in said]
        began = time.perf_counter()
        for one, answer in zip(waiting, _answers(arms[name], waiting, caller), strict=True):
            said[name, one.id] = _checked(said_of(one, answer), one, check)
            answers.keep(keys[name, one.id], said[name, one.id])
        if waiting:
            pace.note(name, len(waiting), time.perf_counter() - began)
            on_progress(pace.progress())
    if pace.asked and revision() != began_at:
        raise UserError(
            "the documents changed while the systems were asked about them",
            hint="compare again while nothing is added or removed",
        )
    return {name: tuple(said[name, one.id] for one in questions) for name in arms}


def said_of(question: Question, answer: Answer | RagraftError) -> Said:
    """Return what is kept of an answer, or of the error that came in its place."""
    if isinstance(answer, RagraftError):
        return Said(question.id, failure=_storable(f"{type(answer).__name__}: {answer}"))
    supported = {verdict.citation: verdict.supported for verdict in answer.verdicts}
    return Said(
        question=question.id,
        text=_storable(answer.text),
        refused=answer.refused,
        reason=answer.reason,
        origin=answer.origin,
        draft=_storable(answer.draft),
        citations=tuple(
            Cited(
                marker=one.marker,
                document=one.passage.uri,
                revision=one.passage.revision,
                start=one.start,
                end=one.end,
                quote=one.quote,
                supported=supported.get(one),
            )
            for one in answer.citations
        ),
        given=tuple(
            Given(one.uri, one.revision, one.chunk.start, one.chunk.end) for one in answer.prompt.passages
        ),
        invented=len(answer.invented),
        confidence=answer.confidence,
        prompt_tokens=answer.usage.prompt_tokens,
        cached_tokens=answer.usage.cached_tokens,
        completion_tokens=answer.usage.completion_tokens,
        seconds={step: milliseconds / 1000 for step, milliseconds in answer.timings.items()},
    )


class _Pace:
    """How fast each system answers, and so how long the rest will take."""

    def __init__(self, places: Sequence[Place], said: Mapping[Place, Said]) -> None:
        self._places = places
        self._said = said
        self._taken: dict[str, tuple[int, float]] = {}

    @property
    def asked(self) -> int:
        """How many answers were asked for in this run."""
        return sum(count for count, _ in self._taken.values())

    def note(self, name: str, count: int, seconds: float) -> None:
        """Note how long a system took for some answers."""
        before, taken = self._taken.get(name, (0, 0.0))
        self._taken[name] = (before + count, taken + seconds)

    def progress(self) -> Asking:
        """Return how far it is; a system that was not asked yet counts as slow as the others are."""
        failed = sum(bool(one.failure) for one in self._said.values())
        left: float | None = None
        if self._taken:
            middle = sum(seconds for _, seconds in self._taken.values()) / self.asked
            each = {name: seconds / count for name, (count, seconds) in self._taken.items()}
            left = sum(each.get(place[0], middle) for place in self._places if place not in self._said)
        return Asking(len(self._said), len(self._places), failed, left)


def _turns(
    names: list[str], questions: Sequence[Question], batch: int
) -> Iterator[tuple[str, Sequence[Question]]]:
    """Yield whose turn it is and what he is asked."""
    for turn, at in enumerate(range(0, len(questions), batch)):
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            yield name, questions[at : at + batch]


def _answers(
    system: System, questions: Sequence[Question], caller: Caller
) -> Iterator[Answer | RagraftError]:
    """Yield an answer or an error for each question; one that fails leaves the others their answers."""
    if len(questions) > 1:
        try:
            together = system.answer_many([one.text for one in questions], caller=caller)
        except RagraftError:
            pass  # which of them it was shows when they are asked one by one
        else:
            yield from together
            return
    for one in questions:
        try:
            yield system.answer(one.text, caller=caller)
        except RagraftError as error:
            yield error


def _checked(said: Said, question: Question, check: SentenceCheck | None) -> Said:
    if check is None or said.failure or said.refused:
        return said
    sentences, unsupported = check(question.text, said.text)
    return replace(said, sentences=sentences, unsupported=unsupported)


def _storable(text: str) -> str:
    """Return a text without halves of characters, which a model at an address may send and no file can hold."""
    return text.encode("utf-8", "replace").decode()
