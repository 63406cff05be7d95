"""Whether each quantity of a claim is the one that the passages give for the same thing.

A number that stands somewhere in a passage supports nothing yet: "Kassel EUR 135, Brno EUR 110" does not say
that Brno has EUR 135. Every quantity of the same kind in the nearest windows competes for the claim's; it wins
by how near to it the claim's own words stand, those nearest to the claim's number counting most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ragraft.verify.affinity import Around, affinity_of
from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.quantity import Quantity, agree, comparable
from ragraft.verify.sources import Unit
from ragraft.verify.statements import Statement
from ragraft.verify.wording import Wording

__all__ = ["Binding", "Contest"]

BETTER = 1.15
"""A competitor must be nearer by this factor to speak against a number that stands in the window too."""

WORTH = 0.25
"""Share of the words around the claim's number that a competitor must have around it in any case."""

AS_MUCH = 0.9
"""Share of what the claim's own place tells of its words that a competitor's place must tell."""

ENOUGH = 0.45
"""Share of the words around the claim's number that must be around another one to speak against it."""

MANY = 20
"""Quantities in one sentence from which on each must stand in the passage's own wording."""

RIVALS = 300
"""How many quantities of the windows compete at most."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What became of one quantity: where it was found, or what stands in its place."""

    claimed: Quantity
    verdict: Literal["bound", "denied", "missing", "derived"]
    told: Quantity | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class _Rival:
    quantity: Quantity
    unit: Unit
    affinity: float


class Contest:
    """The quantities of a claim's windows, competing for those of the claim."""

    def __init__(self, topic: Topic, windows: Sequence[Window], grounds: Grounds) -> None:
        self._topic = topic
        self._grounds = grounds
        self._windows = windows
        self._known: dict[int, tuple[Around, list[_Rival]]] = {}

    def bind(self, window: Window, wording: Wording) -> list[Binding]:
        """Return what became of each quantity of the claim; `wording` compares it with the window."""
        anchored = {id(one): other for one, other in wording.anchored}
        taken: list[Quantity] = []
        found: list[Binding] = []
        for at, quantity in enumerate(self._topic.statement.quantities):
            fellow = anchored.get(id(quantity))
            if fellow is not None and not any(fellow is one for one in taken):
                taken.append(fellow)
                unit = next(one for one in window.units if fellow in one.statement.quantities)
                found.append(self._bound(quantity, fellow, unit))
            elif len(self._topic.statement.quantities) > MANY:
                found.append(Binding(quantity, "missing"))
            else:
                found.append(self._compete(at, taken))
        return [_derived(binding, found, self._topic.statement) for binding in found]

    def _compete(self, at: int, taken: list[Quantity]) -> Binding:
        quantity = self._topic.statement.quantities[at]
        around, rivals = self._rivals(at)
        free = [one for one in rivals if not any(one.quantity is other for other in taken)]
        best = max((one for one in free if agree(quantity, one.quantity)), key=_strength, default=None)
        others = [one for one in free if not agree(quantity, one.quantity)]
        if best is None:
            against = max(others, key=_strength, default=None)
            if against and against.affinity >= ENOUGH * around.whole > 0:
                return Binding(quantity, "denied", against.quantity, against.unit)
            return Binding(quantity, "missing")
        least = max(BETTER * best.affinity, WORTH * around.known(self._grounds))
        # A place that tells less of the claim cannot speak against one that tells more.
        told = AS_MUCH * around.told_by(best.unit, self._grounds)
        nearer = [one for one in others if one.affinity > least and _may_deny(quantity, one.quantity)]
        nearer = [one for one in nearer if around.told_by(one.unit, self._grounds) >= told]
        if nearer:
            against = max(nearer, key=_strength)
            return Binding(quantity, "denied", against.quantity, against.unit)
        taken.append(best.quantity)
        return self._bound(quantity, best.quantity, best.unit)

    def _bound(self, claimed: Quantity, told: Quantity, unit: Unit) -> Binding:
        other = self._gapped(told, unit)
        if other is not None and not agree(claimed, other):
            return Binding(claimed, "denied", other, unit)
        opposed = {claimed.bound, told.bound} == {"<", ">"}
        return Binding(claimed, "denied" if opposed else "bound", told, unit)

    def _gapped(self, told: Quantity, unit: Unit) -> Quantity | None:
        """Return the quantity of a clause that leaves its verb to the clause of `told` and is what the claim is about.

        "Gauges are calibrated every 12 months, the chamber every 6 months": of the chamber, the 12 stand nearer
        to all that is said, and the 6 are meant.
        """
        clauses: dict[int, set[str]] = {}
        for word in unit.statement.words:
            clauses.setdefault(word.clause, set()).add(word.stem)
        mine = {stem for word in self._topic.statement.words for stem in self._grounds.alike(word.stem)}
        quantities, places = unit.statement.quantities, unit.statement.clauses
        place = places[quantities.index(told)]
        here = clauses.get(place, set())
        if unit.cells or here <= mine:
            return None
        for one, later in zip(quantities, places, strict=True):
            there = clauses.get(later, set())
            if later > place and there and there <= mine and not there <= here and comparable(told, one):
                return one
        return None

    @cached_property
    def _told(self) -> list[tuple[Unit, int, Quantity]]:
        """The quantities of the windows, and of other units that have one of the claim's numbers."""
        units = [unit for window in self._windows for unit in window.units]
        found = [
            (unit, place, told)
            for unit in dict.fromkeys([*units, *self._grounds.with_numbers(self._topic)])
            for place, told in enumerate(unit.statement.quantities[: 2 * MANY])
        ]
        return found[:RIVALS]

    def _rivals(self, at: int) -> tuple[Around, list[_Rival]]:
        """Return what stands around a quantity of the claim, and all that could stand for it."""
        if at not in self._known:
            quantity = self._topic.statement.quantities[at]
            around = Around.of(self._topic, at, self._grounds)
            rivals = [
                _Rival(told, unit, affinity_of(around, unit, place, self._grounds))
                for unit, place, told in self._told
                if _rivals(quantity, told)
            ]
            self._known[at] = around, rivals
        return self._known[at]


