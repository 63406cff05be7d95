"""Are the statistics of `ragraft compare` what they say? Comparisons are made up whose truth is known.

Systems that are all equally good must hardly ever be told apart; intervals must hold the truth 95 times out of
100; a difference of ten points must be found in 200 questions. Documents have one to eight questions, of which
those of one document are alike to a stated degree. Beside it stands what is common: McNemar's test with each
question for itself, its versions for clusters, and three bootstraps over documents.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure, Report, at_least, at_most, run
from benchmarks.significance_peers import TESTS, bootstraps
from benchmarks.significance_worlds import (
    alike_systems,
    differences,
    fractions,
    scores_of,
    shares,
    sums_and_sizes,
    uneven_differences,
)
from ragraft.compare.clustered import Clustered, flip_test, holm
from ragraft.compare.power import paired_error, reach
from ragraft.compare.statistics import MARGIN, compare_scores

Numbers = npt.NDArray[np.float64]

DOCUMENTS, ALIKE = (20, 40, 80), (0.0, 0.3, 0.6)
CELLS = tuple(product(DOCUMENTS, ALIKE))
WORLDS = {
    "right or wrong, 50 % right": (shares, {"share": 0.5}, (0.0, 1.0)),
    "right or wrong, 75 % right": (shares, {"share": 0.75}, (0.0, 1.0)),
    "right or wrong, 90 % right": (shares, {"share": 0.9}, (0.0, 1.0)),
    "fractions around 0.5": (fractions, {"share": 0.5}, (0.0, 1.0)),
    "fractions around 0.9": (fractions, {"share": 0.9}, (0.0, 1.0)),
    "difference, 10 % won and 10 % lost": (differences, {"won": 0.1, "lost": 0.1}, (-1.0, 1.0)),
    "difference, 20 % won and 10 % lost": (differences, {"won": 0.2, "lost": 0.1}, (-1.0, 1.0)),
    "difference, 5 % won and 2 % lost": (differences, {"won": 0.05, "lost": 0.02}, (-1.0, 1.0)),
}
QUESTIONS = 200
POWERS = tuple(
    product((0.14, 0.16, 0.18, 0.2, 0.22, 0.24, 0.3), ((200, 0.0), (50, 0.0), (50, 0.1), (50, 0.3)))
)
PAIRS = {1: "two systems", 4: "four against a fifth", 10: "all pairs of five"}
BAND = (0.93, 0.97)
FALSE, FOUND = at_most(0.05), at_least(0.8)
EVERY_CELL = at_least(1.0)


def measure(*, runs: int) -> Report:
    """Return the figures of so many made-up comparisons in each cell."""
    report = Report(settings={"runs": runs, "documents": DOCUMENTS, "alike": ALIKE, "margin": MARGIN})
    chance = np.random.default_rng(5)
    report.add(*_false_differences(chance, runs, report.detail))
    report.add(*_one_pair(chance, runs, report.detail))
    report.add(*_not_worse(chance, runs, report.detail))
    report.add(*_coverage(chance, runs, report.detail))
    report.add(*_power(chance, runs, report.detail))
    return report


def _false_differences(chance: np.random.Generator, runs: int, detail: dict[str, Any]) -> list[Figure]:
    """Five systems that are equally good: is any of them said to be better or worse than another?"""
    rows = []
    for binary, (documents, alike) in product((True, False), CELLS):
        marks = alike_systems(chance, runs=runs, systems=5, documents=documents, alike=alike, binary=binary)
        found = [compare_scores(scores_of(one)) for one in marks]
        row = {
            "marks": "right or wrong" if binary else "fractions",
            "documents": documents,
            "alike": alike,
            "a difference": float(np.mean([any(d.better or d.worse for d in c.differences) for c in found])),
            "a winner": float(np.mean([c.winner is not None for c in found])),
        }
        if binary:
            p = [[min(1.0, _by_question(d.won, d.lost)) for d in c.differences] for c in found]
            row["McNemar"] = float(np.mean([min(holm(one)) <= 0.05 for one in p]))
        rows.append(row)
    detail["five equal systems"] = rows
    worst, peer = (max(row.get(key, 0.0) for row in rows) for key in ("a difference", "McNemar"))
    mean = float(np.mean([row["a difference"] for row in rows]))
    named = "McNemar and Holm, each question for itself"
    note = f"{len(rows)} cells of {runs} runs"
    return [
        Figure("five equal systems: any false difference, worst cell", worst, "", None, named, peer, note),
        Figure("five equal systems: any false difference, all cells", mean, "", FALSE),
        Figure(
            "five equal systems: a false winner, worst cell", max(row["a winner"] for row in rows), "", FALSE
        ),
    ]


def _by_question(won: int, lost: int) -> float:
    return TESTS["McNemar, each question for itself"](np.array([1.0] * won + [-1.0] * lost), np.zeros(0))


def _one_pair(chance: np.random.Generator, runs: int, detail: dict[str, Any]) -> list[Figure]:
    """Two equally good systems: how often does each test find a difference at 5 %?"""
    rows = []
    for documents, alike in CELLS:
        equal = alike_systems(chance, runs=runs, systems=2, documents=documents, alike=alike, binary=True)
        worlds = {"equal in each document": equal[:, 0] - equal[:, 1]}
        if alike:
            uneven, _ = uneven_differences(chance, runs=runs, documents=documents, alike=alike)
            worlds["equal over all documents"] = uneven[:, 0]
        rows += [
            {"world": world, "documents": documents, "alike": alike, **_sizes(marks)}
            for world, marks in worlds.items()
        ]
    detail["two equal systems"] = rows
    names = [name for name in rows[0] if name not in ("world", "documents", "alike")]
    figures = []
    for world in ("equal in each document", "equal over all documents"):
        mine = [row for row in rows if row["world"] == world]
        worst = {name: max(row[name] for row in mine) for name in names}
        figures += [
            Figure(
                f"two systems {world}: false difference, worst cell",
                worst["documents turned over"],
                "",
                FALSE if world == "equal in each document" else None,
                name,
                worst[name],
            )
            for name in TESTS
        ]
    return figures


def _sizes(marks: Numbers) -> dict[str, float]:
    """Return for each test how often it finds a difference in marks of shape (runs, documents, questions)."""
    found = {"documents turned over": 0.0, **dict.fromkeys(TESTS, 0.0)}
    for one in marks:
        there = ~np.isnan(one)
        values, documents = one[there], np.nonzero(there)[0]
        found["documents turned over"] += flip_test(np.nansum(one, axis=-1)) <= 0.05
        for name, test in TESTS.items():
            found[name] += test(values, documents) <= 0.05
    return {name: count / len(marks) for name, count in found.items()}


def _not_worse(chance: np.random.Generator, runs: int, detail: dict[str, Any]) -> list[Figure]:
    """A system that is worse by exactly the margin: how often is it said to be surely not?"""
    rows = []
    for documents, alike in CELLS:
        marks, _ = differences(
            chance, runs=runs, documents=documents, alike=alike, won=0.08, lost=0.08 + MARGIN
        )
        found = [Clustered(*both) for both in zip(*sums_and_sizes(marks[:, 0]), strict=True)]
        said = np.mean([one.interval(limits=(-1, 1))[0] > -MARGIN for one in found])
        rows.append({"documents": documents, "alike": alike, "said not to be worse": float(said)})
    detail["worse by the margin"] = rows
    worst = max(row["said not to be worse"] for row in rows)
    return [Figure("worse by the margin, said not to be worse, worst cell", worst, "", FALSE)]


def _coverage(chance: np.random.Generator, runs: int, detail: dict[str, Any]) -> list[Figure]:
    """How often do 95 % intervals hold the truth?"""
    rows = []
    for (name, (world, known, limits)), (documents, alike) in product(WORLDS.items(), CELLS):
        marks, truth = world(chance, runs=runs, documents=documents, alike=alike, **known)
        sums, sizes = sums_and_sizes(marks[:, 0])
        ours = [Clustered(*both) for both in zip(sums, sizes, strict=True)]
        held = np.array([low <= truth <= high for low, high in (one.interval(limits=limits) for one in ours)])
        row: dict[str, Any] = {
            "marks": name,
            "documents": documents,
            "alike": alike,
            "ours": float(held.mean()),
        }
        # Where all documents agree a bootstrap has no interval; it gets the one that is ours.
        flat = np.ptp(sums / sizes, axis=1) < 1e-9
        for peer, (low, high) in bootstraps(sums, sizes, chance=chance).items():
            row[peer] = float(np.where(flat, held, (low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean())
        rows.append(row)
    detail["coverage"] = rows
    peers = [name for name in rows[0] if name.endswith("bootstrap")]
    within, least = (
        {name: measured([row[name] for row in rows]) for name in ("ours", *peers)}
        for measured in (lambda held: float(np.mean([_within(one) for one in held])), min)
    )
    best, note = max(peers, key=within.__getitem__), f"{len(rows)} cells of {runs} runs"
    return [
        Figure("95 % intervals: cells that hold 93 to 97 %", within["ours"], "", EVERY_CELL, best, within[best], note),
        Figure("95 % intervals: worst cell", least["ours"], "", at_least(BAND[0]), best, least[best]),
        Figure("95 % intervals: most cautious cell", max(row["ours"] for row in rows), ""),
    ]  # fmt: skip


def _within(share: float) -> bool:
    return BAND[0] <= round(share, 4) <= BAND[1]


def _power(chance: np.random.Generator, runs: int, detail: dict[str, Any]) -> list[Figure]:
    """200 questions: are ten points found between two systems, and the difference that is said to be found?"""
    rows = []
    for discordance, (documents, alike) in POWERS:
        world = {"runs": runs, "documents": documents, "alike": alike, "discordance": discordance}
        ten = _p_values(chance, difference=0.1, **world)
        for comparisons in (1, 4, 10):
            error = paired_error(QUESTIONS, documents=documents, discordance=discordance, alike=alike)
            told = reach(
                questions=QUESTIONS,
                documents=documents,
                error=error,
                freedom=documents - 1,
                comparisons=comparisons,
            ).smallest
            row = {**world, "comparisons": comparisons, "said": told, "ten points": _found(ten, comparisons)}
            if told is not None and told < discordance:
                row["found as said"] = _found(_p_values(chance, difference=told, **world), comparisons)
            rows.append(row)
    detail["200 questions"] = rows
    as_said = min(row["found as said"] for row in rows if "found as said" in row)
    return [
        *(_ten_points(rows, comparisons, what) for comparisons, what in PAIRS.items()),
        Figure(
            "the smallest difference that is said to be seen, found, worst cell", as_said, "", at_least(0.75)
        ),
    ]


def _p_values(
    chance: np.random.Generator,
    *,
    runs: int,
    documents: int,
    alike: float,
    discordance: float,
    difference: float,
) -> Numbers:
    """Return p-values of pairs that differ so much in truth, their questions spread evenly."""
    marks, _ = differences(
        chance,
        runs=runs,
        documents=documents,
        alike=alike,
        won=(discordance + difference) / 2,
        lost=(discordance - difference) / 2,
        length=QUESTIONS // documents,
    )
    return np.array([flip_test(sums) for sums in sums_and_sizes(marks[:, 0])[0]])


def _found(p: Numbers, comparisons: int) -> float:
    return float((p <= 0.05 / comparisons).mean())


def _ten_points(rows: Sequence[Mapping[str, Any]], comparisons: int, what: str) -> Figure:
    """Return how often ten points are found where answers differ the most for it to be often enough."""
    alone = [row for row in rows if row["documents"] == QUESTIONS and row["comparisons"] == comparisons]
    enough = [row for row in alone if FOUND.met(row["ten points"])] or alone[:1]
    most = max(enough, key=lambda row: row["discordance"])
    return Figure(
        f"ten points found in {QUESTIONS} questions, {what}",
        most["ten points"],
        "",
        FOUND,
        note=f"answers differ on {100 * most['discordance']:.0f} %, the most at which it is found",
    )


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(runs=40 if chosen.quick else 2000)


if __name__ == "__main__":
    sys.exit(run("significance", _measure, about="the statistics of comparisons, where the truth is known"))
