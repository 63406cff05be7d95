"""Questions that have been asked, so that none is asked twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ragraft.tune.likeness import NearText
from ragraft.tune.store import Stored
from ragraft.tune.validate import NEAR
from ragraft.types import Message

__all__ = ["Asked"]

Told = tuple[str, str, str]
"""Where an example is from, its question and its answer."""


class Asked:
    """The questions of stored examples, and of those that come in meanwhile.

    "What does an HC-125-S cost?" and the same of an HC-125-B are nearly one text and two questions: their
    answers tell them apart. So a question is only taken for another if it is the very same, case and
    punctuation aside, or if question and answer together are near-duplicates.
    """

    def __init__(self, stored: Iterable[Stored]) -> None:
        told = (_told(f"{one.file}:{one.line}", one.example.messages) for one in stored)
        self._old = _Index([one for one in told if one is not None])
        self._new: list[Told] = []

    def fault_of(self, messages: Sequence[Message]) -> str:
        """Return which example a conversation repeats, "" if none."""
        told = _told("", messages)
        return "" if told is None else self._old.fault_of(told) or _Index(self._new).fault_of(told)

    def note(self, place: str, messages: Sequence[Message]) -> None:
        """Take a conversation for asked from now on."""
        told = _told(place, messages)
        if told is not None:
            self._new.append(told)


class _Index:
    """A fixed set of questions with answers. Several may be from one place, so they go by number."""

    def __init__(self, told: Sequence[Told]) -> None:
        self._places = [place for place, _, _ in told]
        numbered = [(str(number), question, answer) for number, (_, question, answer) in enumerate(told)]
        self._questions = NearText(((name, question) for name, question, _ in numbered), at_least=1.0)
        self._whole = NearText(
            ((name, f"{question} {answer}") for name, question, answer in numbered), at_least=NEAR
        )

    def fault_of(self, told: Told) -> str:
        _, question, answer = told
        if same := self._questions.nearest(question):
            return f"duplicate of {self._places[int(same[0])]}: the same question"
        if near := self._whole.nearest(f"{question} {answer}"):
            return f"near-duplicate of {self._places[int(near[0])]} ({near[1]:.2f})"
        return ""


def _told(place: str, messages: Sequence[Message]) -> Told | None:
    """Return the one question and answer of a conversation; None if it has several."""
    spoken = [turn.content for turn in messages if turn.role != "system"]
    return (place, spoken[0], spoken[1]) if len(spoken) == 2 else None
