"""Where in the passages a sentence might stand: windows of one to three neighbouring units, best first."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ragraft.verify.lexicon import SYNONYMS
from ragraft.verify.sources import Source, Unit
from ragraft.verify.statements import Statement, Terms, Word

__all__ = ["Grounds", "Topic", "Window", "alike", "synonym_stems"]

SCOPE = 0.8
"""What a word counts that stands not in the sentence but in a heading or title above it."""

NUMBERED = 12
"""How many units outside the windows are looked at for having a number of the claim."""

LONGER = 0.04
"""What each further sentence of a window costs, in shares of the claim's wording."""


ASKED = 0.4
"""What a word counts that only the question has, where the sentence leaves it out."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The words that a sentence is about, each with its weight, and those that its question adds.

    `best_three` is the mean share of the words in the three units of all passages that have most of them.
    """

    statement: Statement
    words: tuple[Word, ...]
    weights: npt.NDArray[np.float64]
    asked: tuple[Word, ...]
    best_three: float


@dataclass(frozen=True, slots=True)
class Window:
    """Neighbouring units of one source; `cover` is the share of the claim's wording that they carry.

    `own` and `scope` say of each word of the topic whether the units, or what stands above them, have it.
    """

    units: tuple[Unit, ...]
    own: npt.NDArray[np.bool_]
    scope: npt.NDArray[np.bool_]
    cover: float
    rank: float
    likeness: float

    @property
    def source(self) -> Source:
        return self.units[0].source

    def headed_cover(self, topic: Topic) -> float:
        """Return the share of the wording that the units have, half of what only a heading above has."""
        total = float(topic.weights.sum()) or 1.0
        return self.cover + 0.5 * float(self.scope @ topic.weights) / total


