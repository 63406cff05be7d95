"""What it costs to find and list in a library of one size, and how much of the best is found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from benchmarks.corpus import Corpus, common_words
from benchmarks.costs import Costs, timed
from benchmarks.exact import Everything, recall, without_bounds
from benchmarks.figures import percentile
from benchmarks.filling import LABELS, groups
from benchmarks.ground import mean
from benchmarks.legs import search_with_legs
from benchmarks.statements import WatchedDatabase, by_statement, plan_of, seconds_of
from benchmarks.world import server_of
from ragraft.access.labels import OWNER
from ragraft.documents.collection import find_collection
from ragraft.retrieve.search import HybridRetriever
from ragraft.systems import Workbench
from ragraft.types import Caller, Vectors

__all__ = ["CALLERS", "measure_reading", "where_the_time_goes"]

LIMIT = 10
COMPARED_WHOLE = 40
"""Searches that are compared with the same search without bounds, which takes a second each."""

LISTINGS = 10
CALLERS = {
    "owner": OWNER,
    "2 %": Caller("two", groups(1)),
    "20 %": Caller("twenty", groups(LABELS // 5)),
    "all groups": Caller("everybody", groups(LABELS)),
}


def measure_reading(bench: Workbench, corpus: Corpus, asked: Sequence[str], costs: Costs) -> None:
    """Measure searches, their parts, their references and listings."""
    everything = Everything(bench)
    vectors = bench.embedder.embed(asked)
    costs.times("embedding a query", timed(bench.embedder.embed, [[query] for query in asked]))
    alone = _measure_references(bench, everything, vectors, costs)
    for name, caller in CALLERS.items():
        beside = {"reference": "HNSW alone", "reference_value": alone} if name == "owner" else {}
        costs.times(f"search, {name}", timed(_searching(bench.search, caller), asked), **beside)
        _measure_legs(bench, everything, asked, vectors, (name, caller), costs)
        costs.value(f"recall, {name}", *_whole_recall(bench, asked, caller))
    for name in ("owner", "2 %"):
        costs.times(f"search on record, {name}", timed(_searching(bench.retriever, CALLERS[name]), asked))
    few = max(5, len(asked) // 4)
    for name, queries in (
        ("search, 80 terms", _long_queries(corpus.texts, few)),
        ("search, commonest words", _common_queries(corpus.texts, few)),
    ):
        costs.times(name, timed(_searching(bench.search, OWNER), queries))
    for name in ("owner", "2 %"):
        costs.times(f"listing, {name}", timed(bench.library.documents, [CALLERS[name]] * LISTINGS))


def where_the_time_goes(bench: Workbench, corpus: Corpus, asked: Sequence[str]) -> dict[str, Any]:
    """Return, by caller and for hard queries, the time of every statement of a search and the slowest's plan."""
    hard = _common_queries(corpus.texts, 20) + _long_queries(corpus.texts, 20)
    found: dict[str, Any] = {}
    for name, caller, queries in (
        *((name, caller, asked) for name, caller in CALLERS.items()),
        ("hard queries, owner", OWNER, hard),
    ):
        retriever, watched = _watched(bench)
        seconds = timed(_searching(retriever, caller), queries)
        found[name] = {
            "search p50": round(percentile(seconds, 0.5) * 1000, 3),
            "statements, ms": by_statement(watched.sent),
            "slowest": plan_of(bench.database, caller, watched.sent),
        }
    return found


def _searching(retriever: Any, caller: Caller) -> Callable[[str], object]:
    return lambda query: retriever.retrieve(query, limit=LIMIT, caller=caller)


def _measure_references(bench: Workbench, everything: Everything, vectors: Vectors, costs: Costs) -> float:
    visible = everything.visible(None)
    with _hnsw_alone(bench) as nearest:
        seconds = timed(nearest, vectors)
        shares = [recall(nearest(one), everything.dense(one, visible), everything) for one in vectors]
    costs.times("HNSW alone", seconds)
    costs.value("recall, HNSW alone", _mean(shares))
    costs.times("numpy exact scan", timed(lambda one: _scan(everything.vectors, one), vectors))
    return costs.values["HNSW alone"]


