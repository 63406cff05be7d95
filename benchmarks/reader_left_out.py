"""The reader on reading sets that were left out of its training: the span, and whether there is an answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Report
from benchmarks.ground import DATA, mean
from benchmarks.rankings import Bm25s
from benchmarks.reader_measures import auc, compared, likeness, nearest_sentence, overlap
from ragraft.protocols import Embedder, Reader
from ragraft.verify.sentences import sentence_spans

__all__ = ["LEFT_OUT", "Row", "add_left_out", "rows_of"]

LEFT_OUT = ("covid-qa", "selqa")


@dataclass(frozen=True, slots=True)
class Row:
    """A question with a passage that answers it, and the closest of the set that does not."""

    question: str
    passage: str
    answers: tuple[str, ...]
    other: str
    group: str


def add_left_out(
    report: Report, name: str, rows: Sequence[Row], *, embedder: Embedder, reader: Reader
) -> None:
    """Add a set's figures, spans and sentences beside the sentence nearest to the question."""
    own = [reader.read(row.question, [row.passage])[0] for row in rows]
    others = [reader.read(row.question, [row.other])[0] for row in rows]
    found = [(reading.start, reading.end) for reading in own]
    near = [nearest_sentence(row.question, [("", row.passage)], embedder=embedder)[1] for row in rows]
    spans, nearby = ([row.passage[a:b] for row, (a, b) in zip(rows, of, strict=True)] for of in (found, near))
    sentences = [_sentences_of(row.passage, span) for row, span in zip(rows, found, strict=True)]
    clusters = [row.group for row in rows]
    has = [True] * len(rows) + [False] * len(rows)
    alike = [
        likeness(row.question, [text], embedder=embedder)[0]
        for texts in ([row.passage for row in rows], [row.other for row in rows])
        for row, text in zip(rows, texts, strict=True)
    ]
    report.add(
        Figure(f"{name}: exact match of the span", mean(_best(_exact, spans, rows))),
        compared(
            f"{name}: F1 of the span", _best(_f1, spans, rows), _best(_f1, nearby, rows), clusters,
            than="nearest sentence",
        ),
        compared(
            f"{name}: answer is in the span's sentence", _best(_shared, sentences, rows), _best(_shared, nearby, rows),
            clusters, than="nearest sentence",
        ),
        Figure(
            f"{name}: AUC of answerable", auc([one.answerable for one in (*own, *others)], has),
            reference="likeness", reference_value=auc(alike, has), note=f"{len(rows)} passages with, as many without",
        ),
        Figure(f"{name}: AUC of relevance", auc([one.relevance for one in (*own, *others)], has)),
    )  # fmt: skip


def rows_of(name: str, *, limit: int, data: Path = DATA) -> list[Row]:
    """Return rows from all over a set, each with the passage BM25 puts first that holds no answer of it."""
    files = [(data / "reading" / f"{name}.{split}.jsonl").read_text("utf-8") for split in ("dev", "train")]
    found = [json.loads(line) for text in files for line in text.splitlines()]
    found = [row for row in found if row["answerable"] and row["answer"] and row["answer"] in row["passage"]]
    passages = list(dict.fromkeys(row["passage"] for row in found))
    found = found[:: max(1, len(found) // limit)][:limit]
    ranked = Bm25s(passages, language="en").rank([row["question"] for row in found], depth=50)
    rows = []
    for row, ranking in zip(found, ranked, strict=True):
        answers = (row["answer"], *row.get("alt_answers", ()))
        others = (passages[at] for at in ranking if passages[at] != row["passage"])
        other = next(
            (text for text in others if not any(one.lower() in text.lower() for one in answers)), None
        )
        if other is not None:
            rows.append(Row(row["question"], row["passage"], answers, other, row["group"]))
    return rows


def _sentences_of(text: str, span: tuple[int, int]) -> str:
    """Return the sentences that a span is in."""
    return " ".join(text[start:end] for start, end in sentence_spans(text) if overlap([(start, end)], [span]))


def _best(rule: Callable[[str, str], float], texts: Sequence[str], rows: Sequence[Row]) -> list[float]:
    """Return what each text scores against that of its row's answers that fits it best."""
    return [
        max(float(rule(text, answer)) for answer in row.answers)
        for text, row in zip(texts, rows, strict=True)
    ]


def _normal(text: str) -> list[str]:
    return re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", "", text.lower())).split()


def _exact(text: str, answer: str) -> bool:
    return _normal(text) == _normal(answer)


def _f1(text: str, answer: str) -> float:
    found, wanted = _normal(text), _normal(answer)
    shared = sum((Counter(found) & Counter(wanted)).values())
    return 2 * shared / (len(found) + len(wanted)) if shared else 0.0


def _shared(text: str, answer: str) -> bool:
    """Whether most of the answer's words are in the text."""
    wanted = _normal(answer)
    return sum((Counter(_normal(text)) & Counter(wanted)).values()) > 0.5 * len(wanted)
