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

from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.numbers import Quantity, agree, comparable
from ragraft.verify.sources import Unit
from ragraft.verify.statements import Statement, Word
from ragraft.verify.wording import Wording

__all__ = ["Binding", "Contest"]

NEAR = 4.0
"""Distance in words at which a word counts half."""

CLAUSE = 3.0
"""What a comma or "and" between a word and a number adds to their distance, and another number."""

FROM_ABOVE = 8.0
"""Distance of a word in a heading, title or column name."""

NEXT_DOOR = 14.0
"""Distance of a word in the neighbouring sentence."""

BETTER = 1.15
"""A competitor must be nearer by this factor to speak against a number that stands in the window too."""

LABEL = 4.0
"""Distance of a word in the first cell of a row, which speaks for every cell."""

OTHER_CELL = 16.0
"""Distance of a word in another cell."""

IN_LABEL = 0.5
"""What a quantity in the first cell counts against those in the others: it names the row, and is no value."""

TOGETHER = 2.5
"""What another quantity of the claim counts, beside a word: a value and its year belong together."""

WORTH = 0.25
"""Share of the words around the claim's number that a competitor must have around it in any case."""

AS_MUCH = 0.9
"""Share of what the claim's own place tells of its words that a competitor's place must tell."""

ENOUGH = 0.45
"""Share of the words around the claim's number that must be around another one to speak against it."""

ASKED = 0.5
"""What a word of the question counts, beside one of the claim."""

MANY = 20
"""Quantities in one sentence from which on each must stand in the passage's own wording."""

RIVALS = 300
"""How many quantities of the windows compete at most."""

WHOLE = 3
"""Words from which on a claim says itself what it is about."""


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
        self._known: dict[int, tuple[_Around, list[_Rival]]] = {}

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
                found.append(_checked_bound(quantity, fellow, unit))
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
        return _checked_bound(quantity, best.quantity, best.unit)

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

    def _rivals(self, at: int) -> tuple[_Around, list[_Rival]]:
        """Return what stands around a quantity of the claim, and all that could stand for it."""
        if at not in self._known:
            quantity = self._topic.statement.quantities[at]
            around = _Around.of(self._topic, at, self._grounds)
            rivals = [
                _Rival(told, unit, _affinity(around, unit, place, self._grounds))
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


def _checked_bound(claimed: Quantity, told: Quantity, unit: Unit) -> Binding:
    opposed = {claimed.bound, told.bound} == {"<", ">"}
    return Binding(claimed, "denied" if opposed else "bound", told, unit)


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a quantity of the claim, each with how much it says about it."""

    words: tuple[tuple[str, float], ...]
    quantities: tuple[tuple[Quantity, float], ...]

    @property
    def whole(self) -> float:
        return sum(weight for _, weight in (*self.words, *self.quantities))

    def known(self, grounds: Grounds) -> float:
        """The same of those alone that the passages have."""
        words = sum(weight for stem, weight in self.words if grounds.alike(stem))
        return words + sum(weight for _, weight in self.quantities)

    def told_by(self, unit: Unit, grounds: Grounds) -> float:
        """The same of those words alone that a unit or a heading above it has."""
        stems = unit.stems | unit.above
        return sum(weight for stem, weight in self.words if grounds.has(stem, stems))

    @classmethod
    def of(cls, topic: Topic, at: int, grounds: Grounds) -> _Around:
        claim = topic.statement
        words = [
            (word.stem, grounds.rarity(word.stem) / (1 + _distance(claim, word, at) / NEAR))
            for word in claim.words
        ]
        asked = ASKED if len(claim.words) >= WHOLE else 1.0
        words += [(word.stem, asked * grounds.rarity(word.stem)) for word in topic.asked]
        quantities = [
            (other, TOGETHER / (1 + abs(claim.places[place] - claim.places[at]) / NEAR))
            for place, other in enumerate(claim.quantities)
            if place != at
        ]
        return cls(tuple(words), tuple(quantities))


def _distance(statement: Statement, word: Word, at: int) -> float:
    """Return how far a word is from a quantity: words, clauses and other quantities between them."""
    place, clause = statement.places[at], statement.clauses[at]
    low, high = (place, word.place) if place < word.place else (word.place, place)
    between = 0
    for other in statement.places:
        between += low < other < high
    return high - low + CLAUSE * (abs(word.clause - clause) + between)


def _affinity(around: _Around, unit: Unit, at: int, grounds: Grounds) -> float:
    """Return how near to a quantity of a unit stands what stands around the claim's."""
    statement = unit.statement
    distances: dict[str, float] = {}
    for word in statement.words:
        distance = _distance_in(unit, word, at)
        if distance < distances.get(word.stem, 1e9):
            distances[word.stem] = distance
    above, near = unit.above, unit.near
    total = 0.0
    for stem, weight in around.words:
        options = grounds.alike(stem)
        distance = min((distances[one] for one in options if one in distances), default=1e9)
        if distance > FROM_ABOVE and not above.isdisjoint(options):
            distance = FROM_ABOVE
        if distance > NEXT_DOOR and not near.isdisjoint(options):
            distance = NEXT_DOOR
        total += weight / (1 + distance / NEAR) if distance < 1e9 else 0.0
    for quantity, weight in around.quantities:
        distance = min(
            (
                _between(unit, place, at)
                for place, told in enumerate(statement.quantities)
                if place != at and agree(quantity, told)
            ),
            default=1e9,
        )
        total += weight / (1 + distance / NEAR) if distance < 1e9 else 0.0
    in_label = unit.cells and unit.cell_of(statement.quantities[at].start) == 0
    return total * IN_LABEL if in_label else total


def _distance_in(unit: Unit, word: Word, at: int) -> float:
    """Return how far a word of a unit is from one of its quantities; in a row, cells count."""
    if not unit.cells:
        return _distance(unit.statement, word, at)
    here, there = unit.cell_of(unit.statement.quantities[at].start), unit.cell_of(word.start)
    return 1.0 if here == there else LABEL if there == 0 else OTHER_CELL


def _between(unit: Unit, one: int, other: int) -> float:
    """Return how far two quantities of a unit are from one another."""
    statement = unit.statement
    if unit.cells:
        cells = [unit.cell_of(statement.quantities[at].start) for at in (one, other)]
        return 1.0 if cells[0] == cells[1] else LABEL if 0 in cells else OTHER_CELL
    clauses = abs(statement.clauses[one] - statement.clauses[other])
    return abs(statement.places[one] - statement.places[other]) + CLAUSE * clauses


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
