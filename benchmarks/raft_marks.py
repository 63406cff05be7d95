"""Marks of what a model wrote from passages, as it came, and of what is shown of it once it is checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from ragraft.answer.cite import read_claims
from ragraft.compare.asking import said_of
from ragraft.compare.evidence import Places, any_touches
from ragraft.compare.marks import document_of
from ragraft.compare.measures import abstains
from ragraft.compare.plain_words import own_words
from ragraft.compare.results import Given
from ragraft.intervals import cluster_interval, mcnemar
from ragraft.questions import holds_answer, says_no_answer
from ragraft.types import Answer, Passage, Question
from ragraft.verify.numbers import quantities
from ragraft.verify.quantity import Quantity, agree

__all__ = ["GAUGES", "Gauge", "Marked", "Paired", "Share", "invented_numbers", "mark", "paired", "share"]

FEW = 5
"""With fewer documents than this no interval is given."""

_LISTED = re.compile(r"^\s*\d{1,2}[.)]\s+", re.MULTILINE)
_PASSAGE = re.compile(r"\bpassages?\s+\d{1,2}\b(?:(?:\s*,\s*|\s+and\s+)\d{1,2}\b)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Marked:
    """What came of one question. The first marks are of the model's own words, those from `shown_right` of what is shown.

    `cited`: a number that it names is that of a passage that holds evidence. `numbers` counts those in its words,
    `invented` those of them that neither a passage given nor the question holds.
    """

    question: Question
    draft: str
    shown: str
    right: bool
    cited: bool
    refused: bool
    numbers: int
    invented: int
    shown_right: bool
    shown_refused: bool
    citations: int
    citations_right: int

    def record(self) -> dict[str, Any]:
        """Return it as it stands in the results, to be read by people."""
        told = asdict(self)
        del told["question"]
        return told


def mark(
    question: Question, draft: str, *, passages: Sequence[Passage], answer: Answer, places: Places
) -> Marked:
    """Return the marks of a draft that was made from `passages` and of the answer that was shown.

    `places` are those of the question's evidence.
    """
    named = {number for claim in read_claims(draft, passages=len(passages)) for number in claim.named}
    given = [_given(passage) for number, passage in enumerate(passages, 1) if number in named]
    right = holds_answer(draft, question)
    numbers, invented = invented_numbers(draft, passages=passages, question=question.text)
    said = said_of(question, answer)
    return Marked(
        question=question,
        draft=draft,
        shown=answer.text,
        right=question.answerable and right,
        cited=any(any_touches(piece, given) for piece in places),
        refused=not right and says_no_answer(own_words(draft)),
        numbers=numbers,
        invented=len(invented),
        shown_right=question.answerable and not answer.refused and holds_answer(answer.text, question),
        shown_refused=abstains(said, question),
        citations=len(said.citations),
        citations_right=sum(any(any_touches(piece, [one]) for piece in places) for one in said.citations),
    )


def invented_numbers(text: str, *, passages: Sequence[Passage], question: str) -> tuple[int, list[str]]:
    """Return how many numbers a text has, and those that neither a passage nor the question holds, in any form.

    Numbers of passages and of the items of a list are none. Dates, times, amounts and codes are, as the checker of
    answers reads them.
    """
    bare = _PASSAGE.sub("", _LISTED.sub("", text))
    said = quantities(" ".join(claim.text for claim in read_claims(bare, passages=len(passages))))
    held = [one for passage in passages for one in _held(f"{passage.title}\n{passage.chunk.full_text}")]
    held += _held(question)
    return len(said), [one.shown for one in said if not any(agree(one, other) for other in held)]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measure: how many of how many a question counts for. `paired` if that is one or none."""

    name: str
    of: Callable[[Marked], tuple[int, int]]
    paired: bool = True


def _answerable(hit: Callable[[Marked], bool]) -> Callable[[Marked], tuple[int, int]]:
    return lambda one: (int(hit(one)), 1) if one.question.answerable else (0, 0)


def _unanswerable(hit: Callable[[Marked], bool]) -> Callable[[Marked], tuple[int, int]]:
    return lambda one: (0, 0) if one.question.answerable else (int(hit(one)), 1)


GAUGES = (
    Gauge("raw: right", _answerable(lambda one: one.right)),
    Gauge("raw: right passage cited", _answerable(lambda one: one.cited)),
    Gauge("raw: unanswerable refused", _unanswerable(lambda one: one.refused)),
    Gauge("raw: answerable refused", _answerable(lambda one: one.refused)),
    Gauge("raw: invented numbers", lambda one: (one.invented, one.numbers), paired=False),
    Gauge("raw: answers with an invented number", lambda one: (int(one.invented > 0), 1)),
    Gauge("shown: right", _answerable(lambda one: one.shown_right)),
    Gauge("shown: right passage cited", _answerable(lambda one: one.citations_right > 0)),
    Gauge("shown: citations that are right", lambda one: (one.citations_right, one.citations), paired=False),
    Gauge("shown: unanswerable refused", _unanswerable(lambda one: one.shown_refused)),
    Gauge("shown: answerable refused", _answerable(lambda one: one.shown_refused)),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval of 95 %, by document; None of few documents."""

    value: float
    of: int
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        if self.interval is None:
            return f"of {self.of}; too few for an interval"
        return f"of {self.of}; {self.interval[0]:.2f} to {self.interval[1]:.2f} with 95 %"


def share(gauge: Gauge, marked: Sequence[Marked]) -> Share | None:
    """Return what a gauge shows; None if there is nothing that it counts."""
    counted = [(gauge.of(one), document_of(one.question)) for one in marked]
    parts = [(hits / whole, whole, document) for (hits, whole), document in counted if whole]
    return _share(parts, limits=(0.0, 1.0)) if parts else None


@dataclass(frozen=True, slots=True)
class Paired:
    """How one arm differs from another on the same questions: `p` is McNemar's, exact."""

    difference: Share
    won: int
    lost: int
    p: float

    def __str__(self) -> str:
        return f"{self.difference}; {self.won} won, {self.lost} lost, McNemar p {self.p:.2g}"


def paired(gauge: Gauge, marked: Sequence[Marked], others: Sequence[Marked]) -> Paired | None:
    """Return the difference of one arm less another; None if there is nothing that the gauge counts."""
    parts = []
    for one, other in zip(marked, others, strict=True):
        (hits, whole), (against, _) = gauge.of(one), gauge.of(other)
        if whole:
            parts.append((float(hits - against), 1, document_of(one.question)))
    if not parts:
        return None
    less = [value for value, *_ in parts]
    won, lost = less.count(1.0), less.count(-1.0)
    return Paired(_share(parts, limits=(-1.0, 1.0)), won, lost, mcnemar(lost, won))


def _share(parts: Sequence[tuple[float, int, str]], *, limits: tuple[float, float]) -> Share:
    """Return the mean of values with their weights and documents."""
    values, weights, documents = zip(*parts, strict=True)
    total = sum(weights)
    if len(set(documents)) < FEW:
        return Share(sum(value * weight for value, weight, _ in parts) / total, total, None)
    value, interval = cluster_interval(values, documents, limits=limits, weights=weights)
    return Share(value, total, interval)


def _given(passage: Passage) -> Given:
    return Given(passage.uri, passage.revision, passage.chunk.start, passage.chunk.end)


@lru_cache(maxsize=4096)
def _held(text: str) -> list[Quantity]:
    return quantities(text)
