"""Which adapters are stale, and why: what they saw has changed, or what is asked of them has.

Only the owner may know: the answer names documents and counts examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from ragraft.documents.library import require_owner
from ragraft.tune.adapter_rows import Learned
from ragraft.tune.registry import AdapterRegistry
from ragraft.tune.store import ExampleStore, Stored
from ragraft.types import Adapter, Caller, Example, Vectors

__all__ = [
    "CHANCE",
    "Bars",
    "Measure",
    "Staleness",
    "find_stale",
    "moved_away",
    "nearest_distances",
    "usual_distances",
]

Embed = Callable[[Sequence[str]], Vectors]

FEWEST = 20
"""Of fewer questions, learned or asked today, drift is not measured."""

CHANCE = 0.01
"""Drift is sure if it came by chance less often than this. Strict, for questions of one document come together."""

ROWS = 512
"""Texts that are held against what was learned at a time."""

ASKED = ("question", "chat", "document")
"""Kinds of examples whose last user turn is a question as people ask it."""


@dataclass(frozen=True, slots=True)
class Bars:
    """From what on an adapter is due: shares, and days of age."""

    changed: float
    new: float
    days: float
    drift: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that makes an adapter old. `value` is None where it could not be measured: `told` says why.

    tainted: documents erased, removed or closed, by count; changed: share of its documents that have newer
    revisions; new: share of today's examples that it never saw; age: days; drift: share of today's questions, at
    least, that are farther from all that it learned than its own questions are from those of other documents. What
    may be chance is not `sure`.
    """

    kind: Literal["tainted", "changed", "new", "age", "drift"]
    value: float | None
    bar: float
    told: str
    documents: tuple[str, ...] = ()
    sure: bool = True

    @property
    def due(self) -> bool:
        """Whether it is reason enough to train the adapter again."""
        return self.value is not None and self.value > self.bar and self.sure


@dataclass(frozen=True, slots=True)
class Staleness:
    """How old an adapter is, by every measure."""

    adapter: str
    measures: tuple[Measure, ...]

    @property
    def reasons(self) -> tuple[Measure, ...]:
        """Why it should be trained again; empty if it is fresh."""
        return tuple(measure for measure in self.measures if measure.due)


def find_stale(
    *,
    registry: AdapterRegistry,
    store: ExampleStore,
    embed: Embed,
    bars: Bars,
    now: datetime,
    caller: Caller,
    asked: Sequence[str] = (),
    reader_of: Callable[[Adapter], Caller] | None = None,
) -> list[Staleness]:
    """Return how old every adapter is, the fresh ones too, by name.

    `asked` are questions of today; without any, those of the examples added since are taken for them. `reader_of`
    says who an adapter is made for, and so which examples it would be trained on; else all. `embed` is called only
    where drift can be measured.

    Raises: NotAllowedError unless the caller is the owner.
    """
    require_owner(caller, "see which adapters are due")
    vectors = _Embedded(embed)
    found = []
    for adapter in registry.adapters(caller):
        reader = reader_of(adapter) if reader_of else caller
        stored = [one for one in store.examples(reader) if not one.withdrawn]
        learned = registry.learned(adapter.name, caller=caller)
        unseen = [one for one in stored if _is_new(one, learned)]
        questions = asked or list(dict.fromkeys(filter(None, (_question(one.example) for one in unseen))))
        measures = (
            _tainted(adapter),
            _changed(adapter, registry.stale(adapter.name, caller=caller), bars.changed),
            _new(len(unseen), len(stored), bars.new),
            _age(adapter, now, bars.days),
            _drift(learned, [one.example for one in stored], questions, vectors, bars.drift),
        )
        found.append(Staleness(adapter.name, measures))
    return found


def _is_new(one: Stored, learned: Learned) -> bool:
    # What was there and not learned was left out on purpose, such as what asks an evaluation question.
    known = learned.train | learned.held_out
    return one.added_at > learned.read_at and one.example.id not in known


def _tainted(adapter: Adapter) -> Measure:
    names = adapter.tainted_by
    return Measure("tainted", len(names), 0, ", ".join(names) or "all that it saw still stands", names)


