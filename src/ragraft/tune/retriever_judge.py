"""Whether a tuned embedder finds more: the whole search with it against the whole search as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragraft.access.labels import OWNER
from ragraft.intervals import cluster_interval
from ragraft.protocols import Retriever
from ragraft.tune.retriever_pairs import FIRST, Pair, ndcg

__all__ = ["Gain", "judge"]

MARGIN = 0.05
"""How much worse the lower end of the interval may be; the mean must be better."""


@dataclass(frozen=True, slots=True)
class Gain:
    """nDCG@10 of the whole search on questions that were kept out of training and of every choice.

    `interval` is of the difference, 95 %, questions of one document drawn together.
    """

    before: float
    after: float
    difference: float
    interval: tuple[float, float]

    @property
    def enough(self) -> bool:
        """Whether it is better, and surely not much worse."""
        return self.difference > 0 and self.interval[0] > -MARGIN

    def __str__(self) -> str:
        low, high = self.interval
        return f"nDCG@10 {self.before:.3f} to {self.after:.3f}, {self.difference:+.3f} ({low:+.3f} to {high:+.3f})"


def judge(
    before: Retriever,
    after: Retriever,
    pairs: Sequence[Pair],
    places: Mapping[int, tuple[str, int]],
    *,
    on_pair: Callable[[int], None] = lambda _: None,
) -> Gain:
    """Return what one search finds more than another; `places` are (uri, start) of passages by number."""
    old: list[float] = []
    new: list[float] = []
    for done, pair in enumerate(pairs, 1):
        relevant = [places[number] for number in pair.positives]
        for search, marks in ((before, old), (after, new)):
            found = search.retrieve(pair.question, limit=FIRST, caller=OWNER)
            marks.append(ndcg([(passage.uri, passage.chunk.start) for passage in found], relevant))
        on_pair(done)
    changes = [late - early for late, early in zip(new, old, strict=True)]
    difference, interval = cluster_interval(changes, [pair.document for pair in pairs], limits=(-1, 1))
    return Gain(sum(old) / len(old), sum(new) / len(new), difference, interval)
