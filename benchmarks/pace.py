"""How surely does `ragraft compare` find the faster of two systems? Times are made up of which the truth is known.

Twelve questions, each slow or quick for all systems alike, and each answer's time varies by a factor besides: about two
thirds of them lie within it. Systems that are equally fast must hardly ever be told apart, and intervals must hold the true
ratio 95 times out of 100. How often a faster system is found is told, not judged. Beside it stands what is common: to
believe a difference that is large enough, to take each question for itself, Student's t, and not to pair the questions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure, Report, at_least, at_most, run
from ragraft.compare.clustered import quantile
from ragraft.compare.pace import Pace, noticed, paces
from ragraft.compare.results import Gauge, Latency
from ragraft.types import Evidence, Question

Numbers = npt.NDArray[np.float64]

FALSE = at_most(0.05)
BAND = (at_least(0.93), at_most(0.97))

OWN, SIX = (1,) * 12, (3, 3, 2, 2, 1, 1)
"""How many of the twelve questions come from each document."""

SYSTEMS, VARYING, SHARES = (2, 5), (1.2, 1.5), (0.8, 0.7, 0.6, 0.5)
HARD = 0.8
"""How far questions differ: the standard deviation of the logarithm of seconds. The middle one takes a second."""

ALIKE = 0.5
"""Which part of a time's variance is that of its document, where a document has several questions."""

STALL, STALLED = 0.1, 3.0
"""How often an answer is held up, where answers are, and how many times as long it then takes."""


@dataclass(frozen=True, slots=True)
class World:
    """Comparisons of one kind: the first system takes `share` of the time of each other one in truth."""

    systems: int
    varying: float
    share: float = 1.0
    documents: Sequence[int] = OWN
    stalls: float = 0.0

    @property
    def questions(self) -> list[Question]:
        """The questions, each with its document."""
        return [
            Question(f"{document}-{at}", "?", "x", (), (Evidence(f"{document}.md", "x"),), "fact")
            for document, length in enumerate(self.documents)
            for at in range(length)
        ]

    def seconds(self, chance: np.random.Generator, runs: int) -> Numbers:
        """Return made-up times of shape (runs, systems, questions)."""
        of = np.repeat(np.arange(len(self.documents)), self.documents)
        shape = (runs, self.systems, len(of))
        own = chance.normal(size=shape)
        if len(of) > len(self.documents):
            shared = chance.normal(size=(runs, self.systems, len(self.documents)))[..., of]
            own = np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * own
        hard = HARD * chance.normal(size=(runs, 1, len(of)))
        held_up = np.where(chance.random(shape) < self.stalls, STALLED, 1.0)
        times: Numbers = held_up * np.exp(hard + np.log(self.varying) * own)
        times[:, 0] *= self.share
        return times

    def truth(self, pace: Pace) -> float:
        """Return the ratio that is so for a pair."""
        return self.share ** ((pace.system == "s0") - (pace.other == "s0"))


EQUAL = (
    *(World(systems, varying) for systems, varying in product(SYSTEMS, VARYING)),
    *(World(2, varying, documents=SIX) for varying in VARYING),
    *(World(2, varying, stalls=STALL) for varying in VARYING),
)
FASTER_BY = tuple(
    World(systems, varying, share) for systems, varying, share in product(SYSTEMS, VARYING, SHARES)
)


def measure(*, equal: int, faster: int) -> Report:
    """Return the figures of so many made-up comparisons in each world: of equal systems, and of one that is faster."""
    runs = {"equal": equal, "one is faster": faster}
    report = Report(settings={"runs": runs, "hard": HARD, "alike": ALIKE, "stall": STALL, "stalled": STALLED})
    chance = np.random.default_rng(6)
    report.detail["equal"] = same = [row_of(world, chance, equal) for world in EQUAL]
    report.add(*_told_apart(same, equal))
    report.detail["faster"] = quick = [row_of(world, chance, faster) for world in FASTER_BY]
    report.add(*_coverage([*same, *quick]))
    report.add(*_found(quick))
    return report


def row_of(world: World, chance: np.random.Generator, runs: int) -> dict[str, Any]:
    """Return how often things came to pass in comparisons of a world; of pairs, those of the first two systems."""
    questions = world.questions
    by_itself = [replace(one, evidence=()) for one in questions]
    counts = dict.fromkeys(("told apart", "told apart and noticed", "limits alone"), 0)
    counts |= dict.fromkeys(("each question for itself", "found", "found and noticed"), 0)
    held = []
    times = world.seconds(chance, runs)
    for latencies in latencies_of(times, [one.id for one in questions]):
        found = paces(latencies, questions)
        matters = {(a.system, b.system) for a in latencies for b in latencies if a is not b and noticed(a, b)}
        faster = {(one.system, one.other) for one in found if one.faster}
        counts["told apart"] += bool(faster)
        counts["told apart and noticed"] += bool(faster & matters)
        counts["limits alone"] += bool(matters)
        if world.documents != OWN:
            counts["each question for itself"] += any(one.faster for one in paces(latencies, by_itself))
        counts["found"] += ("s0", "s1") in faster
        counts["found and noticed"] += ("s0", "s1") in faster & matters
        held += [_holds(one, world.truth(one)) for one in found[::2]]
    shares = {name: count / runs for name, count in counts.items()}
    shares["Student's t"] = students_t(times)
    if world.systems == 2:
        shares["Welch, questions not paired"] = welch(times)
    return {**asdict(world), **shares, "held": float(np.mean(held))}


