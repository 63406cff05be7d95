"""The reader on the handbook: evidence among the first passages, its span, and questions without an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, Report
from benchmarks.ground import DATA, handbook_questions, holds, mean
from benchmarks.reader_measures import (
    DEPTH,
    WEIGHTS,
    Read,
    auc,
    compared,
    likeness,
    nearest_sentence,
    overlap,
    read_passages,
)
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.protocols import Embedder, Reader
from ragraft.types import Question
from ragraft.verify.sentences import sentence_spans

__all__ = ["FIRST", "add_handbook"]

FIRST = 5
"""How many passages an answer is made from."""


def add_handbook(
    report: Report, *, embedder: Embedder, reader: Reader, every: int = 1, data: Path = DATA
) -> float:
    """Add the figures of every so many questions; return the weight that did best on the train questions."""
    found: dict[str, list[Read]] = {}
    asked = {split: handbook_questions(split, data)[::every] for split in ("train", "test")}
    with new_library(embedder=embedder) as bench:
        bench.sync.add_path(data / "handbook" / "documents", rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for split, questions in asked.items():
            searched = [
                (one.text, bench.search.retrieve(one.text, limit=DEPTH, caller=OWNER)) for one in questions
            ]
            found[split] = [read_passages(*pair, reader=reader) for pair in searched]
    hits = {weight: _evidence(asked["train"], found["train"], weight, first=1) for weight in WEIGHTS}
    weight = max(WEIGHTS, key=lambda one: mean(hits[one]))
    report.settings["weight"] = weight
    report.detail["weights on handbook train, evidence first"] = {
        str(one): mean(hits[one]) for one in WEIGHTS
    }
    for split in ("train", "test"):
        for first in (1, FIRST):
            plain, alone, mixed = (
                _evidence(asked[split], found[split], one, first=first) for one in (0.0, None, weight)
            )
            name = f"handbook {split}: evidence in the first {first}, reader"
            report.add(
                compared(f"{name} mixed in", mixed, plain, _clusters(asked[split])),
                compared(f"{name} alone", alone, plain, _clusters(asked[split])),
            )
    _spans(report, asked["test"], found["test"], embedder=embedder)
    _refusal(report, asked["test"], found["test"], embedder=embedder)
    return weight


def _evidence(
    questions: Sequence[Question], found: Sequence[Read], weight: float | None, *, first: int
) -> list[float]:
    return [
        float(
            any(holds(p.chunk.text, one.quote) for p in read.order(weight)[:first] for one in asked.evidence)
        )
        for asked, read in zip(questions, found, strict=True)
        if asked.evidence
    ]


def _clusters(questions: Sequence[Question]) -> list[str]:
    """Return the document of each question that has an answer: questions about one belong together."""
    return [one.evidence[0].document for one in questions if one.evidence]


def _spans(
    report: Report, questions: Sequence[Question], found: Sequence[Read], *, embedder: Embedder
) -> None:
    """Add whether the span (its sentence; the nearest sentence) of the first passages is in the evidence."""
    spans, sentences, nearest, among = [], [], [], []
    for asked, read in zip(questions, found, strict=True):
        if not asked.evidence:
            continue
        passages = read.passages[:FIRST]
        places = [_quoted(passage.chunk.text, asked) for passage in passages]
        best = max(
            range(len(passages)), key=lambda at: read.readings[at].answerable * read.readings[at].span_score
        )
        # The reader was given context and text; what it finds in the context is no quote.
        shift = len(passages[best].chunk.full_text) - len(passages[best].chunk.text)
        reading = read.readings[best]
        span = (reading.start - shift, reading.end - shift)
        spans.append(overlap([span], places[best]))
        around = [one for one in sentence_spans(passages[best].chunk.text) if overlap([one], [span])]
        sentences.append(overlap(around, places[best]))
        texts = [(passage.chunk.context, passage.chunk.text) for passage in passages]
        number, sentence = nearest_sentence(asked.text, texts, embedder=embedder)
        nearest.append(overlap([sentence], places[number]))
        among.append(float(any(places)))
    for name, ours in (("best span", spans), ("sentence of the best span", sentences)):
        name = f"handbook test: {name} is in the evidence"
        report.add(compared(name, ours, nearest, _clusters(questions), than="nearest sentence"))
    report.add(
        Figure(f"handbook test: evidence among the first {FIRST}, the most that can be", mean(among)),
    )


def _refusal(
    report: Report, questions: Sequence[Question], found: Sequence[Read], *, embedder: Embedder
) -> None:
    """Add how well the best passage's score tells questions with an answer from those without."""
    has = [bool(one.evidence) for one in questions]
    ways = {
        "best answerable": [max(r.answerable for r in read.readings[:FIRST]) for read in found],
        "best relevance": [max(r.relevance for r in read.readings[:FIRST]) for read in found],
        "best search score": [read.passages[0].score for read in found],
        "best likeness": [
            max(
                likeness(read.question, [p.chunk.full_text for p in read.passages[:FIRST]], embedder=embedder)
            )
            for read in found
        ],
    }
    scores = {name: auc(values, has) for name, values in ways.items()}
    plain = max(("best search score", "best likeness"), key=lambda name: scores[name])
    note = f"{sum(has)} questions with an answer, {len(has) - sum(has)} without"
    report.add(
        Figure(
            "handbook test: AUC of answerable, best of the first 5", scores["best answerable"], note=note,
            reference=plain, reference_value=scores[plain],
        ),
        *(Figure(f"handbook test: AUC of {name}", scores[name]) for name in list(ways)[1:]),
    )  # fmt: skip


def _quoted(text: str, asked: Question) -> list[tuple[int, int]]:
    patterns = (r"\s+".join(map(re.escape, one.quote.split())) for one in asked.evidence)
    return [match.span() for pattern in patterns for match in re.finditer(pattern, text)]
