"""Hybrid search inside PostgreSQL: nearest vectors and BM25, fused; rights are part of both queries."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pgvector import HalfVector, SparseVector

from ragraft.database.pool import Connection, Database
from ragraft.documents.collection import Collection, find_collection
from ragraft.documents.embedders import Embedders, OpenTuned, no_tuned
from ragraft.protocols import Embedder, Reranker
from ragraft.retrieve.fuse import Hit, fuse_scores
from ragraft.retrieve.lexical import idf, query_terms
from ragraft.retrieve.rerank import reorder
from ragraft.types import Caller, Chunk, Passage, Vectors

__all__ = ["Found", "HybridRetriever", "View"]

TERM_SPACE = 1_000_000_000

QUERY_TERMS = 64
"""A longer query is searched by its rarest terms: the rest would hardly move a score, and costs."""

CANDIDATES = 2000
"""BM25 is worked out for passages that hold one of the query's rarest terms, as many terms as together are
in about this many passages: a passage without any of them ranks far below (cf. MaxScore, Turtle & Flood 1995)."""

MOST_CANDIDATES = 20_000
"""The same when even the rarest term is common: a bound on the time of a query of common words."""

EXACT_ALWAYS = 3000
EXACT_FACTOR = 500
"""Search is exact where comparing every visible vector is cheaper than walking the graph past the hidden
ones: visible < sqrt(factor * all), since the walk visits about depth * all / visible nodes."""


@dataclass(frozen=True, slots=True)
class View:
    """What a caller sees of a collection: labels, and passages by language for idf."""

    labels: tuple[int, ...]
    chunks: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many passages that is."""
        return sum(self.chunks.values())


@dataclass(frozen=True, slots=True)
class Found:
    """A search's passages, best first, with the numbers of their documents.

    `vector` is the query's, and belongs to the space of `collection`; both are None where nothing was searched.
    """

    passages: tuple[Passage, ...] = ()
    documents: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    vector: Vectors | None = None
    collection: Collection | None = None


