"""Whether each quantity of a claim is the one that the passages give for the same thing.

A number that stands somewhere in a passage supports nothing yet: "Kassel EUR 135, Brno EUR 110" does not say
that Brno has EUR 135. Every quantity of the same kind in the nearest windows competes for the claim's; it wins
by how near to it the claim's own words stand, those nearest to the claim's number counting most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.numbers import Quantity, agree, comparable
from ragraft.verify.sources import Unit
from ragraft.verify.statements import Statement, Word
from ragraft.verify.wording import Wording

__all__ = ["Binding", "bind"]

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

ENOUGH = 0.45
"""Share of the words around the claim's number that must be around another one to speak against it."""

ASKED = 0.5
"""What a word of the question counts, beside one of the claim."""

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


def bind(topic: Topic, windows: Sequence[Window], *, wording: Wording, grounds: Grounds) -> list[Binding]:
    """Return what became of each quantity of the claim; `wording` compares it with windows[0]."""
    claim = topic.statement
    anchored = {id(one): other for one, other in wording.anchored}
    taken: list[Quantity] = []
    found: list[Binding] = []
    units = [unit for window in windows for unit in window.units]
    units = list(dict.fromkeys([*units, *grounds.with_numbers(topic)]))
    for at, quantity in enumerate(claim.quantities):
        fellow = anchored.get(id(quantity))
        if fellow is not None and not any(fellow is one for one in taken):
            taken.append(fellow)
            unit = next(one for one in windows[0].units if fellow in one.statement.quantities)
            found.append(_checked_bound(quantity, fellow, unit))
        else:
            found.append(_compete(topic, at, units, taken, grounds))
    return [_derived(binding, found, claim) for binding in found]


def _compete(
    topic: Topic, at: int, units: Sequence[Unit], taken: list[Quantity], grounds: Grounds
) -> Binding:
    quantity = topic.statement.quantities[at]
    around = _Around.of(topic, at, grounds)
    same: list[_Rival] = []
    others: list[_Rival] = []
    for unit in units:
        for place, told in enumerate(unit.statement.quantities):
            if any(told is one for one in taken) or not _rivals(quantity, told):
                continue
            rival = _Rival(told, unit, _affinity(around, unit, place, grounds))
            (same if agree(quantity, told) else others).append(rival)
    best = max(same, key=_strength, default=None)
    against = max(others, key=_strength, default=None)
    if best is not None:
        if (
            against
            and against.affinity > best.affinity * BETTER
            and against.affinity >= 0.25 * around.known(grounds)
        ):
            return Binding(quantity, "denied", against.quantity, against.unit)
        taken.append(best.quantity)
        return _checked_bound(quantity, best.quantity, best.unit)
    if against and (against.affinity >= ENOUGH * around.whole > 0):
        return Binding(quantity, "denied", against.quantity, against.unit)
    return Binding(quantity, "missing")


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
    above = frozenset(word.stem for line in unit.scope for word in unit.source.lines[line].words)
    near = _neighbours(unit)
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


def _neighbours(unit: Unit) -> frozenset[str]:
    units = unit.source.units
    at = unit.number
    return frozenset().union(*(units[other].stems for other in (at - 1, at + 1) if 0 <= other < len(units)))


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
