"""The sentences of passages, and how like the question each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragraft.types import Passage, Vectors
from ragraft.verify.sentences import sentence_spans

__all__ = ["Likeness", "Sentence", "split_passages"]

Likeness = Callable[[Sequence[str], Sequence[str]], Vectors]
"""Returns the cosine of each of the first texts to each of the second."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """passages[place].chunk.text[start:end], and its cosine to the question (0 where nobody measured it)."""

    place: int
    start: int
    end: int
    text: str
    likeness: float


def split_passages(
    question: str, *, passages: Sequence[Passage], likeness: Likeness | None
) -> tuple[Sentence, ...]:
    """Return the sentences and table rows of the passages, in order, each with its likeness to the question.

    They are compared with their headings: a row of a table does not say of itself what it is about.
    """
    found = [
        (place, start, end, passage.chunk.text[start:end])
        for place, passage in enumerate(passages)
        for start, end in sentence_spans(passage.chunk.text)
    ]
    if likeness is None or not found:
        return tuple(Sentence(*one, 0.0) for one in found)
    cosines = likeness(
        [question], [f"{passages[place].chunk.context}\n{text}" for place, _, _, text in found]
    )[0]
    return tuple(Sentence(*one, float(cosine)) for one, cosine in zip(found, cosines, strict=True))
