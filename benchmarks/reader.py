"""What the reader adds: as reranker, as judge of whether a question can be answered, and as finder of the span.

Nothing here was trained on: of XQuAD only the articles that are not in the reader's training sets are asked
about. Each figure stands beside the plain way, measured in the same run: the search as it is, the search's
best score, the embedder's likeness of question and passage, the sentence nearest to the question.

As reranker the reader orders the first DEPTH passages of the search anew, alone or mixed: its logit and the
search's score, each standardised over the question's passages, are added up, the reader's times a weight. The
weight is the one of WEIGHTS that finds most evidence first for the handbook's train questions.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Report, run
from benchmarks.ground import SETS
from benchmarks.reader_collections import add_collection, unseen
from benchmarks.reader_handbook import FIRST, add_handbook
from benchmarks.reader_left_out import LEFT_OUT, Row, add_left_out, rows_of
from benchmarks.reader_measures import DEPTH
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.models.reader import LocalReader
from ragraft.protocols import Embedder, Reader


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of each set is read."""

    queries: int = 200
    documents: int | None = None
    every: int = 1
    rows: int = 400


QUICK = Scale(queries=20, documents=150, every=10, rows=30)


def measure(scale: Scale, *, embedder: Embedder, reader: LocalReader) -> Report:
    """Return all figures."""
    report = Report(settings={"depth": DEPTH, "first": FIRST, "queries": scale.queries, "rows": scale.rows})
    report.detail = {"reader": reader.name, "card": reader.card}
    weight = add_handbook(report, every=scale.every, embedder=embedder, reader=reader)
    for name in SETS:
        ground = unseen(name, queries=scale.queries, documents=scale.documents)
        add_collection(report, ground, weight=weight, embedder=embedder, reader=reader)
    for name in LEFT_OUT:
        rows = rows_of(name, limit=scale.rows)
        add_left_out(report, name, rows, embedder=embedder, reader=reader)
    report.add(_rate(rows[:200], embedder=embedder, reader=reader))
    return report


def _rate(rows: Sequence[Row], *, embedder: Embedder, reader: Reader) -> Figure:
    """Return passages a second, beside the embedder's on the same texts."""
    passages = [row.passage[:700] for row in rows]
    ways = {
        "reader": lambda: reader.read(rows[0].question, passages),
        "embedder": lambda: embedder.embed(passages),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(4):  # the first prepares the shapes
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    rates = {name: len(passages) / sorted(of[1:])[1] for name, of in times.items()}
    return Figure(
        "rate", rates["reader"], "passages/s", reference="embedder", reference_value=rates["embedder"]
    )


def _measure(chosen: argparse.Namespace) -> Report:
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)
    reader = LocalReader(embedder_folder(), delta=chosen.delta)
    return measure(QUICK if chosen.quick else Scale(), embedder=embedder, reader=reader)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delta", type=Path, help="another reader than the one that ships")


if __name__ == "__main__":
    sys.exit(
        run("reader", _measure, about="what the reader adds to search, refusal and quoting", options=_options)
    )
