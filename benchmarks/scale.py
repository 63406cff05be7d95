"""What searching, writing and opening cost in libraries of 1,000, 10,000 and 100,000 passages.

One library grows through the sizes: documents of ten passages, each with one of 50 labels, so that a caller
with one of the groups sees 2 % of it, one with ten 20 %. Passages are real as far as `--real` says, and
mixtures of real ones beyond (benchmarks/corpus.py says how they are made). They are written by the functions
that Sync writes with, 100 documents to a transaction and not on record one by one; then statistics are
brought up to date as autovacuum does it.

Times are wall-clock, one search after another in one process, query embedding included, after a warm-up.
Recall@10 is the share of the ten best that is found: of each leg against comparing everything in memory, of
the whole search against the same search with every bound lifted.

References in the same run: pgvector's HNSW alone, one statement for the ten nearest, and an exact scan of
the same vectors by numpy; neither knows rights, words, text or an audit. At the largest size every statement
of a search is timed, and EXPLAIN is asked about the slowest (in the JSON, under "detail").
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.corpus import Corpus, questions
from benchmarks.costs import Costs
from benchmarks.figures import Figure, Report, Target, at_least, at_most, run, say
from benchmarks.filling import Shelf
from benchmarks.scale_reading import measure_reading, where_the_time_goes
from benchmarks.scale_writing import measure_opening, measure_space, measure_writing
from benchmarks.world import calibrate, open_library
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.protocols import Embedder

TARGETS: Mapping[int, Mapping[str, Target]] = {
    100_000: {"search, owner": at_most(20.0), "search, 2 %": at_most(10.0), "recall, 2 %": at_least(0.99)}
}
"""By size."""

GROWING = (
    *("search, owner", "search, 2 %", "search, 20 %", "dense leg, owner", "lexical leg, owner"),
    *("search, 80 terms", "search, commonest words", "HNSW alone", "numpy exact scan"),
    *("replacing a document, committed", "listing, owner", "listing, 2 %"),
    *("cold open, server running", "memory of PostgreSQL", "disk, all of it"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes in passages, how many of them real, and how often things are done."""

    sizes: tuple[int, ...] = (1_000, 10_000, 100_000)
    real: int = 20_000
    queries: int = 200
    writes: int = 20
    openings: int = 3


QUICK = Scale(sizes=(1_000,), real=1_000, queries=40, writes=5, openings=1)


def measure(scale: Scale, *, embedder: Embedder, root: Path) -> Report:
    """Return the figures of a library in the workspace `root` that grows through the sizes.

    One that is there from an earlier run is grown further, and measured at the sizes it has not passed.
    """
    corpus = Corpus.load(embedder, real=min(scale.real, max(scale.sizes)))
    asked = questions(scale.queries)
    report = Report(settings={"sizes": scale.sizes, "real": len(corpus.texts), "queries": len(asked)})
    by_size: dict[int, dict[str, float]] = {}
    for size in scale.sizes:
        costs = Costs(report, size, TARGETS.get(size, {}))
        with open_library(root, embedder=embedder) as bench:
            shelf = Shelf(bench, corpus)
            before = shelf.size
            if before > size:
                say(f"{size:,} is left out: the library has {before:,} passages already")
                continue
            seconds = shelf.fill(size)
            if size > before:
                costs.value("filling", (size - before) / seconds, "passages/s")
            costs.value("calibrating the fusion", calibrate(bench), "s")
            measure_reading(bench, corpus, asked, costs)
            if size == max(scale.sizes):
                report.detail["where the time goes"] = where_the_time_goes(bench, corpus, asked)
            measure_writing(bench, shelf, scale.writes, costs)
            report.detail[f"bytes at {size}"] = measure_space(bench, costs)
        measure_opening(root, asked[0], scale.openings, costs)
        by_size[size] = costs.values
    report.detail["by size"] = by_size
    if len(by_size) > 1:
        report.add(*_exponents(by_size))
    return report


def _exponents(by_size: Mapping[int, Mapping[str, float]]) -> list[Figure]:
    """Return the exponent of each growing cost: the slope of its logarithm over that of the size."""
    logs = [math.log(size) for size in by_size]
    middle = sum(logs) / len(logs)
    spread = sum((x - middle) ** 2 for x in logs)
    figures = []
    for name in GROWING:
        costs = [values[name] for values in by_size.values() if values.get(name)]
        if len(costs) == len(logs):
            slope = sum((x - middle) * math.log(y) for x, y in zip(logs, costs, strict=True)) / spread
            figures.append(Figure(f"growth: {name}", slope, note="exponent: 0 is constant, 1 in proportion"))
    return figures


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sizes", type=int, nargs="+", metavar="PASSAGES", help="instead of 1000 10000 100000"
    )
    parser.add_argument("--real", type=int, metavar="PASSAGES", help="how many passages are real text")
    parser.add_argument(
        "--library", type=Path, metavar="DIR", help="keep the library here, or use the one here"
    )


def _measure(chosen: argparse.Namespace) -> Report:
    scale = QUICK if chosen.quick else Scale()
    if chosen.sizes:
        scale = replace(scale, sizes=tuple(sorted(chosen.sizes)))
    if chosen.real:
        scale = replace(scale, real=chosen.real)
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)
    with ExitStack() as last:
        root = chosen.library or Path(
            last.enter_context(tempfile.TemporaryDirectory(prefix="ragraft-bench-"))
        )
        return measure(scale, embedder=embedder, root=root / "workspace")


if __name__ == "__main__":
    sys.exit(run("scale", _measure, about="costs at 1,000, 10,000 and 100,000 passages", options=_options))