def _may_deny(claimed: Quantity, told: Quantity) -> bool:
    """Return whether `told` can speak against a number that is found: another of its unit, or it in another unit."""
    return comparable(claimed, told) or _count(claimed) == _count(told) is not None


def _strength(rival: _Rival) -> tuple[float, float, str]:
    return rival.affinity, -rival.quantity.start, rival.unit.statement.text


def _rivals(claimed: Quantity, told: Quantity) -> bool:
    """Return whether `told` could stand where `claimed` does: 30 days for 30 hours, EUR for USD."""
    return comparable(claimed, told) or claimed.kind == told.kind or agree(claimed, told)


_DERIVES = (
    "apart",
    "difference",
    "differ",
    "total",
    "sum",
    "together",
    "altogether",
    "combined",
    "overall",
    "unterschied",
    "zusammen",
    "insgesamt",
    "summe",
    "differenz",
    "more",
    "less",
    "mehr",
    "weniger",
    "twice",
    "doppelt",
)


def _derived(binding: Binding, found: Sequence[Binding], claim: Statement) -> Binding:
    """A sum or difference stated as one is found if both of its operands are in the claim and bound."""
    if binding.verdict in ("bound", "derived") or not any(word in claim.text.lower() for word in _DERIVES):
        return binding
    value = _count(binding.claimed)
    bound = [one for one in found if one.verdict == "bound" and comparable(binding.claimed, one.claimed)]
    operands = [_count(one.claimed) for one in bound]
    if value is None:
        return binding
    for at, one in enumerate(operands):
        for other in operands[at + 1 :]:
            if one is None or other is None:
                continue
            if any(abs(result - value) < 1e-6 for result in (one + other, abs(one - other))):
                return Binding(binding.claimed, "derived", None, None)
    return binding


def _count(quantity: Quantity) -> float | None:
    """Return a quantity's number as it is written, None of a date or code."""
    return next((value for value in quantity.counts or quantity.values if isinstance(value, float)), None)
