"""Which of two systems is surely faster: the same questions, each timed by itself, compared pair by pair.

What is compared are ratios, for a question that is slow is slow for every system. Their logarithms add up, so the mean
is that of ratios (the geometric mean), and their signs are tested exactly, as those of marks are (`flip_test`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ragraft.compare.clustered import Clustered, flip_test, holm, quantile
from ragraft.compare.marks import document_of
from ragraft.compare.results import Latency
from ragraft.compare.statistics import LEVEL
from ragraft.types import Question

__all__ = ["Pace", "noticed", "paces"]

FASTER, FASTER_SECONDS = 0.2, 0.1
"""By how much a system must be faster before anybody minds: a fifth, and a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many times the other's time a system takes, over the questions of which both were timed.

    `ratio` is the mean of ratios (0.5: half as long), and `interval` holds it with 95 % confidence by itself, None where
    nothing tells how sure it is. `p` is the exact p-value, and `adjusted` the one after Holm.
    """

    system: str
    other: str
    ratio: float
    interval: tuple[float, float] | None
    questions: int
    p: float
    adjusted: float

    @property
    def faster(self) -> bool:
        """Whether the first system is surely faster: found by the test, after correction."""
        return self.ratio < 1 and self.adjusted <= 1 - LEVEL

    def turned(self) -> Pace:
        """Return the same seen from the other system."""
        interval = None if self.interval is None else (1 / self.interval[1], 1 / self.interval[0])
        return replace(self, system=self.other, other=self.system, ratio=1 / self.ratio, interval=interval)


def paces(latencies: Sequence[Latency], questions: Sequence[Question] = ()) -> tuple[Pace, ...]:
    """Return how each system's times compare with each other one's, both ways.

    `questions` tell from which document each comes: those of one document are taken together. One that is not among
    them stands for itself.
    """
    documents = {one.id: document_of(one) for one in questions}
    found = [
        pace
        for one, other in combinations(latencies, 2)
        if (pace := _pace(one, other, documents)) is not None
    ]
    adjusted = holm([pace.p for pace in found])
    sure = [replace(pace, adjusted=p) for pace, p in zip(found, adjusted, strict=True)]
    return tuple(each for pace in sure for each in (pace, pace.turned()))


def noticed(quick: Latency, slow: Latency) -> bool:
    """Return whether both the middle and the slow answers of one system take so much less time than the other's."""
    ends = ((quick.total.p50, slow.total.p50), (quick.total.p95, slow.total.p95))
    return all(one <= (1 - FASTER) * other and one <= other - FASTER_SECONDS for one, other in ends)


def _pace(one: Latency, other: Latency, documents: Mapping[str, str]) -> Pace | None:
    shared = [name for name in one.seconds if name in other.seconds]
    if not shared:
        return None
    ratios = [math.log(_time(one, name) / _time(other, name)) for name in shared]
    found = Clustered.of(ratios, [documents.get(name, name) for name in shared])
    p = flip_test(found.sums)
    return Pace(one.system, other.system, math.exp(found.mean), _interval(found), len(shared), p, p)


def _interval(found: Clustered) -> tuple[float, float] | None:
    """Return the interval of a mean of ratios: Student's t over documents."""
    if len(found.sums) < 2:
        return None
    reach = found.error * quantile(1 - (1 - LEVEL) / 2, found.freedom)
    return math.exp(found.mean - reach), math.exp(found.mean + reach)


def _time(latency: Latency, question: str) -> float:
    """Return a time that has a logarithm: a clock may not have moved while an answer was given."""
    return max(latency.seconds[question], 1e-6)