def _changed(adapter: Adapter, outdated: Sequence[str], bar: float) -> Measure:
    saw = len({source.document for source in adapter.made_from})
    if not saw:
        return Measure("changed", None, bar, "it was made from no document")
    told = f"{len(outdated)} of {saw} documents have newer revisions"
    return Measure("changed", len(outdated) / saw, bar, told, tuple(outdated))


def _new(unseen: int, stored: int, bar: float) -> Measure:
    if not stored:
        return Measure("new", None, bar, "there are no examples")
    return Measure("new", unseen / stored, bar, f"{unseen} of {stored} examples were added since")


def _age(adapter: Adapter, now: datetime, bar: float) -> Measure:
    days = max(0.0, (now - adapter.made_at).total_seconds() / 86_400)
    return Measure("age", round(days, 2), bar, f"made {days:.0f} days ago")


def _drift(
    learned: Learned, examples: Sequence[Example], today: Sequence[str], vectors: _Embedded, bar: float
) -> Measure:
    """Return how many of today's questions have moved away from what an adapter learned.

    A question's distance is 1 less its cosine to the nearest one learned. What is usual, its own questions show:
    each is held against those of other documents, for of its own it has near ones.
    """
    train = {text: one.group for one in examples if one.id in learned.train and (text := _question(one))}
    other = {text: one.group for one in examples if one.id in learned.held_out and (text := _question(one))}
    known = {**other, **train}
    for count, what in (
        (len(today), "questions of today"),
        (len(known) if train else 0, "learned questions"),
    ):
        if count < FEWEST:
            return Measure("drift", None, bar, f"{count} {what}, {FEWEST} are the fewest")
    near = vectors(list(train))
    usual = usual_distances(vectors(list(known)), list(known.values()), near, list(train.values()))
    if not len(usual):
        return Measure("drift", None, bar, "all that it learned is of one document")
    moved, chance = moved_away(usual, nearest_distances(vectors(today), near))
    sure = chance < CHANCE
    told = f"{moved:.0%} of {len(today)} questions, at least, are far from all that it learned"
    return Measure("drift", moved, bar, told if sure else f"{told}; that may be chance", sure=sure)


def moved_away(usual: Vectors, today: Vectors) -> tuple[float, float]:
    """Return which share of today's distances, at least, is greater than usual, and how likely by chance.

    It is the greatest difference, over all distances, of the shares of today's and of the usual ones beyond it: if
    a share p is from elsewhere and the others are as usual, it is at most p, up to chance.

    Source: the one-sided statistic of Smirnov 1939 for two samples, with its limit exp(-2 D^2 nm / (n + m)).
    """
    moved = max(0.0, *(float((today > at).mean() - (usual > at).mean()) for at in usual))
    return moved, math.exp(-2 * moved**2 * len(usual) * len(today) / (len(usual) + len(today)))


def nearest_distances(texts: Vectors, learned: Vectors) -> Vectors:
    """Return for each text 1 less its greatest cosine to anything learned."""
    parts = [(texts[at : at + ROWS] @ learned.T).max(axis=1) for at in range(0, len(texts), ROWS)]
    nearest: Vectors = np.concatenate(parts)
    return 1 - nearest


def usual_distances(
    texts: Vectors, groups: Sequence[str], learned: Vectors, learned_groups: Sequence[str]
) -> Vectors:
    """Return for each text its distance to the nearest of what was learned in another group, where there is any."""
    by_group: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        by_group.setdefault(group, []).append(place)
    of = np.array(learned_groups)
    parts = [
        nearest_distances(texts[places], others)
        for group, places in by_group.items()
        if len(others := learned[of != group])
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _question(example: Example) -> str:
    """Return what an example asks, "" if it is an instruction or a house term and no question of a user."""
    if example.kind not in ASKED:
        return ""
    return next((turn.content for turn in reversed(example.messages) if turn.role == "user"), "")


class _Embedded:
    """The vectors of texts; each is embedded once, for adapters share their examples."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        if missing := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(missing, self._embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts])
