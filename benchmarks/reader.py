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
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Report, run, say
from benchmarks.ground import DATA, SETS, Ground, handbook_questions, holds, mean, ndcg
from benchmarks.rankings import Bm25s, paired_interval
from benchmarks.retrieval import part_of
from benchmarks.world import add_texts, calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.models.reader import LocalReader
from ragraft.types import Passage, Question, Reading
from ragraft.verify.sentences import sentence_spans

DEPTH = 20
FIRST = 5
WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5)
LEFT_OUT = ("covid-qa", "selqa")
SEEN_SQUAD = ("squad2-dev-half.train", "squad2-dev-half.dev")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of each set is read."""

    queries: int = 200
    documents: int | None = None
    every: int = 1
    rows: int = 400


QUICK = Scale(queries=20, documents=150, every=10, rows=30)


@dataclass(frozen=True, slots=True)
class Read:
    """A question's passages in the search's order, and what the reader made of each."""

    question: str
    passages: Sequence[Passage]
    readings: Sequence[Reading]

    def order(self, weight: float | None) -> list[Passage]:
        """Return the passages by the mix of both scores; without a weight by the reader alone."""
        ours = _standard([_logit(reading.relevance) for reading in self.readings])
        search = _standard([passage.score for passage in self.passages])
        scores = ours if weight is None else search + weight * ours
        return [self.passages[at] for at in np.argsort(-scores, kind="stable")]


@dataclass(frozen=True, slots=True)
class Row:
    """A question with a passage that answers it, and the closest of the set that does not."""

    question: str
    passage: str
    answers: tuple[str, ...]
    other: str
    group: str


def measure(scale: Scale, *, embedder: OpenVinoEmbedder, reader: LocalReader) -> Report:
    """Return all figures."""
    report = Report(settings={"depth": DEPTH, "first": FIRST, "queries": scale.queries, "rows": scale.rows})
    report.detail = {"reader": reader.name, "card": reader.card}
    weight = _handbook(report, scale, embedder, reader)
    for name in SETS:
        _retrieval(report, name, scale, embedder, reader, weight=weight)
    for name in LEFT_OUT:
        _left_out(report, name, scale, embedder, reader)
    _speed(report, scale, embedder, reader)
    return report


# The handbook: evidence, the span, and questions without an answer


def _handbook(report: Report, scale: Scale, embedder: OpenVinoEmbedder, reader: LocalReader) -> float:
    """Add the handbook's figures and return the weight that did best on its train questions."""
    found: dict[str, list[Read]] = {}
    asked = {split: handbook_questions(split)[:: scale.every] for split in ("train", "test")}
    with new_library(embedder=embedder) as bench:
        bench.sync.add_path(DATA / "handbook" / "documents", rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for split, questions in asked.items():
            found[split] = [_read(bench.search.retrieve(one.text, limit=DEPTH, caller=OWNER), one.text, reader)
                            for one in questions]  # fmt: skip
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
            clusters = [one.evidence[0].document for one in asked[split] if one.evidence]
            report.add(
                _compared(
                    f"handbook {split}: evidence in the first {first}, reader mixed in",
                    mixed,
                    plain,
                    clusters,
                ),
                _compared(
                    f"handbook {split}: evidence in the first {first}, reader alone", alone, plain, clusters
                ),
            )
    _handbook_spans(report, asked["test"], found["test"], embedder)
    _handbook_refusal(report, asked["test"], found["test"], embedder)
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


def _handbook_spans(
    report: Report, questions: Sequence[Question], found: Sequence[Read], embedder: OpenVinoEmbedder
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
        spans.append(_overlap([span], places[best]))
        around = [one for one in sentence_spans(passages[best].chunk.text) if _overlap([one], [span])]
        sentences.append(_overlap(around, places[best]))
        texts = [(passage.chunk.context, passage.chunk.text) for passage in passages]
        number, sentence = _nearest_sentence(asked.text, texts, embedder)
        nearest.append(_overlap([sentence], places[number]))
        among.append(float(any(places)))
    clusters = [one.evidence[0].document for one in questions if one.evidence]
    report.add(
        _compared(
            "handbook test: best span is in the evidence", spans, nearest, clusters, than="nearest sentence"
        ),
        _compared(
            "handbook test: sentence of the best span is in the evidence",
            *(sentences, nearest, clusters),
            than="nearest sentence",
        ),
        Figure(f"handbook test: evidence among the first {FIRST}, the most that can be", mean(among)),
    )


def _handbook_refusal(
    report: Report, questions: Sequence[Question], found: Sequence[Read], embedder: OpenVinoEmbedder
) -> None:
    """Add how well the best passage's score tells questions with an answer from those without."""
    has = [bool(one.evidence) for one in questions]
    ways = {
        "best answerable": [max(r.answerable for r in read.readings[:FIRST]) for read in found],
        "best relevance": [max(r.relevance for r in read.readings[:FIRST]) for read in found],
        "best search score": [read.passages[0].score for read in found],
        "best likeness": [
            max(_likeness(embedder)(read.question, [p.chunk.full_text for p in read.passages[:FIRST]]))
            for read in found
        ],
    }
    scores = {name: _auc(values, has) for name, values in ways.items()}
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


def _overlap(spans: Iterable[tuple[int, int]], places: Sequence[tuple[int, int]]) -> float:
    return float(
        any(start < end and start < stop and first < end for start, end in spans for first, stop in places)
    )


# The judged collections


def _retrieval(
    report: Report, name: str, scale: Scale, embedder: OpenVinoEmbedder, reader: LocalReader, *, weight: float
) -> None:
    ground = part_of(_unseen(SETS[name]()), queries=scale.queries, documents=scale.documents)
    say(f"{name}: {len(ground.documents)} documents, {len(ground.queries)} queries")
    with new_library(embedder=embedder) as bench:
        add_texts(bench, ground.documents)
        calibrate(bench)
        found = [
            _read(bench.search.retrieve(query, limit=DEPTH, caller=OWNER), query, reader)
            for query in ground.queries.values()
        ]
    scores = {
        key: [
            ndcg(
                list(dict.fromkeys(p.uri.removesuffix(".txt") for p in read.order(one))),
                ground.relevant[query],
            )
            for query, read in zip(ground.queries, found, strict=True)
        ]
        for key, one in {"plain": 0.0, "alone": None, **{str(w): w for w in WEIGHTS}}.items()
    }
    clusters = [next(iter(ground.relevant[q])) if len(ground.relevant[q]) == 1 else q for q in ground.queries]
    report.add(
        _compared(f"{name}: nDCG@10, reader mixed in", scores[str(weight)], scores["plain"], clusters),
        _compared(f"{name}: nDCG@10, reader alone", scores["alone"], scores["plain"], clusters),
    )
    report.detail[f"{name}, by weight"] = {key: round(mean(values), 4) for key, values in scores.items()}


def _unseen(ground: Ground) -> Ground:
    """Return XQuAD with only the queries about articles of which no paragraph was trained on."""
    if not ground.name.startswith("xquad"):
        return ground
    rows = [json.loads(line) for name in SEEN_SQUAD for line in _lines(name)]
    seen = {row["title"].replace("_", " ") for row in rows}
    source = json.loads((DATA / "xquad" / f"xquad.{ground.language}.json").read_text("utf-8"))
    kept = {
        question["id"]
        for article in source["data"]
        if article["title"].replace("_", " ") not in seen
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
    return replace(ground, queries={key: text for key, text in ground.queries.items() if key in kept})


# Reading sets that were left out of training


def _left_out(
    report: Report, name: str, scale: Scale, embedder: OpenVinoEmbedder, reader: LocalReader
) -> None:
    rows = _rows(name, limit=scale.rows)
    own = [reader.read(row.question, [row.passage])[0] for row in rows]
    others = [reader.read(row.question, [row.other])[0] for row in rows]
    texts = [row.passage[reading.start : reading.end] for row, reading in zip(rows, own, strict=True)]
    nearby = [_nearest_sentence(row.question, [("", row.passage)], embedder)[1] for row in rows]
    quotes = [row.passage[start:end] for row, (start, end) in zip(rows, nearby, strict=True)]
    sentences = [
        " ".join(
            row.passage[start:end]
            for start, end in sentence_spans(row.passage)
            if _overlap([(start, end)], [(reading.start, reading.end)])
        )
        for row, reading in zip(rows, own, strict=True)
    ]
    clusters = [row.group for row in rows]
    ours, theirs = (
        [_best(_f1, text, row) for text, row in zip(found, rows, strict=True)] for found in (texts, quotes)
    )
    right, nearest = (
        [_best(_shared, text, row) for text, row in zip(found, rows, strict=True)]
        for found in (sentences, quotes)
    )
    has = [True] * len(rows) + [False] * len(rows)
    alike = [
        float(_likeness(embedder)(row.question, [text])[0]) for text_of in ("passage", "other")
        for row in rows for text in [getattr(row, text_of)]
    ]  # fmt: skip
    report.add(
        Figure(f"{name}: exact match of the span", mean(_best(_exact, t, r) for t, r in zip(texts, rows, strict=True))),
        _compared(f"{name}: F1 of the span", ours, theirs, clusters, than="nearest sentence"),
        _compared(f"{name}: answer is in the span's sentence", right, nearest, clusters, than="nearest sentence"),
        Figure(
            f"{name}: AUC of answerable", _auc([one.answerable for one in (*own, *others)], has),
            reference="likeness", reference_value=_auc(alike, has), note=f"{len(rows)} passages with, as many without",
        ),
        Figure(f"{name}: AUC of relevance", _auc([one.relevance for one in (*own, *others)], has)),
    )  # fmt: skip


def _rows(name: str, *, limit: int) -> list[Row]:
    """Return rows from all over a set, each with the passage BM25 puts first that holds no answer of it."""
    found = [json.loads(line) for split in ("dev", "train") for line in _lines(f"{name}.{split}")]
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


def _lines(name: str) -> list[str]:
    return (DATA / "reading" / f"{name}.jsonl").read_text("utf-8").splitlines()


def _nearest_sentence(
    question: str, texts: Sequence[tuple[str, str]], embedder: OpenVinoEmbedder
) -> tuple[int, tuple[int, int]]:
    """Return the text and the place in it of the sentence most like the question, read below its context."""
    places = [(number, span) for number, (_, text) in enumerate(texts) for span in sentence_spans(text)]
    read = [f"{texts[number][0]}\n{texts[number][1][start:end]}" for number, (start, end) in places]
    return places[int(np.argmax(_likeness(embedder)(question, read)))]


def _best(rule: Callable[[str, str], float], text: str, row: Row) -> float:
    return max(float(rule(text, answer)) for answer in row.answers)


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


# How fast, and what all share


def _speed(report: Report, scale: Scale, embedder: OpenVinoEmbedder, reader: LocalReader) -> None:
    """Add passages a second, beside the embedder's on the same texts."""
    rows = _rows("selqa", limit=scale.rows)[:200]
    passages = [row.passage[:700] for row in rows]
    times = {"reader": [], "embedder": []}
    for _ in range(4):  # the first prepares the shapes
        for name, work in {"reader": lambda: reader.read(rows[0].question, passages),
                           "embedder": lambda: embedder.embed(passages)}.items():  # fmt: skip
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    rates = {name: len(passages) / sorted(of[1:])[1] for name, of in times.items()}
    report.add(
        Figure("rate", rates["reader"], "passages/s", reference="embedder", reference_value=rates["embedder"])
    )


def _read(passages: Sequence[Passage], question: str, reader: LocalReader) -> Read:
    return Read(question, passages, reader.read(question, [passage.chunk.full_text for passage in passages]))


def _likeness(embedder: OpenVinoEmbedder) -> Callable[[str, Sequence[str]], list[float]]:
    def likeness(question: str, texts: Sequence[str]) -> list[float]:
        return (embedder.embed(texts) @ embedder.embed([question])[0]).tolist()

    return likeness


def _compared(
    name: str,
    ours: Sequence[float],
    plain: Sequence[float],
    clusters: Sequence[str],
    *,
    than: str = "search as it is",
) -> Figure:
    low, high = paired_interval(ours, plain, clusters=clusters)
    note = f"{len(ours)} questions; difference {low:+.4f} to {high:+.4f} with 95 %"
    return Figure(name, mean(ours), reference=than, reference_value=mean(plain), note=note)


def _auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the share of pairs in which the one with an answer scores higher; ties count half."""
    values, has = np.array(scores), np.array(labels)
    positive, negative = np.sort(values[has]), values[~has]
    below, upto = (np.searchsorted(positive, negative, side=side) for side in ("left", "right"))
    return float(1 - (below + upto).mean() / 2 / len(positive))


def _standard(scores: Sequence[float]) -> np.ndarray:
    values = np.array(scores, float)
    return (values - values.mean()) / (values.std() or 1.0)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


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