def latencies_of(times: Numbers, names: Sequence[str]) -> Iterator[tuple[Latency, ...]]:
    """Yield the times of each run, of shape (systems, questions), as a comparison measures them."""
    ends = np.quantile(times, [0.5, 0.95], axis=-1).transpose(1, 2, 0)
    for one, gauges in zip(times, ends, strict=True):
        yield tuple(
            Latency(f"s{at}", len(names), None, Gauge(*gauge), 0, dict(zip(names, seconds, strict=True)))
            for at, (seconds, gauge) in enumerate(zip(one.tolist(), gauges.tolist(), strict=True))
        )


def _holds(pace: Pace, truth: float) -> bool:
    return pace.interval is not None and pace.interval[0] <= truth <= pace.interval[1]


def students_t(times: Numbers) -> float:
    """Return how often the first system is found to be faster than the second by the paired t-test of logarithms.

    Times have the shape (runs, systems, questions). All pairs have as many degrees of freedom, so the order of their t is
    that of their p-values, and Holm's steps can be taken on t.

    Source: Student 1908; Holm 1979.
    """
    logs, count = np.log(times), times.shape[-1]
    one, other = np.triu_indices(times.shape[1], k=1)
    pairs = logs[:, other] - logs[:, one]
    t = pairs.mean(axis=-1) / (pairs.std(axis=-1, ddof=1) / np.sqrt(count))
    least = [quantile(1 - 0.025 / left, count - 1) for left in range(len(one), 0, -1)]
    reached = np.logical_and.accumulate(-np.sort(-np.abs(t), axis=1) >= least, axis=1).sum(axis=1)
    before = (np.abs(t) > np.abs(t[:, :1])).sum(axis=1)
    return float(np.mean((t[:, 0] > 0) & (before < reached)))


def welch(times: Numbers) -> float:
    """Return how often the first of two systems is found to be faster where questions are not paired.

    Source: Welch 1947, of logarithms.
    """
    logs, count = np.log(times), times.shape[-1]
    first, second = (logs.var(axis=-1, ddof=1) / count).T
    freedom = (first + second) ** 2 * (count - 1) / (first**2 + second**2)
    t = (logs[:, 1] - logs[:, 0]).mean(axis=-1) / np.sqrt(first + second)
    return float(np.mean(t >= [quantile(0.975, float(each)) for each in freedom]))


def _told_apart(rows: Sequence[dict[str, Any]], runs: int) -> list[Figure]:
    """Return how often equal systems are told apart: of worlds that differ only in how times vary, the worse."""
    kinds = {
        "two equal systems told apart": (OWN, 2, 0.0),
        "five equal systems: any two told apart": (OWN, 5, 0.0),
        "two equal systems, an answer in ten held up: told apart": (OWN, 2, STALL),
        "two equal systems, twelve questions of six documents: told apart": (SIX, 2, 0.0),
    }
    figures = []
    for name, kind in kinds.items():
        mine = [row for row in rows if (row["documents"], row["systems"], row["stalls"]) == kind]
        peer, key = "believing a fifth and 0.1 s", "limits alone"
        if kind[0] == SIX:
            peer, key = "each question for itself", "each question for itself"
        ours, both, theirs = (
            max(row[one] for row in mine) for one in ("told apart", "told apart and noticed", key)
        )
        note = f"{runs:,} runs, the worse of {len(mine)} cells; and by enough to be noticed: {both:.3f}"
        figures.append(Figure(name, ours, "", None, peer, theirs, note))
    shares = [row["told apart"] for row in rows]
    luck = 3 * np.sqrt(FALSE.value * (1 - FALSE.value) / runs)
    above = float(sum(share > FALSE.value + luck for share in shares))
    note = f"three standard errors are {100 * luck:.2f} %"
    return [
        *figures,
        Figure("equal systems told apart, all cells", float(np.mean(shares)), "", FALSE),
        Figure(
            "equal systems told apart: cells above 5 % by more than luck", above, "", at_most(0), note=note
        ),
    ]


def _coverage(rows: Sequence[dict[str, Any]]) -> list[Figure]:
    held = [row["held"] for row in rows]
    note = f"{len(held)} cells"
    return [
        Figure("95 % intervals: worst cell", min(held), "", BAND[0], note=note),
        Figure("95 % intervals: most cautious cell", max(held), "", BAND[1], note=note),
    ]


def _found(rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    for row in rows:
        many = "two systems" if row["systems"] == 2 else "one of five"
        name = f"times vary by {row['varying']}, {many}, {row['share']} of the time: found"
        note = f"and by enough to be noticed: {row['found and noticed']:.2f}"
        yield Figure(name, row["found"], "", None, "Student's t", row["Student's t"], note)
        if row["systems"] == 2 and row["share"] == 0.7:
            peer = "Welch, questions not paired"
            yield Figure(name, row["found"], "", None, peer, row[peer])


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(equal=200, faster=100) if chosen.quick else measure(equal=60_000, faster=10_000)


if __name__ == "__main__":
    sys.exit(run("pace", _measure, about="how surely the faster of two systems is found"))
