"""From values to places on an axis, and the numbers that stand beneath it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Scale", "linear", "logarithmic"]

DECADE = (1, 3)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`; `ticks` are the values that are named on it."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """Return where a value stands, 0 at the low end and 1 at the high; beyond the ends, at the end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))


def linear(values: Sequence[float], *, low: float | None = None, high: float | None = None) -> Scale:
    """Return an axis that holds all values, with round ends unless they are given."""
    least, most = min(values) if low is None else low, max(values) if high is None else high
    if most <= least:
        most = least + (abs(least) or 1.0)
    step = _round_step((most - least) / 4)
    first = math.floor(least / step + 1e-9) if low is None else math.ceil(least / step - 1e-9)
    last = math.ceil(most / step - 1e-9) if high is None else math.floor(most / step + 1e-9)
    ticks = tuple(step * number for number in range(first, last + 1))
    return Scale(ticks[0] if low is None else low, ticks[-1] if high is None else high, ticks)


def logarithmic(values: Sequence[float], *, most: int = 6) -> Scale:
    """Return an axis of powers that holds all values, which must be above zero, with `most` ticks or fewer."""
    low, high = math.log10(min(values)), math.log10(max(values))
    first, last = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    if last <= first:
        last = first + 1
    steps = [10.0**power * digit for power in range(first, last + 1) for digit in DECADE]
    inside = [step for step in steps if step <= 10.0**last * 1.0001]
    every = math.ceil((last - first + 1) / most)
    ticks = inside if len(inside) <= most else [10.0**power for power in range(first, last + 1, every)]
    return Scale(10.0**first, 10.0**last, tuple(ticks), log=True)


def _round_step(least: float) -> float:
    """Return the next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1, 2, 2.5, 5, 10) if power * digit >= least - 1e-12 * power)
