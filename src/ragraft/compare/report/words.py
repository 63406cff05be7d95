"""Numbers as the cells and axes of a report have them; `compare.wording` has them for sentences."""

from __future__ import annotations

from ragraft.compare.prices import Span
from ragraft.compare.wording import amount

__all__ = [
    "amount",
    "between",
    "duration",
    "megabytes",
    "percent",
    "percents",
    "points",
    "short",
]


def percent(share: float) -> str:
    """Return a share as a whole number of percent; what is not quite none or all is never rounded to it."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def percents(interval: tuple[float, float]) -> str:
    """Return an interval of shares: 48–72."""
    return f"{100 * interval[0]:.0f}–{100 * interval[1]:.0f}"


def points(difference: float) -> str:
    """Return a difference of shares in points of a hundred, with its sign."""
    rounded = round(100 * difference)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{abs(rounded)}"


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 ms, 1.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def between(span: Span, *, times: float = 1.0) -> str:
    """Return a range of money: 1.20, or 1.20–1.40."""
    low, high = amount(times * span.low), amount(times * span.high)
    return low if low == high else f"{low}–{high}"


def megabytes(size: float) -> str:
    """Return a size in memory."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def short(value: float) -> str:
    """Return a number in as few letters as stand beneath an axis: 300, 1k, 2.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
