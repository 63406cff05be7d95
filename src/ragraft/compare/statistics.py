"""Systems compared on the same questions: which differences are real, and which systems are surely not worse.

Every pair of systems is compared question by question. Questions of one document are taken together, since a
system that knows a document has all of its questions right. What may be said is decided by an exact test
(`flip_test`), with Holm's correction for the number of pairs; the intervals show how large a difference may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ragraft.compare.clustered import Clustered, flip_test, holm
from ragraft.compare.power import Reach, reach

__all__ = ["Comparison", "Difference", "Mean", "Scores", "compare_scores"]

LEVEL = 0.95
MARGIN = 0.05
Mark = float | bool | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What systems scored on the same questions, by one measure; higher is better.

    `documents` has the document of each question, or the question's own id if it comes from none. `marks`
    has one mark per question and system, within `limits`. None means that the system failed: it counts as
    the worst mark, for a user was not served. A question that could not be scored has no place here.

    Raises: ValueError for fewer than two systems, no questions, unequal lengths or a mark out of limits.
    """

    measure: str
    documents: Sequence[str]
    marks: Mapping[str, Sequence[Mark]]
    limits: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.marks) < 2 or not self.documents:
            raise ValueError(f"{self.measure}: nothing to compare")
        low, high = self.limits
        for system, marks in self.marks.items():
            if len(marks) != len(self.documents):
                raise ValueError(f"{self.measure}: {system} has {len(marks)} of {len(self.documents)} marks")
            if not all(mark is None or low <= mark <= high for mark in marks):
                raise ValueError(f"{self.measure}: {system} has a mark outside of {low:g} to {high:g}")

    def values(self, system: str) -> list[float]:
        """Return a system's marks as numbers, failures as the worst one."""
        return [self.limits[0] if mark is None else float(mark) for mark in self.marks[system]]


@dataclass(frozen=True, slots=True)
class Mean:
    """A system's mean over questions, its interval by itself, and how many questions it failed on."""

    system: str
    value: float
    interval: tuple[float, float]
    failed: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One system less another, on the same questions.

    `interval` holds the difference with 95 % confidence by itself; `joint` is wider, so that those of all
    pairs hold together. `p` is the exact p-value by itself and `adjusted` after Holm. `won` and `lost` count
    the questions on which the first has the better and the worse mark, `differing` the documents in which
    that does not even out.
    """

    system: str
    other: str
    value: float
    interval: tuple[float, float]
    joint: tuple[float, float]
    p: float
    adjusted: float
    won: int
    lost: int
    differing: int
    reach: Reach
    level: float = LEVEL

    @property
    def better(self) -> bool:
        """Whether the first system is surely better: found by the test, after correction."""
        return self.value > 0 and self.adjusted <= 1 - self.level

    @property
    def worse(self) -> bool:
        """Whether the first system is surely worse."""
        return self.value < 0 and self.adjusted <= 1 - self.level

    def not_worse(self, margin: float = MARGIN) -> bool:
        """Return whether the first system is surely not worse by more than a margin.

        Source: non-inferiority by a confidence interval, as in Piaggio et al. 2012 (CONSORT extension).
        """
        return self.better or self.joint[0] > -margin

    def turned(self) -> Difference:
        """Return the same seen from the other system."""
        return replace(
            self,
            system=self.other,
            other=self.system,
            value=0.0 - self.value,
            interval=_turned(self.interval),
            joint=_turned(self.joint),
            won=self.lost,
            lost=self.won,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """All means, best first, and the differences of all pairs that were compared.

    `reach` is that of the pair which is hardest to tell apart.
    """

    measure: str
    means: tuple[Mean, ...]
    differences: tuple[Difference, ...]
    reach: Reach

    @property
    def best(self) -> str:
        """The system with the highest mean, which need not be better than the next."""
        return self.means[0].system

    @property
    def winner(self) -> str | None:
        """The system that is surely better than every other one; None if there is none."""
        others = len(self.means) - 1
        beaten = [one.system for one in self._both_ways() if one.better]
        return next((mean.system for mean in self.means if beaten.count(mean.system) == others), None)

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """The systems that no other one is surely better than, best first."""
        beaten = {one.other for one in self._both_ways() if one.better}
        return tuple(mean.system for mean in self.means if mean.system not in beaten)

    def between(self, system: str, other: str) -> Difference:
        """Return the difference `system` less `other`.

        Raises: KeyError if the two were not compared.
        """
        for one in self._both_ways():
            if (one.system, one.other) == (system, other):
                return one
        raise KeyError((system, other))

    def not_worse_than(self, system: str, margin: float = MARGIN) -> tuple[str, ...]:
        """Return the systems that are surely not worse than `system` by more than a margin, best first."""
        found = {one.system for one in self._both_ways() if one.other == system and one.not_worse(margin)}
        return tuple(mean.system for mean in self.means if mean.system in found)

    def _both_ways(self) -> list[Difference]:
        return [each for one in self.differences for each in (one, one.turned())]


def compare_scores(scores: Scores, *, reference: str | None = None, level: float = LEVEL) -> Comparison:
    """Return how the systems compare, every one with every other or each with a `reference`.

    Fewer pairs are corrected for less; with a reference no other system can be the winner among more than
    two. Nothing is drawn by chance: the same scores give the same comparison.

    Raises: KeyError if the reference is none of the systems.
    """
    if reference is not None and reference not in scores.marks:
        raise KeyError(reference)
    pairs = [
        (system, other)
        for system, other in combinations(scores.marks, 2)
        if reference is None or reference in (system, other)
    ]
    plain = [_difference(scores, *pair, comparisons=len(pairs), level=level) for pair in pairs]
    adjusted = holm([one.p for one in plain])
    differences = tuple(replace(one, adjusted=p) for one, p in zip(plain, adjusted, strict=True))
    means = sorted((_mean(scores, system, level) for system in scores.marks), key=lambda one: -one.value)
    return Comparison(
        measure=scores.measure,
        means=tuple(means),
        differences=differences,
        reach=max((one.reach for one in differences), key=lambda one: one.smallest or float("inf")),
    )


def _mean(scores: Scores, system: str, level: float) -> Mean:
    found = Clustered.of(scores.values(system), scores.documents)
    failed = sum(mark is None for mark in scores.marks[system])
    return Mean(system, found.mean, found.interval(limits=scores.limits, level=level), failed)


def _difference(scores: Scores, system: str, other: str, *, comparisons: int, level: float) -> Difference:
    """Return one pair's difference, not yet corrected for the others."""
    values = [
        mark - against for mark, against in zip(scores.values(system), scores.values(other), strict=True)
    ]
    found = Clustered.of(values, scores.documents)
    widest = scores.limits[1] - scores.limits[0]
    p = flip_test(found.sums)
    return Difference(
        system=system,
        other=other,
        value=found.mean,
        interval=found.interval(limits=(-widest, widest), level=level),
        joint=found.interval(limits=(-widest, widest), level=1 - (1 - level) / comparisons),
        p=p,
        adjusted=p,
        won=sum(value > 0 for value in values),
        lost=sum(value < 0 for value in values),
        differing=found.differing,
        reach=reach(
            questions=len(values),
            documents=len(found.sums),
            error=found.error / widest,
            freedom=found.freedom,
            comparisons=comparisons,
            level=level,
        ),
        level=level,
    )


def _turned(interval: tuple[float, float]) -> tuple[float, float]:
    return 0.0 - interval[1], 0.0 - interval[0]
