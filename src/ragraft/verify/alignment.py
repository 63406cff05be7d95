"""A claim laid beside the window it may rest on: which words stand opposite which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from ragraft.verify.matching import Grounds, Window
from ragraft.verify.quantity import Quantity, agree
from ragraft.verify.statements import Cue, Statement, Word

__all__ = ["Alignment", "Item", "align"]

APART = 12
"""Places between the last word of a sentence and the first of the next, as distances count."""


@dataclass(frozen=True, slots=True)
class Item:
    """A word or a quantity at its place; `clause` counts over the whole window."""

    what: Word | Quantity
    place: int
    clause: tuple[int, int]

    @property
    def text(self) -> str:
        """As it is written."""
        return self.what.shown if isinstance(self.what, Quantity) else self.what.text


@dataclass(frozen=True)
class Alignment:
    """`by_clause` has the claim's items that each clause of the window has.

    `pairs` are matching items in the same order on both sides; `replaced` what stands between them.
    """

    claim: tuple[Item, ...]
    told: tuple[Item, ...]
    pairs: tuple[tuple[int, int], ...]
    replaced: tuple[tuple[tuple[Item, ...], tuple[Item, ...]], ...]
    loose: tuple[tuple[int, int], ...]
    cues: tuple[Cue, ...]
    by_clause: Mapping[tuple[int, int], frozenset[int]]

    @property
    def share(self) -> float:
        """The share of the claim's items that stand in the window in the same order."""
        return len(self.pairs) / len(self.claim) if self.claim else 0.0

    @cached_property
    def matched(self) -> frozenset[int]:
        """The claim's items that the window has, in whatever order."""
        return frozenset(one for one, _ in (*self.pairs, *self.loose))

    @cached_property
    def clauses(self) -> frozenset[tuple[int, int]]:
        """The window's clauses in which something of the claim stands."""
        return frozenset(self.told[other].clause for _, other in (*self.pairs, *self.loose))

    @cached_property
    def told_share(self) -> float:
        """The share of the window's items that the claim has."""
        return len({other for _, other in self.pairs}) / len(self.told) if self.told else 0.0


def align(claim: Statement, window: Window, grounds: Grounds) -> Alignment:
    """Lay a claim beside a window."""
    mine = _items(claim, 0, 0)
    told: list[Item] = []
    cues: list[Cue] = []
    offset = 0
    for number, unit in enumerate(window.units):
        told += _items(unit.statement, number, offset)
        # A clause of the n-th sentence is told apart from one of the first by its sentence's number.
        cues += [
            Cue(cue.kind, cue.text, cue.place + offset, number * 1000 + cue.clause)
            for cue in unit.statement.cues
        ]
        offset = max([offset, *(item.place for item in told)]) + APART
    claim_keys, told_keys = _keys(mine, told, grounds)
    pairs: list[tuple[int, int]] = []
    replaced: list[tuple[tuple[Item, ...], tuple[Item, ...]]] = []
    for kind, i, j, k, n in SequenceMatcher(None, claim_keys, told_keys, autojunk=False).get_opcodes():
        if kind == "equal":
            pairs += zip(range(i, j), range(k, n), strict=True)
        elif kind == "replace":
            replaced.append((tuple(mine[i:j]), tuple(told[k:n])))
    taken = {one for one, _ in pairs}
    places: dict[str, int] = {}
    for at, key in enumerate(told_keys):
        places.setdefault(key, at)
    where: dict[str, list[int]] = {}
    for at, key in enumerate(claim_keys):
        where.setdefault(key, []).append(at)
    by_clause: dict[tuple[int, int], frozenset[int]] = {}
    for item, key in zip(told, told_keys, strict=True):
        if key in where:
            by_clause[item.clause] = by_clause.get(item.clause, frozenset()) | frozenset(where[key])
    loose = [(at, places[key]) for at, key in enumerate(claim_keys) if at not in taken and key in places]
    return Alignment(
        tuple(mine), tuple(told), tuple(pairs), tuple(replaced), tuple(loose), tuple(cues), by_clause
    )


def _items(statement: Statement, number: int, offset: int) -> list[Item]:
    words = [(word.start, Item(word, offset + word.place, (number, word.clause))) for word in statement.words]
    numbers = [
        (quantity.start, Item(quantity, offset + place, (number, clause)))
        for quantity, place, clause in zip(
            statement.quantities, statement.places, statement.clauses, strict=True
        )
    ]
    return [item for _, item in sorted([*words, *numbers], key=lambda pair: pair[0])]


def _keys(mine: Sequence[Item], told: Sequence[Item], grounds: Grounds) -> tuple[list[str], list[str]]:
    """Return a key for each item; two items have the same one if they say the same."""
    quantities = [(f"#{at}", item.what) for at, item in enumerate(mine) if isinstance(item.what, Quantity)]
    stems: dict[str, str] = {}
    for item in mine:
        if isinstance(item.what, Word):
            stem = item.what.stem
            stems.setdefault(stem, stem)
            for other in grounds.alike(stem):
                stems.setdefault(other, stem)
    first: dict[str, str] = {}
    for key, quantity in quantities:  # a number said twice has one key
        first[key] = next(name for name, other in quantities if other.values == quantity.values)
    claim_keys = [
        stems[item.what.stem] if isinstance(item.what, Word) else first[f"#{at}"]
        for at, item in enumerate(mine)
    ]
    told_keys = []
    for item in told:
        if isinstance(item.what, Word):
            told_keys.append(stems.get(item.what.stem, item.what.stem))
        else:
            told_keys.append(
                next(
                    (first[key] for key, quantity in quantities if agree(quantity, item.what)),
                    f"={item.text}",
                )
            )
    return claim_keys, told_keys