class HybridRetriever:
    """Searches one collection; fits the Retriever seam.

    `depth` is the length of each leg's ranking; `ef_search` the breadth of the approximate search. `tuned` opens
    the embedder of a collection that has been switched to a tuned one. `space` is searched instead of the one in
    service, for the owner alone: to see how it would do.
    """

    def __init__(
        self,
        *,
        database: Database,
        embedder: Embedder,
        tuned: OpenTuned = no_tuned,
        depth: int = 100,
        ef_search: int = 100,
        reranker: Reranker | None = None,
        rerank_depth: int = 30,
        collection: str = "default",
        space: int | None = None,
    ) -> None:
        self._database = database
        self._space = space
        self._embedders = Embedders(embedder, tuned=tuned)
        self._depth = depth
        self._ef_search = ef_search
        self._reranker = reranker
        self._rerank_depth = rerank_depth
        self._name = collection
        self._embedding = ThreadPoolExecutor(max_workers=4, thread_name_prefix="embedding")

    def close(self) -> None:
        """End the threads that embed queries."""
        self._embedding.shutdown()

    def retrieve(
        self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
    ) -> list[Passage]:
        """Return up to `limit` passages that the caller may read, best first."""
        return list(self.search(query, limit=limit, caller=caller, as_of=as_of).passages)

    def search(self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None) -> Found:
        """Return what `retrieve` returns, with the numbers that the audit needs.

        Raises: WorkspaceError if another model embedded the collection; ModelError, DatabaseError.
        """
        if not query.strip():
            return Found()
        wanted = max(limit, self._rerank_depth) if self._reranker else limit
        # The query is embedded while the database looks its words up: each takes a few milliseconds.
        guess = self._embedders.current
        embedding = self._embedding.submit(guess.embed, [query])
        with self._database.transaction(caller, read_only=True) as connection:
            collection = find_collection(connection, self._name, space=self._space)
            if collection is None:
                return Found()
            embedder = self._embedders.of(collection)
            if embedder is not guess:  # another space is in service than at the last search
                embedding = self._embedding.submit(embedder.embed, [query])
            view = see(connection, collection.id)
            weights = self._query_weights(connection, collection.id, view, query, archived=as_of is not None)
            if as_of is None:
                legs = {"lexical": self._by_words(connection, collection.id, view, weights)}
                vector = embedding.result()[0]
                legs["dense"] = self._nearest(connection, collection, view, vector)
            else:
                vector = embedding.result()[0]
                legs = self._as_of(connection, collection, view, vector, weights, as_of)
            ranking = fuse_scores(legs, weights=collection.weights, depth=self._depth)[:wanted]
            rows = self._read(
                connection, collection.id, [key for key, _ in ranking], archived=as_of is not None
            )
        scores = dict(ranking)
        found = [(_passage(row, scores[row[0]]), int(row[1])) for row in rows]
        if self._reranker is not None:
            found = reorder(query, found, reranker=self._reranker)
        found = found[:limit]
        return Found(
            tuple(passage for passage, _ in found),
            tuple(document for _, document in found),
            view.labels,
            vector,
            collection,
        )

    def nearest_documents(self, found: Found, *, limit: int, caller: Caller) -> list[tuple[int, int]]:
        """Return (document, label) of the passages nearest to what a search was for, for the audit."""
        if found.collection is None or found.vector is None:
            return []
        with self._database.transaction(caller, read_only=True) as connection:
            # In the space of that search, though another may be in service by now.
            view = see(connection, found.collection.id)
            ranked = self._nearest(connection, found.collection, view, found.vector)
            rows = connection.execute(
                "select document, label from chunk where collection = %s and id = any(%s)",
                (found.collection.id, [hit.key for hit in ranked[:limit]]),
            ).fetchall()
        return [(document, label) for document, label in rows]

    def _nearest(
        self, connection: Connection, collection: Collection, view: View, vector: Vectors
    ) -> list[Hit]:
        if not view.labels:
            return []
        distance = f"vector::halfvec({collection.dimensions}) <#> %(vector)s"
        parameters = {
            "space": collection.space,
            "collection": collection.id,
            "labels": list(view.labels),
            "vector": HalfVector(vector),
            "depth": self._depth,
        }
        visible = "space = %(space)s and collection = %(collection)s and label = any(%(labels)s)"
        if view.size <= max(EXACT_ALWAYS, math.isqrt(EXACT_FACTOR * _size(connection, collection.space))):
            statement = (
                f"with visible as materialized (select id, {distance} as distance, document, language"
                f" from chunk_vector where {visible}) select * from visible order by distance, id limit %(depth)s"
            )
        else:
            connection.execute(
                "select set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),"
                " set_config('enable_sort', 'off', true)",  # the planner must not sort what the graph gives in order
                (str(max(self._ef_search, self._depth)),),
            )
            statement = (
                f"with near as materialized (select id, {distance} as distance, document, language"
                f" from chunk_vector where {visible} order by {distance} limit %(depth)s)"
                " select * from near order by distance, id"
            )
        return _hits(connection.execute(statement, parameters).fetchall())

    def _query_weights(
        self, connection: Connection, collection: int, view: View, query: str, *, archived: bool
    ) -> list[tuple[int, float, int]]:
        """Return (term, its weight in the query, passages having it), rarest first.

        A term that no visible live passage has is left out, unless `archived` passages are searched too.
        """
        by_language = query_terms(query, languages=view.chunks)
        counts = {term: count for terms in by_language.values() for term, count in terms.items()}
        rows = connection.execute(
            "select term, sum(chunks)::integer from term_count where collection = %s and label = any(%s)"
            " and term = any(%s) group by term having sum(chunks) > 0",
            (collection, list(view.labels), list(counts)),
        ).fetchall()
        having: dict[int, int] = dict(rows)
        weighted = [
            (term, count * idf(view.chunks[language], having.get(term, 0)), having.get(term, 0))
            for language, terms in by_language.items()
            for term, count in terms.items()
            if archived or term in having
        ]
        return sorted(weighted, key=lambda item: (item[2], item[0]))[:QUERY_TERMS]

    def _by_words(
        self, connection: Connection, collection: int, view: View, weights: Sequence[tuple[int, float, int]]
    ) -> list[Hit]:
        if not weights:
            return []
        # The index knows words but not labels: who sees little is served faster by all that he sees.
        rare = "" if view.size <= EXACT_ALWAYS else "and term_ids && %(rare)s limit %(most)s"
        rows = connection.execute(
            "with candidates as materialized (select id, weights <#> %(query)s as distance, document, language"
            f" from chunk_terms where collection = %(collection)s and label = any(%(labels)s) {rare})"
            " select * from candidates where distance < 0 order by distance, id limit %(depth)s",
            {
                "collection": collection,
                "labels": list(view.labels),
                "query": _sparse(weights),
                "rare": _rarest(weights),
                "most": MOST_CANDIDATES,
                "depth": self._depth,
            },
        ).fetchall()
        return _hits(rows)

    def _as_of(
        self,
        connection: Connection,
        collection: Collection,
        view: View,
        vector: Vectors,
        weights: Sequence[tuple[int, float, int]],
        as_of: datetime,
    ) -> dict[str, list[Hit]]:
        """Rank what was valid at a time, exactly, over live and archived passages."""
        rows = connection.execute(
            "with valid as materialized (select document, number from revision where collection = %(collection)s"
            "  and valid_from <= %(as_of)s and (valid_to is null or valid_to > %(as_of)s)"
            "  and label = any((select visible_labels())::integer[])),"
            " passages as materialized (select c.id, c.document, t.language, v.vector <#> %(vector)s as distance,"
            "   t.weights <#> %(query)s as score from valid r"
            "   join chunk c on (c.collection, c.document, c.revision) = (%(collection)s, r.document, r.number)"
            "   join chunk_vector v on (v.space, v.collection, v.document, v.id) ="
            "     (%(space)s, %(collection)s, c.document, c.id)"
            "   join chunk_terms t on (t.collection, t.document, t.id) = (%(collection)s, c.document, c.id)"
            "  union all select a.id, a.document, a.language, v.vector <#> %(vector)s, a.weights <#> %(query)s from valid r"
            "   join archived_chunk a on (a.collection, a.document, a.revision) = (%(collection)s, r.document, r.number)"
            "   join archived_vector v on (v.space, v.collection, v.id) = (%(space)s, %(collection)s, a.id))"
            " (select 'dense', id, distance, document, language from passages"
            "  order by distance, id limit %(depth)s) union all"
            " (select 'lexical', id, score, document, language from passages where score < 0"
            "  order by score, id limit %(depth)s)",
            {
                "space": collection.space,
                "collection": collection.id,
                "as_of": as_of,
                "vector": HalfVector(vector),
                "query": _sparse(weights),
                "depth": self._depth,
            },
        ).fetchall()
        return {
            leg: _hits(sorted((row[1:] for row in rows if row[0] == leg), key=lambda row: (row[1], row[0])))
            for leg in ("dense", "lexical")
        }

    def _read(
        self, connection: Connection, collection: int, ids: Sequence[int], *, archived: bool
    ) -> list[tuple[Any, ...]]:
        """Return the rows of passages in the order of `ids`; row-level security has the last word on each."""
        columns = "id, document, revision, span_start, span_end, page, tokens, context, text"
        wanted = "where collection = %(collection)s and id = any(%(ids)s::bigint[])"
        chosen = f"select {columns}, null as title from chunk {wanted}"
        if archived:
            chosen += (
                f" union all select {columns}, (select r.title from revision r where (r.collection, r.document,"
                " r.number) = (a.collection, a.document, a.revision)) from archived_chunk a " + wanted
            )
        # Materialised, so that a planner without statistics does not begin with every document.
        statement = (  # only names of ours are put together here
            f"with chosen as materialized ({chosen}) select c.id, c.document, c.revision, c.span_start, c.span_end,"
            " c.page, c.tokens, c.context, c.text, d.uri, coalesce(c.title, d.title) from chosen c"
            " join document d on d.collection = %(collection)s and d.id = c.document"
        )
        rows = connection.execute(statement, {"collection": collection, "ids": list(ids)}).fetchall()
        return sorted(rows, key=lambda row: ids.index(row[0]))


