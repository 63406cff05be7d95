"""One number, amount, date, time or code of a text, and when two of them say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Quantity", "Value", "agree", "comparable"]

Kind = Literal["number", "percent", "money", "measure", "date", "time", "weekday", "ordinal", "code"]
Value = float | str | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Quantity:
    """text[start:end] read as values in `unit`; a date is (year, month, day), 0 for what it does not say.

    `counts` are the numbers as written, where `values` have them in another unit.
    `bound` is "<" for less and at most, ">" for more and at least, "" for exactly or unsaid.
    """

    start: int
    end: int
    kind: Kind
    values: frozenset[Value]
    unit: str
    shown: str
    bound: str = ""
    counts: frozenset[float] = frozenset()


def agree(claimed: Quantity, told: Quantity) -> bool:
    """Return whether `told` says what `claimed` says, or says it more exactly."""
    if claimed.kind == "code" or told.kind == "code":
        return claimed.kind == told.kind and bool(claimed.values & told.values)
    if "date" in (claimed.kind, told.kind):
        return _dates_agree(claimed, told)
    if not comparable(claimed, told):
        return False
    if "number" in (claimed.kind, told.kind):  # 240 of a table, 240 hours of a sentence
        return any(
            _same(one, other)
            for one in claimed.counts or claimed.values
            for other in told.counts or told.values
        )
    return any(_same(one, other) for one in claimed.values for other in told.values)


def comparable(one: Quantity, other: Quantity) -> bool:
    """Return whether two quantities could be the same: a number without a unit may be any measure."""
    if one.kind == other.kind:
        return one.unit == other.unit or "" in (one.unit, other.unit)
    plain = {"number", "percent", "money", "measure", "ordinal"}
    return "number" in (one.kind, other.kind) and {one.kind, other.kind} <= plain


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    return one == other


def _dates_agree(claimed: Quantity, told: Quantity) -> bool:
    """A claim may leave out parts of a date, not add to it; a bare year may be read as a number."""
    for one in claimed.values:
        for other in told.values:
            if isinstance(one, tuple) and isinstance(other, tuple):
                if all(said in (0, known) for said, known in zip(one, other, strict=True)):
                    return True
            elif (
                isinstance(one, tuple)
                and one[1:] == (0, 0)
                and told.unit == ""
                and _same(float(one[0]), other)
            ) or (
                isinstance(other, tuple)
                and other[1:] == (0, 0)
                and claimed.unit == ""
                and _same(one, float(other[0]))
            ):
                return True
    return False
