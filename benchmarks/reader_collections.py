"""The reader as reranker of the judged collections."""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks.figures import Report, say
from benchmarks.ground import DATA, SETS, Ground, mean, ndcg
from benchmarks.reader_measures import DEPTH, WEIGHTS, Read, compared, read_passages
from benchmarks.retrieval import part_of
from benchmarks.world import add_texts, calibrate, new_library
from ragraft.access.labels import OWNER
from ragraft.protocols import Embedder, Reader

__all__ = ["add_collection", "unseen"]

SEEN_SQUAD = ("squad2-dev-half.train", "squad2-dev-half.dev")


def add_collection(
    report: Report, ground: Ground, *, weight: float, embedder: Embedder, reader: Reader
) -> None:
    """Add nDCG@10 of a collection with the reader mixed in by `weight`, and by the reader alone."""
    name = ground.name
    say(f"{name}: {len(ground.documents)} documents, {len(ground.queries)} queries")
    with new_library(embedder=embedder) as bench:
        add_texts(bench, ground.documents)
        calibrate(bench)
        found = [
            read_passages(query, bench.search.retrieve(query, limit=DEPTH, caller=OWNER), reader=reader)
            for query in ground.queries.values()
        ]
    ways = {"plain": 0.0, "alone": None, **{str(one): one for one in WEIGHTS}}
    scores = {
        way: [
            _ndcg(one, query, ground, weight=mixed) for query, one in zip(ground.queries, found, strict=True)
        ]
        for way, mixed in ways.items()
    }
    clusters = [next(iter(ground.relevant[q])) if len(ground.relevant[q]) == 1 else q for q in ground.queries]
    report.add(
        compared(f"{name}: nDCG@10, reader mixed in", scores[str(weight)], scores["plain"], clusters),
        compared(f"{name}: nDCG@10, reader alone", scores["alone"], scores["plain"], clusters),
    )
    report.detail[f"{name}, by weight"] = {way: round(mean(values), 4) for way, values in scores.items()}


def _ndcg(found: Read, query: str, ground: Ground, *, weight: float | None) -> float:
    documents = dict.fromkeys(passage.uri.removesuffix(".txt") for passage in found.order(weight))
    return ndcg(list(documents), ground.relevant[query])


def unseen(name: str, *, queries: int, documents: int | None) -> Ground:
    """Return a part of a collection, XQuAD without the queries about articles that were trained on."""
    ground = SETS[name]()
    if name.startswith("xquad"):
        ground = _without_seen(ground)
    return part_of(ground, queries=queries, documents=documents)


def _without_seen(ground: Ground) -> Ground:
    files = [(DATA / "reading" / f"{name}.jsonl").read_text("utf-8") for name in SEEN_SQUAD]
    rows = [json.loads(line) for text in files for line in text.splitlines()]
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
