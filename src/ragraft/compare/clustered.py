"""Tests and intervals for questions that come in documents: those of one document tend to be right or wrong together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ragraft.intervals import clopper_pearson, student_quantile

__all__ = ["Clustered", "fewest_documents", "flip_test", "holm"]

STEPS = 20_000
"""What the absolute sums of all documents come to when fractions are counted in whole steps."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """Values of questions, added up by document: `sums` and `sizes` have one entry for each document."""

    sums: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]

    @classmethod
    def of(cls, values: Sequence[float], documents: Sequence[str]) -> Clustered:
        """Return values with the document of each added up by document.

        Raises: ValueError unless there are as many documents as values, and one at least.
        """
        if len(values) != len(documents) or not values:
            raise ValueError(f"{len(values)} values of {len(documents)} documents")
        names = {name: at for at, name in enumerate(dict.fromkeys(documents))}
        at = [names[name] for name in documents]
        sizes = np.bincount(at).astype(np.float64)
        return cls(np.bincount(at, np.asarray(values, dtype=float)).astype(np.float64), sizes)

    @property
    def mean(self) -> float:
        """The mean over questions."""
        return float(self.sums.sum() / self.sizes.sum())

    @property
    def differing(self) -> int:
        """In how many documents the values do not add up to zero."""
        return int(np.count_nonzero(np.abs(self.sums) > 1e-12))

    @property
    def error(self) -> float:
        """The standard error of the mean, leaving out one document at a time; infinite if there is but one.

        Source: the jackknife over clusters, as CV3 in MacKinnon, Nielsen & Webb 2023, section 2.
        """
        count = len(self.sums)
        if count < 2:
            return math.inf
        others = (self.sums.sum() - self.sums) / (self.sizes.sum() - self.sizes)
        error = math.sqrt((count - 1) / count * float(((others - others.mean()) ** 2).sum()))
        return error if error > 1e-12 else 0.0

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error, 1 at least: fewer for documents of unequal length or weight.

        Source: the effective number of clusters less one, as in Carter, Schnepel & Steigerwald 2017 for
        errors that are alike within a cluster; or, where a few documents make up most of the error, how
        surely it is known (Satterthwaite 1946, with the variance of a variance in Cramer 1946, 27.4).
        """
        shares = self.sizes / self.sizes.sum()
        effective = float(1 / (shares**2).sum()) - 1
        squares = (self.sums - self.mean * self.sizes) ** 2
        if not self.error or not math.isfinite(self.error):
            return max(1.0, effective)
        tails = float((squares**2).mean() / squares.mean() ** 2)
        known = 2 * len(squares) / (tails - 1) if tails > 1 else math.inf
        return max(1.0, min(effective, known))

    def interval(self, *, limits: tuple[float, float], level: float = 0.95) -> tuple[float, float]:
        """Return an interval for the mean of all questions that there could be, within `limits`.

        `limits` are the least and the greatest that a value can be. From one document nothing is known, and
        they are the interval. Where all documents agree, the interval reaches as far as unseen ones could
        shift the mean, at the share that Clopper and Pearson allow for what was never seen.

        Source: Wilson 1927 with the effective number of questions, the one at which independent questions
        would have this standard error (Kish 1965, section 8.2), and the quantile of Student's t, as for
        surveys in Franco, Little, Louis & Slud 2019.
        """
        low, high = limits
        if len(self.sums) < 2:
            return limits
        if not self.error:
            unseen = clopper_pearson(0, len(self.sums), level=level)[1]
            return self.mean - unseen * (self.mean - low), self.mean + unseen * (high - self.mean)
        share = (self.mean - low) / (high - low)
        variance = (self.error / (high - low)) ** 2
        wide = quantile(1 - (1 - level) / 2, self.freedom) ** 2
        effective = share * (1 - share) / variance
        middle = (share + wide / (2 * effective)) / (1 + wide / effective)
        reach = math.sqrt(wide * (variance + wide / (4 * effective**2))) / (1 + wide / effective)
        return low + (high - low) * (middle - reach), low + (high - low) * (middle + reach)


def flip_test(sums: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """Return the two-sided p-value of differences added up by document, if either system were as good in each.

    If so, each document's sum could as well have the other sign. All combinations of signs are counted, not
    drawn: the p-value is exact, however few or unequal the documents are. With one question in each
    document it is McNemar's exact test. Fractions are first rounded to whole steps of 1/20,000 of their
    total, which keeps the test exact.

    Source: Fisher 1935, section 21, over whole clusters as in Gail, Mark, Carroll, Green & Pee 1996.
    """
    given = np.asarray(sums, dtype=float)
    total = float(np.abs(given).sum())
    if total <= 1e-12:
        return 1.0
    whole = np.rint(given)
    if not np.allclose(given, whole, rtol=0, atol=1e-9):
        whole = np.rint(given * (STEPS / total))
    steps = np.abs(whole).astype(np.int64)
    most = (int(steps.sum()) - abs(int(whole.sum()))) // 2
    # How likely the documents of one sign come to 0, 1, ... `most` steps: at most what the rarer sign has now.
    chances = np.zeros(most + 1)
    chances[0] = 1.0
    for step in steps[steps > 0]:
        shifted = chances.copy()
        if step <= most:
            shifted[step:] += chances[: most + 1 - step]
        chances = shifted / 2
    return min(1.0, 2 * float(chances.sum()))


def fewest_documents(comparisons: int = 1, *, level: float = 0.95) -> int:
    """Return how many documents must differ, all to one side, before `flip_test` can find anything.

    With n documents the least p-value is 2 / 2^n, and the first step of Holm asks for (1 - level) / comparisons.
    """
    return math.ceil(1 - math.log2((1 - level) / comparisons) - 1e-9)


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that those below 0.05 hold together, with 95 % confidence.

    Source: Holm 1979.
    """
    count = len(chances)
    adjusted = [0.0] * count
    reached = 0.0
    for rank, at in enumerate(sorted(range(count), key=chances.__getitem__)):
        reached = max(reached, min(1.0, (count - rank) * chances[at]))
        adjusted[at] = reached
    return adjusted


def quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t, between whole degrees of freedom by 1 / freedom."""
    below = math.floor(freedom)
    low, high = _whole_quantile(probability, below), _whole_quantile(probability, below + 1)
    share = (1 / below - 1 / freedom) / (1 / below - 1 / (below + 1))
    return low + share * (high - low)


@lru_cache(maxsize=4096)
def _whole_quantile(probability: float, freedom: int) -> float:
    return student_quantile(probability, freedom)