def see(connection: Connection, collection: int) -> View:
    """Return what the transaction's caller sees of a collection."""
    rows = connection.execute(
        "select label, language, chunks from language_count where collection = %s and chunks > 0",
        (collection,),
    ).fetchall()
    chunks: dict[str, int] = defaultdict(int)
    for _, language, count in rows:
        chunks[language] += count
    return View(tuple(sorted({label for label, _, _ in rows})), dict(chunks))


def _size(connection: Connection, space: int) -> int:
    """Return about how many passages the space has in all: the planner's estimate, which costs nothing."""
    row = connection.execute(
        "select greatest(reltuples, 0)::bigint from pg_class where oid = to_regclass(%s)",
        (f"chunk_vector_{space}",),
    ).fetchone()
    return int(row[0]) if row else 0


def _rarest(weights: Sequence[tuple[int, float, int]]) -> list[int]:
    """Return the rarest terms, as many as are together in about CANDIDATES passages, at least one."""
    chosen: list[int] = []
    total = 0
    for term, _, having in weights:
        if chosen and total + having > CANDIDATES:
            break
        chosen.append(term)
        total += having
    return chosen


def _sparse(weights: Sequence[tuple[int, float, int]]) -> SparseVector:
    return SparseVector({term - 1: weight for term, weight, _ in weights}, TERM_SPACE)


def _hits(rows: Sequence[tuple[Any, ...]]) -> list[Hit]:
    """Return a leg's rows (id, distance, document, language), best first, with scores that grow."""
    return [Hit(key, -distance, document, language) for key, distance, document, language in rows]


def _passage(row: tuple[Any, ...], score: float) -> Passage:
    _, _, revision, start, end, page, tokens, context, text, uri, title = row
    chunk = Chunk(start=start, end=end, text=text, context=context, page=page, tokens=tokens)
    return Passage(
        chunk=chunk, uri=uri, title=title, revision=revision, score=score, read_at=datetime.now(UTC)
    )
