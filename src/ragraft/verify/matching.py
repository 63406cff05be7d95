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

LIKENESS = 0.5
"""What likeness of meaning counts against the share of the wording."""

NUMBER = 1.5
"""What having a number of the claim counts, as the weight of a word."""

SHARED = 2
"""In how many windows one unit may be."""

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
        weights = np.concatenate([topic.weights, np.full(len(numbers), NUMBER)])
        own = self._matrix([*stems, *numbers], [unit.stems for unit in self.units])
        scopes = self._scopes(stems, len(numbers))
        found: dict[int, tuple[float, int]] = {}
        alone = np.zeros(0)
        for size in range(1, min(3, len(self.units)) + 1):
            ranks = _ranks(size, own, scopes, weights, likeness)
            alone = ranks if size == 1 else alone
            for at in np.argsort(-ranks, kind="stable")[: 3 * limit]:
                first, last = int(at), int(at) + size - 1
                together = self.units[first].source is self.units[last].source
                if together and (first not in found or ranks[at] > found[first][0]):
                    found[first] = (float(ranks[at]), size)
        chosen = self._uncrowded(found, limit)
        first, size = chosen[0]
        heart = max(range(first, first + size), key=lambda at: (alone[at], -at))
        if size > 1 and (heart, 1) not in chosen:
            # What one sentence denies must be heard before its neighbours are added to it.
            chosen.insert(1, (heart, 1))
        return [
            self._window(at, size, found.get(at, (float(alone[at]), 1))[0], own, scopes, topic, likeness)
            for at, size in chosen
        ]

    def _uncrowded(self, found: Mapping[int, tuple[float, int]], limit: int) -> list[tuple[int, int]]:
        """Return first unit and size of the best windows; those that share a unit say much the same."""
        best = sorted(found.items(), key=lambda item: (-item[1][0], item[1][1], self._order(item[0])))
        chosen: list[tuple[int, int]] = []
        crowded: Counter[int] = Counter()
        for first, (_, size) in best:
            if len(chosen) < limit and all(crowded[at] < SHARED for at in range(first, first + size)):
                crowded.update(range(first, first + size))
                chosen.append((first, size))
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


def _ranks(
    size: int,
    own: npt.NDArray[np.bool_],
    scopes: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
    likeness: npt.NDArray[np.float32] | None,
) -> npt.NDArray[np.float64]:
    """Return how near each window of a size comes to the topic, by its first unit."""
    windows = len(own) - size + 1
    joined = np.logical_or.reduce([own[more : windows + more] for more in range(size)])
    ranks = joined @ weights + SCOPE * ((scopes[:windows] & ~joined) @ weights)
    ranks = ranks / (float(weights.sum()) or 1.0) - LONGER * (size - 1)
    if likeness is not None:
        nearest = np.max([likeness[more : windows + more] for more in range(size)], axis=0)
        ranks = ranks + LIKENESS * nearest
    return np.asarray(ranks, np.float64)


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
    return shared >= max(4, len(short) - 1) and len(long) - shared <= 2