@contextmanager
def _hnsw_alone(bench: Workbench) -> Iterator[Callable[[Vectors], list[int]]]:
    """Yield the ten nearest by pgvector's graph as it comes: the superuser, whom no policy binds, one statement."""
    server = server_of(bench)
    with (
        bench.database.transaction(OWNER, read_only=True) as ours,
        psycopg.connect(server.connect_info(), autocommit=True, prepare_threshold=3) as connection,
    ):
        collection = find_collection(ours, "default")
        if collection is None:
            raise RuntimeError("the library is empty")
        register_vector(connection)
        statement = (
            f"select id from {bench.database.schema}.chunk_vector_{collection.id}"
            f" order by (vector::halfvec({collection.dimensions})) <#> %b limit {LIMIT}"
        )
        yield lambda vector: [row[0] for row in connection.execute(statement, (HalfVector(vector),))]
    server.close()


def _scan(vectors: Vectors, query: Vectors) -> object:
    scores = vectors @ query
    best = np.argpartition(-scores, min(LIMIT, len(scores) - 1))[:LIMIT]
    return best[np.argsort(-scores[best])]


def _measure_legs(
    bench: Workbench,
    everything: Everything,
    asked: Sequence[str],
    vectors: Vectors,
    who: tuple[str, Caller],
    costs: Costs,
) -> None:
    """Time each leg's statements and compare it with everything: for the dense one nearness, else BM25."""
    name, caller = who
    visible = everything.visible(None if caller.owner else caller.groups)
    retriever, watched = _watched(bench)
    seconds: dict[str, list[float]] = {"dense": [], "lexical": []}
    shares: dict[str, list[float | None]] = {"dense": [], "lexical": []}
    for query, vector in zip(asked, vectors, strict=True):
        watched.sent.clear()
        _, legs = search_with_legs(retriever, query, limit=LIMIT, caller=caller)
        seconds["dense"].append(seconds_of(watched.sent, "chunk_vector"))
        seconds["lexical"].append(seconds_of(watched.sent, "chunk_terms", "term_count"))
        shares["dense"].append(recall(legs["dense"], everything.dense(vector, visible), everything))
        shares["lexical"].append(recall(legs["lexical"], everything.lexical(query, visible), everything))
    for leg in ("dense", "lexical"):
        costs.times(f"{leg} leg, {name}", seconds[leg])
        costs.value(f"recall of the {leg} leg, {name}", _mean(shares[leg]))


def _watched(bench: Workbench) -> tuple[HybridRetriever, WatchedDatabase]:
    """Return the workspace's search once more, on a database that notes every statement."""
    watched, settings = WatchedDatabase(bench.database), bench.settings.search
    retriever = HybridRetriever(
        database=watched,  # type: ignore[arg-type]  # it has the one method that is used
        embedder=bench.embedder,
        depth=settings.depth,
        ef_search=settings.ef_search,
    )
    return retriever, watched


def _whole_recall(bench: Workbench, asked: Sequence[str], caller: Caller) -> tuple[float]:
    some = asked[:: max(1, len(asked) // COMPARED_WHOLE)]
    found = [_keys(bench, query, caller) for query in some]
    with without_bounds():
        best = [_keys(bench, query, caller) for query in some]
    return (mean(len(a & b) / len(b) for a, b in zip(found, best, strict=True) if b),)


def _keys(bench: Workbench, query: str, caller: Caller) -> set[tuple[str, int]]:
    found = bench.search.retrieve(query, limit=LIMIT, caller=caller)
    return {(passage.uri, passage.chunk.start) for passage in found}


def _long_queries(texts: Sequence[str], count: int) -> list[str]:
    """Return queries of 80 different words, as when a paragraph is pasted into the search box."""
    chance = random.Random(3)
    queries = []
    for _ in range(count):
        words = dict.fromkeys(
            word for text in chance.sample(texts, min(4, len(texts))) for word in text.split()
        )
        queries.append(" ".join(list(words)[:80]))
    return queries


def _common_queries(texts: Sequence[str], count: int) -> list[str]:
    """Return queries of five of the thirty words that most passages have."""
    chance, words = random.Random(5), common_words(texts, count=30)
    return [" ".join(chance.sample(words, 5)) for _ in range(count)]


def _mean(shares: Sequence[float | None]) -> float:
    return mean(share for share in shares if share is not None)
