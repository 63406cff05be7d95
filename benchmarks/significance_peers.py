"""What others use where questions come in documents: bootstraps for intervals, and tests for two shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ragraft.compare.clustered import quantile
from ragraft.intervals import mcnemar

__all__ = ["TESTS", "bootstraps"]

Numbers = npt.NDArray[np.float64]
Ends = tuple[Numbers, Numbers]

RESAMPLES = 1500

_normal = NormalDist()
_below = np.vectorize(_normal.cdf)
_at = np.vectorize(_normal.inv_cdf)


def bootstraps(sums: Numbers, sizes: Numbers, *, chance: np.random.Generator) -> dict[str, Ends]:
    """Return 95 % intervals of the mean by drawing documents anew, for arrays of shape (runs, documents).

    Source: Davison & Hinkley 1997, chapter 5; the percentiles are expanded for few documents (Hesterberg
    2015), those of BCa as well.
    """
    count = sums.shape[1]
    weights = chance.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float).T
    mean = sums.sum(1) / sizes.sum(1)
    drawn_sizes = sizes @ weights
    drawn = (sums @ weights) / drawn_sizes
    tail = _normal.cdf(math.sqrt(count / (count - 1)) * quantile(0.025, count - 1))
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=1)
    return {
        "percentile bootstrap": (low, high),
        "studentised bootstrap": _studentised(sums, sizes, weights, drawn, drawn_sizes, mean),
        "BCa bootstrap": _bca(sums, sizes, drawn, mean, tail),
    }


def _studentised(
    sums: Numbers, sizes: Numbers, weights: Numbers, drawn: Numbers, drawn_sizes: Numbers, mean: Numbers
) -> Ends:
    squares = (sums**2) @ weights - 2 * drawn * ((sums * sizes) @ weights) + drawn**2 * (sizes**2 @ weights)
    drawn_error = np.sqrt(np.maximum(squares, 0)) / drawn_sizes
    error = np.sqrt(((sums - mean[:, None] * sizes) ** 2).sum(1)) / sizes.sum(1)
    with np.errstate(all="ignore"):
        ratio = np.where(drawn_error > 1e-12, (drawn - mean[:, None]) / drawn_error, 0)
    low, high = np.quantile(ratio, [0.025, 0.975], axis=1)
    return mean - high * error, mean - low * error


def _bca(sums: Numbers, sizes: Numbers, drawn: Numbers, mean: Numbers, tail: float) -> Ends:
    others = (sums.sum(1, keepdims=True) - sums) / (sizes.sum(1, keepdims=True) - sizes)
    off = others.mean(1, keepdims=True) - others
    with np.errstate(all="ignore"):
        skew = np.nan_to_num((off**3).sum(1) / (6 * (off**2).sum(1) ** 1.5))
    under = ((drawn < mean[:, None]).mean(1) + (drawn <= mean[:, None]).mean(1)) / 2
    shift = _at(np.clip(under, 1e-4, 1 - 1e-4))
    ordered = np.sort(drawn, axis=1)
    ends = []
    for normal in (_normal.inv_cdf(tail), _normal.inv_cdf(1 - tail)):
        share = _below(shift + (shift + normal) / (1 - skew * (shift + normal)))
        place = np.clip((share * drawn.shape[1]).astype(int), 0, drawn.shape[1] - 1)
        ends.append(np.take_along_axis(ordered, place[:, None], axis=1)[:, 0])
    return ends[0], ends[1]


def _by_question(values: Numbers, _documents: Numbers) -> float:
    """McNemar 1947, exact: every question for itself."""
    return mcnemar(int((values < 0).sum()), int((values > 0).sum()))


def _obuchowski(values: Numbers, documents: Numbers) -> float:
    """Obuchowski 1998: the difference of the shares over its error between documents."""
    sums, sizes = np.bincount(documents, values), np.bincount(documents)
    off = sums - sizes * sums.sum() / sizes.sum()
    return _two_sided(float(sums.sum()), float(len(sums) / (len(sums) - 1) * (off**2).sum()))


def _durkalski(values: Numbers, documents: Numbers) -> float:
    """Durkalski et al. 2003: each document's own difference counts the same."""
    own = np.bincount(documents, values) / np.bincount(documents)
    return _two_sided(float(own.sum()), float((own**2).sum()))


def _two_sided(total: float, variance: float) -> float:
    return 2 * _normal.cdf(-abs(total) / math.sqrt(variance)) if variance > 1e-12 else 1.0


TESTS: dict[str, Callable[[Numbers, Numbers], float]] = {
    "McNemar, each question for itself": _by_question,
    "Obuchowski 1998": _obuchowski,
    "Durkalski et al. 2003": _durkalski,
}
"""Each takes differences of 1, 0 or -1 and the number of each one's document, and gives a two-sided p-value."""
