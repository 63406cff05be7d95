"""Intervals and tests that gates and comparisons decide by. All are two-sided at 95 % unless told otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

__all__ = ["clopper_pearson", "cluster_interval", "mcnemar", "student_quantile"]

LEVEL = 0.95
RESAMPLES = 2000


def mcnemar(lost: int, won: int) -> float:
    """Return the two-sided p-value of `lost` and `won` pairs, if either were as likely as the other.

    It takes the pairs for independent. Sizes are exact and never above the level.

    Source: McNemar 1947, in its exact binomial form; twice the smaller tail, as in Agresti 2013, section 11.1.
    """
    pairs = lost + won
    tail: int = sum(math.comb(pairs, count) for count in range(min(lost, won) + 1))
    return min(1.0, float(2 * tail / 2**pairs))


def clopper_pearson(hits: int, tries: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Return an interval that holds the probability behind `hits` of `tries` at least `level` of the times.

    Raises: ValueError unless 0 <= hits <= tries and there is a try.
    Source: Clopper & Pearson 1934; found here by halving on the binomial tails.
    """
    if not 0 <= hits <= tries or not tries:
        raise ValueError(f"{hits} of {tries} is no share")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _root(lambda p: 1 - _at_most(hits - 1, tries, p) - tail)
    high = 1.0 if hits == tries else _root(lambda p: tail - _at_most(hits, tries, p))
    return low, high


def cluster_interval(
    values: Sequence[float],
    groups: Sequence[str],
    *,
    limits: tuple[float, float],
    weights: Sequence[float] | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[float, tuple[float, float]]:
    """Return the weighted mean of `values` and its interval, by drawing whole groups anew.

    Values of one group stand or fall together. `weights` are 1 each if not given. `limits` are the least
    and the greatest that a value can be; the interval stays within them. Where all groups agree, drawing
    them anew shows no spread, though unseen ones may differ: the interval then reaches as far as they
    could shift the mean, at the share that Clopper and Pearson allow for what was never seen.

    Raises: ValueError if there are fewer than two groups.
    Source: cluster bootstrap as in Davison & Hinkley 1997, section 3.8; percentiles expanded for few
    clusters as in Hesterberg 2015 ("expanded percentile interval").
    """
    names = {name: at for at, name in enumerate(dict.fromkeys(groups))}
    count = len(names)
    if count < 2:
        raise ValueError("one group has no spread")
    at = [names[name] for name in groups]
    weighed = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    sums = np.bincount(at, np.asarray(values, dtype=float) * weighed, minlength=count)
    sizes = np.bincount(at, weighed, minlength=count)
    mean = float(sums.sum() / sizes.sum())
    if np.allclose(sums / sizes, mean, rtol=0, atol=1e-12):
        unseen = clopper_pearson(0, count, level=level)[1]
        return mean, (mean - unseen * (mean - limits[0]), mean + unseen * (limits[1] - mean))
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = _expanded((1 - level) / 2, count)
    low, high = np.quantile(means, [tail, 1 - tail])
    return mean, (max(limits[0], float(low)), min(limits[1], float(high)))


def student_quantile(probability: float, freedom: int) -> float:
    """Return where Student's t with `freedom` degrees of freedom has `probability` below it.

    Source: Abramowitz & Stegun 1964, 26.7.3 and 26.7.4, which are finite sums; inverted by halving.
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    angle = _root(lambda share: _within(share * math.pi / 2, freedom) - (2 * probability - 1))
    return math.sqrt(freedom) * math.tan(angle * math.pi / 2)


def _expanded(tail: float, count: int) -> float:
    """Return the tail at which percentiles of the bootstrap are as wide as an interval of Student's t."""
    wide = math.sqrt(count / (count - 1)) * student_quantile(tail, count - 1)
    return NormalDist().cdf(wide)


def _within(angle: float, freedom: int) -> float:
    """Return the probability that |t| < sqrt(freedom) * tan(angle)."""
    cosine, odd = math.cos(angle), freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def _at_most(hits: int, tries: int, probability: float) -> float:
    """Return the probability of at most `hits` of `tries`."""
    if probability in (0.0, 1.0):
        return float(probability == 0.0 or hits >= tries)
    yes, no = math.log(probability), math.log1p(-probability)
    logs = (
        math.lgamma(tries + 1) - math.lgamma(k + 1) - math.lgamma(tries - k + 1) + k * yes + (tries - k) * no
        for k in range(hits + 1)
    )
    return min(1.0, math.fsum(math.exp(one) for one in logs))


def _root(rising: Callable[[float], float]) -> float:
    """Return where a function that rises from below zero at 0 crosses it, before 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
