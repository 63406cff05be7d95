"""How near to a quantity of the passages stands what stands around one of the claim's."""

from __future__ import annotations

from dataclasses import dataclass

from ragraft.verify.matching import Grounds, Topic
from ragraft.verify.quantity import Quantity, agree
from ragraft.verify.sources import Unit
from ragraft.verify.statements import Statement, Word

__all__ = ["Around", "affinity_of"]

NEAR = 4.0
"""Distance in words at which a word counts half."""

CLAUSE = 3.0
"""What a comma or "and" between a word and a number adds to their distance, and another number."""

FROM_ABOVE = 8.0
"""Distance of a word in a heading, title or column name."""

NEXT_DOOR = 14.0
"""Distance of a word in the neighbouring sentence."""

ASKED = 0.5
"""What a word of the question counts, beside one of the claim."""

WHOLE = 3
"""Words from which on a claim says itself what it is about."""

LABEL = 4.0
"""Distance of a word in the first cell of a row, which speaks for every cell."""

OTHER_CELL = 16.0
"""Distance of a word in another cell."""

IN_LABEL = 0.5
"""What a quantity in the first cell counts against those in the others: it names the row, and is no value."""

TOGETHER = 2.5
"""What another quantity of the claim counts, beside a word: a value and its year belong together."""


@dataclass(frozen=True, slots=True)
class Around:
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
    def of(cls, topic: Topic, at: int, grounds: Grounds) -> Around:
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


def affinity_of(around: Around, unit: Unit, at: int, grounds: Grounds) -> float:
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
