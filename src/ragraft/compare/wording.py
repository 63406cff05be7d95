"""Numbers and names as sentences have them, first of all the verdict's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ragraft.compare.prices import Span

__all__ = [
    "amount",
    "counted",
    "joined",
    "money",
    "percent",
    "points",
    "seconds",
    "share",
    "span_of_points",
    "volume",
]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 question, 2,000 questions."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def joined(names: Sequence[str], *, last: str = "and") -> str:
    """Return names as a sentence lists them: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def percent(value: float) -> str:
    """Return a share as a whole percentage, which is 0 or 100 only if it is so exactly."""
    return f"{_whole(value)} %"


def share(value: float, interval: tuple[float, float]) -> str:
    """Return a share with its interval: 71 % (62 to 79 %)."""
    return f"{percent(value)} ({_whole(interval[0])} to {_whole(interval[1])} %)"


def points(difference: float) -> str:
    """Return the size of a difference in points of a hundred: 12 points."""
    size = round(100 * abs(difference))
    return counted(size, "point") if size else "less than 1 point"


def span_of_points(interval: tuple[float, float]) -> str:
    """Return an interval of differences: -2 to 9; an end is 0 only if it is so exactly."""
    return " to ".join(
        f"{100 * end:.1g}" if end and not round(100 * end) else str(round(100 * end)) for end in interval
    )


def seconds(value: float) -> str:
    """Return a duration: 0.34 s, 12 s, 5 minutes, 3 hours."""
    if value >= 7200:
        return f"{value / 3600:.0f} hours"
    if value >= 120:
        return f"{value / 60:.0f} minutes"
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def money(span: Span, currency: str) -> str:
    """Return an amount of money, or from what to what it lies: 31.00 to 44.00 EUR."""
    low, high = amount(span.low), amount(span.high)
    return f"{low} {currency}" if low == high else f"{low} to {high} {currency}"


def amount(value: float) -> str:
    """Return an amount of money with as many digits as it needs to be told from nothing."""
    if value == 0:
        return "0"
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 0.1:
        return f"{value:,.2f}"
    return f"{value:.2g}" if value >= 0.0001 else f"{value:.0e}"


def volume(number: float) -> str:
    """Return a number per month, in two digits: 24,000, or 0.3."""
    if not number:
        return "0"
    digits = 1 - math.floor(math.log10(number))
    rounded = round(number, digits)
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _whole(value: float) -> str:
    rounded = round(100 * value)
    if rounded == 0 and value > 0:
        return f"{max(0.1, 100 * value):.1f}"
    if rounded == 100 and value < 1:
        return f"{min(99.9, 100 * value):.1f}"
    return str(rounded)
