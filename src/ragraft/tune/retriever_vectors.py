"""The vectors that a space lacks: found, made and added a batch at a time; and how well its index finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pgvector import HalfVector

from ragraft.database.pool import Connection, scalar
from ragraft.documents.markup import readable
from ragraft.protocols import Embedder

__all__ = ["STEPS", "add_vectors", "count_missing", "embed_rows", "find_missing", "recall_of"]

BATCH = 256
"""Passages embedded and written together: a second's work, so that writers never wait long."""

LIVE = (
    "select c.id, c.context, c.text from chunk c where c.collection = %(collection)s and c.id > %(after)s"
    " and not exists (select from chunk_vector v where (v.space, v.collection, v.document, v.id) ="
    " (%(space)s, c.collection, c.document, c.id)) order by c.id limit %(limit)s"
)
KEPT = (
    "select c.id, c.context, c.text from archived_chunk c where c.collection = %(collection)s and c.id > %(after)s"
    " and not exists (select from archived_vector v where (v.space, v.collection, v.id) ="
    " (%(space)s, c.collection, c.id)) order by c.id limit %(limit)s"
)
ADD_LIVE = (
    "insert into chunk_vector (space, collection, id, document, label, language, vector)"
    " select %s, c.collection, c.id, c.document, c.label, t.language, %b from chunk c"
    " join chunk_terms t on (t.collection, t.document, t.id) = (c.collection, c.document, c.id)"
    " where c.collection = %s and c.id = %s"
)
ADD_KEPT = (
    "insert into archived_vector (space, collection, id, document, label, vector)"
    " select %s, c.collection, c.id, c.document, c.label, %b from archived_chunk c"
    " where c.collection = %s and c.id = %s on conflict do nothing"
)
STEPS = ((LIVE, ADD_LIVE), (KEPT, ADD_KEPT))
"""How to find and how to add what is missing; a passage that is archived between the two is found by the second."""


def find_missing(
    connection: Connection, statement: str, collection: int, space: int, *, after: int = 0
) -> list[tuple[int, str, str]]:
    """Return passages that a space lacks: (number, context, text), at most a batch."""
    values = {"collection": collection, "space": space, "after": after, "limit": BATCH}
    return [(row[0], row[1], row[2]) for row in connection.execute(statement.encode(), values).fetchall()]


def count_missing(connection: Connection, collection: int, space: int) -> int:
    """Return how many passages, archived ones included, have no vector in a space."""
    values = {"collection": collection, "space": space, "after": 0, "limit": None}
    counts = [
        scalar(connection, f"select count(*) from ({find}) as missing", values)  # noqa: S608 - statements of ours
        for find, _ in STEPS
    ]
    return sum(map(int, counts))


def embed_rows(embedder: Embedder, rows: Sequence[tuple[int, str, str]]) -> list[tuple[int, Any]]:
    """Return (number, vector) of passages, embedded as Sync does it."""
    texts = [readable(f"{context}\n{text}" if context else text) for _, context, text in rows]
    return [(row[0], vector) for row, vector in zip(rows, embedder.embed(texts), strict=True)]


def add_vectors(
    connection: Connection, statement: str, collection: int, space: int, vectors: Sequence[tuple[int, Any]]
) -> None:
    """Add vectors of passages that are still there, with the labels that these have now."""
    with connection.cursor() as cursor:
        cursor.executemany(
            statement.encode(),
            [(space, HalfVector(vector), collection, number) for number, vector in vectors],
        )


def recall_of(connection: Connection, space: int, dimensions: int, vectors: Sequence[Any]) -> float:
    """Return the share of the ten nearest to each vector that the index finds, as halves like the search."""
    statement = (
        f"select id from chunk_vector where space = {space}"  # noqa: S608 - numbers of ours
        f" order by vector::halfvec({dimensions}) <#> %s limit 10"
    )
    found: list[list[set[int]]] = []
    for forbidden in ("enable_seqscan", "enable_indexscan"):
        connection.execute(
            "select set_config('hnsw.ef_search', '100', true), set_config(%s, 'off', true)", (forbidden,)
        )
        near = [connection.execute(statement.encode(), (HalfVector(one),)).fetchall() for one in vectors]
        found.append([{row[0] for row in rows} for rows in near])
        connection.execute("select set_config(%s, 'on', true)", (forbidden,))
    shares = [len(one & exact) / len(exact) for one, exact in zip(*found, strict=True)]
    return float(np.mean(shares))