class Grounds:
    """Everything that the sentences of one answer are held against."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        terms: Terms,
        synonyms: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> None:
        """Take the passages; `synonyms` has the stems that stand for one another."""
        self.sources = sources
        self.terms = terms
        self.units = [unit for source in sources for unit in source.units]
        self._having = Counter(stem for unit in self.units for stem in unit.stems)
        self._synonyms = synonyms
        self._alike: dict[str, tuple[str, ...]] = {}

    @cached_property
    def language(self) -> str:
        """The language that most passages are in."""
        found = Counter(source.language for source in self.sources if source.language)
        return max(sorted(found), key=lambda language: found[language], default="")

    @cached_property
    def known(self) -> frozenset[str]:
        """Every stem of the passages."""
        return frozenset().union(self._having, *(source.above_stems for source in self.sources))

    @cached_property
    def _by_head(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for stem in self.known:
            found.setdefault(stem[:4], []).append(stem)
        return found

    def rarity(self, stem: str) -> float:
        """Return how much a stem tells, from how few of the units have it."""
        having = max((self._having[one] for one in self.alike(stem)), default=0)
        return math.log1p(len(self.units) / (1 + having)) + 0.2

    def alike(self, stem: str) -> tuple[str, ...]:
        """Return the stems of the passages that stand for this one: itself, or other endings of it."""
        found = self._alike.get(stem)
        if found is None:
            near = self._by_head.get(stem[:4], ())
            same = [other for other in near if alike(stem, other)]
            same += [other for other in self._synonyms.get(stem, ()) if other != stem and other in self.known]
            found = tuple(dict.fromkeys(same))
            self._alike[stem] = found
        return found

    def has(self, stem: str, stems: frozenset[str]) -> bool:
        """Return whether a set of stems holds this one or one alike."""
        return stem in stems or any(other in stems for other in self.alike(stem))

    def _best_three(self, words: Sequence[Word]) -> float:
        """Return the mean share of the words in the three units that have most of them."""
        same = [frozenset(self.alike(stem)) for stem in {word.stem for word in words}]
        if not same:
            return 0.0
        shares = (sum(not one.isdisjoint(unit.stems) for one in same) for unit in self.units)
        return sum(heapq.nlargest(3, shares)) / (3 * len(same))

    def topic(self, statement: Statement, question: Statement | None) -> Topic:
        """Return what a sentence is about; one with hardly a word of its own takes them from its question."""
        words = list(statement.words)
        asked = list(question.words) if question is not None else []
        own = {word.stem for word in words}
        # What no passage has, nothing is about: "how long", "should I" and the asker's own story.
        asked = [word for word in asked if word.stem not in own and self.alike(word.stem)]
        weights = [self.rarity(word.stem) for word in words]
        if len(own) < 3:
            words += asked
            weights += [ASKED * self.rarity(word.stem) for word in asked]
        return Topic(statement, tuple(words), np.array(weights), tuple(asked), self._best_three(words))

    def windows(self, topic: Topic, *, likeness: npt.NDArray[np.float32] | None, limit: int) -> list[Window]:
        """Return the windows that come nearest to a topic, best first.

        `likeness` has the cosine of the sentence to each unit. Windows that hold one another are kept apart
        only if they differ in their first unit.
        """
        if not self.units:
            return []
        stems = [word.stem for word in topic.words]
        numbers = [
            stem
            for quantity in topic.statement.quantities
            for stem in self.terms(quantity.shown)
            if stem.isdigit()
        ]
        weights = np.concatenate([topic.weights, np.full(len(numbers), 1.5)]) if numbers else topic.weights
        own = self._matrix([*stems, *numbers], [unit.stems for unit in self.units])
        scopes = self._scopes(stems, len(numbers))
        total = float(weights.sum()) or 1.0
        found: dict[int, tuple[float, int]] = {}
        for size in (1, 2, 3):
            if len(self.units) < size:
                break
            joined = own[: len(own) - size + 1].copy()
            for more in range(1, size):
                joined |= own[more : len(own) - size + 1 + more]
            ranks = joined @ weights + SCOPE * ((scopes[: len(joined)] & ~joined) @ weights)
            ranks = ranks / total - LONGER * (size - 1)
            if likeness is not None:
                nearest = np.max([likeness[more : len(joined) + more] for more in range(size)], axis=0)
                ranks = ranks + 0.5 * nearest
            for at in np.argsort(-ranks, kind="stable")[: 3 * limit]:
                first, last = int(at), int(at) + size - 1
                if self.units[first].source is not self.units[last].source:
                    continue
                if first not in found or ranks[at] > found[first][0]:
                    found[first] = (float(ranks[at]), size)
        best = sorted(found.items(), key=lambda item: (-item[1][0], item[1][1], self._order(item[0])))
        chosen: list[Window] = []
        crowded: Counter[int] = Counter()
        for first, (rank, size) in best:
            if len(chosen) == limit:
                break
            # Windows that share a unit say much the same: two are enough.
            if all(crowded[at] < 2 for at in range(first, first + size)):
                crowded.update(range(first, first + size))
                chosen.append(self._window(first, size, rank, own, scopes, topic, likeness))
        return chosen

    def with_numbers(self, topic: Topic) -> list[Unit]:
        """Return the units that have all digits of one of the claim's quantities."""
        wanted = [
            frozenset(stem for stem in self.terms(quantity.shown) if stem[0].isdigit())
            for quantity in topic.statement.quantities
        ]
        held = [unit for unit in self.units if any(digits and digits <= unit.stems for digits in wanted)]
        return sorted(held, key=lambda unit: (unit.source.text, unit.start))[:NUMBERED]

    def _order(self, unit: int) -> tuple[str, int]:
        """The order of equals, which must not hang on the order of the passages."""
        return self.units[unit].source.text, self.units[unit].start

    def _window(
        self,
        first: int,
        size: int,
        rank: float,
        own: npt.NDArray[np.bool_],
        scopes: npt.NDArray[np.bool_],
        topic: Topic,
        likeness: npt.NDArray[np.float32] | None,
    ) -> Window:
        words = len(topic.words)
        mine = np.logical_or.reduce(own[first : first + size, :words])
        above = scopes[first, :words] & ~mine
        total = float(topic.weights.sum())
        cover = float(mine @ topic.weights) / total if total else 0.0
        near = float(likeness[first : first + size].max()) if likeness is not None else 0.0
        return Window(tuple(self.units[first : first + size]), mine, above, cover, rank, near)

    def _matrix(self, stems: Sequence[str], sets: Sequence[frozenset[str]]) -> npt.NDArray[np.bool_]:
        """Return which set has which stem, (sets, stems)."""
        found = np.zeros((len(sets), len(stems)), bool)
        for column, stem in enumerate(stems):
            others = self.alike(stem)
            if others:
                found[:, column] = [not held.isdisjoint(others) for held in sets]
        return found

    def _scopes(self, stems: Sequence[str], more: int) -> npt.NDArray[np.bool_]:
        lines: dict[tuple[str, ...], int] = {}
        rows = [lines.setdefault(unit.scope, len(lines)) for unit in self.units]
        sets = [frozenset(self.terms(" ".join(scope))) for scope in lines]
        found = self._matrix(stems, sets)[rows]
        return np.pad(found, ((0, 0), (0, more)))


def synonym_stems(terms: Terms) -> dict[str, frozenset[str]]:
    """Return the stems that stand for one another, by each of them."""
    stems = {word: frozenset(terms(word)) for word in SYNONYMS}
    found: dict[str, frozenset[str]] = {}
    for word, others in SYNONYMS.items():
        for stem in stems[word]:
            found[stem] = found.get(stem, frozenset()).union(*(stems[other] for other in others))
    return found


def alike(one: str, other: str) -> bool:
    """Return whether two stems are the same word in another form, as far as their letters tell.

    Meant for what the stemmer of another language leaves: Arbeitstag and Arbeitstage, travel and travelled.
    """
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 4 or short[:4] != long[:4] or any(letter.isdigit() for letter in long):
        return False
    shared = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return shared >= max(4, len(short) - 1) and len(long) - shared <= 3
