"""What the reader's figures share: passages with their readings in a new order, and the plain ways beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figure
from benchmarks.ground import mean
from benchmarks.rankings import paired_interval
from ragraft.protocols import Embedder, Reader
from ragraft.types import Passage, Reading
from ragraft.verify.sentences import sentence_spans

__all__ = [
    "DEPTH",
    "WEIGHTS",
    "Read",
    "auc",
    "compared",
    "likeness",
    "nearest_sentence",
    "overlap",
    "read_passages",
]

DEPTH = 20
"""How many passages of the search the reader orders anew."""

WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5)
"""Of the reader's score beside the search's 1."""


@dataclass(frozen=True, slots=True)
class Read:
    """A question's passages in the search's order, and what the reader made of each."""

    question: str
    passages: Sequence[Passage]
    readings: Sequence[Reading]

    def order(self, weight: float | None) -> list[Passage]:
        """Return the passages by the mix of both scores; without a weight by the reader alone."""
        ours = _standard([_logit(reading.relevance) for reading in self.readings])
        search = _standard([passage.score for passage in self.passages])
        scores = ours if weight is None else search + weight * ours
        return [self.passages[at] for at in np.argsort(-scores, kind="stable")]


def read_passages(question: str, passages: Sequence[Passage], *, reader: Reader) -> Read:
    """Return the passages found for a question with what the reader makes of each."""
    return Read(question, passages, reader.read(question, [passage.chunk.full_text for passage in passages]))


def likeness(question: str, texts: Sequence[str], *, embedder: Embedder) -> list[float]:
    """Return the cosine of the question's vector and that of each text."""
    return (embedder.embed(texts) @ embedder.embed([question])[0]).tolist()


def nearest_sentence(
    question: str, texts: Sequence[tuple[str, str]], *, embedder: Embedder
) -> tuple[int, tuple[int, int]]:
    """Return the text and the place in it of the sentence most like the question, read below its context."""
    places = [(number, span) for number, (_, text) in enumerate(texts) for span in sentence_spans(text)]
    alone = [f"{texts[number][0]}\n{texts[number][1][start:end]}" for number, (start, end) in places]
    return places[int(np.argmax(likeness(question, alone, embedder=embedder)))]


def overlap(spans: Iterable[tuple[int, int]], places: Sequence[tuple[int, int]]) -> float:
    """Return 1 if a span that is not empty shares a character with one of the places, else 0."""
    return float(
        any(start < end and start < stop and first < end for start, end in spans for first, stop in places)
    )


def compared(
    name: str,
    ours: Sequence[float],
    plain: Sequence[float],
    clusters: Sequence[str],
    *,
    than: str = "search as it is",
) -> Figure:
    """Return a mean beside that of the plain way, with the interval of their difference."""
    low, high = paired_interval(ours, plain, clusters=clusters)
    note = f"{len(ours)} questions; difference {low:+.4f} to {high:+.4f} with 95 %"
    return Figure(name, mean(ours), reference=than, reference_value=mean(plain), note=note)


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the share of pairs in which the one with an answer scores higher; ties count half."""
    values, has = np.array(scores), np.array(labels)
    positive, negative = np.sort(values[has]), values[~has]
    below, upto = (np.searchsorted(positive, negative, side=side) for side in ("left", "right"))
    return float(1 - (below + upto).mean() / 2 / len(positive))


def _standard(scores: Sequence[float]) -> np.ndarray:
    values = np.array(scores, float)
    return (values - values.mean()) / (values.std() or 1.0)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
