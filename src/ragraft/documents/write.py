"""Writing one document: everything that belongs together, for a transaction that the caller holds.

Each function leaves the document, its revision, passages, counts and label consistent; none commits.
Writers of one collection wait for each other (`lock_for_writing`), readers never wait.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgvector import HalfVector, SparseVector

from ragraft.database.pool import Connection, scalar
from ragraft.types import AccessLabel, Chunk, ParsedDocument, Vectors

__all__ = [
    "Content",
    "Written",
    "delete_document",
    "find_or_add_label",
    "lock_for_writing",
    "put_document",
    "relabel_document",
    "withdraw_document",
]

WRITE_LOCK = 0x7261_7772  # "rawr", one per collection
TERM_SPACE = 1_000_000_000
LIVE = ("chunk", "chunk_vector", "chunk_terms")
KEPT = ("revision", "archived_chunk", "archived_vector")


@dataclass(frozen=True, slots=True)
class Content:
    """One document ready to be written: text, passages, vectors (passages, dimensions) and BM25 weights.

    The vectors are by the embedder in service: whoever writes makes sure of that under the lock for writing. In
    other spaces the passages are missing until one is to be taken into service.
    """

    parsed: ParsedDocument
    content_hash: bytes
    chunks: Sequence[Chunk]
    vectors: Vectors
    terms: Sequence[Mapping[int, float]]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    outcome: Literal["added", "replaced", "relabelled", "unchanged"]
    document: int
    revision: int


def lock_for_writing(connection: Connection, collection: int) -> None:
    """Wait until no other transaction writes to this collection, and keep others waiting."""
    connection.execute("select pg_advisory_xact_lock(%s, %s)", (WRITE_LOCK, collection))


def find_or_add_label(connection: Connection, collection: int, label: AccessLabel) -> int:
    """Return the number of a label; documents with the same groups share one."""
    groups = sorted(label.groups)
    row = connection.execute(
        "select id from label where collection = %s and groups = %s::text[]", (collection, groups)
    ).fetchone()
    if row is None:
        row = connection.execute(
            "insert into label (collection, groups) values (%s, %s) on conflict (collection, groups)"
            " do update set groups = excluded.groups returning id",
            (collection, groups),
        ).fetchone()
    return int(row[0]) if row else 0


def put_document(
    connection: Connection, *, collection: int, source: int, path: str, uri: str, label: int, content: Content
) -> Written:
    """Add the document at `path` of `source`, or replace its current revision."""
    known = connection.execute(
        "select id, revision, content_hash, label, removed_at is null from document"
        " where collection = %s and source = %s and path = %s for update",
        (collection, source, path),
    ).fetchone()
    if known is None:
        document, number = _insert_document(connection, collection, source, path, uri, label, content), 1
        outcome: Literal["added", "replaced"] = "added"
    else:
        document, last, content_hash, old_label, live = known
        if live and bytes(content_hash) == content.content_hash:
            if old_label == label:
                return Written("unchanged", document, last)
            relabel_document(connection, collection, document, label)
            return Written("relabelled", document, last)
        number, outcome = last + 1, "replaced" if live else "added"
        if live:
            _archive(connection, collection, document)
        _move_to_label(connection, collection, document, label, KEPT)
        connection.execute(
            "update document set label = %s, title = %s, revision = %s, content_hash = %s, chunks = %s, tokens = %s,"
            " added_at = clock_timestamp(), removed_at = null where collection = %s and id = %s",
            (label, content.parsed.title, number, content.content_hash, len(content.chunks),
             sum(chunk.tokens for chunk in content.chunks), collection, document),
        )  # fmt: skip
    _insert_revision(connection, collection, document, number, label, content.parsed)
    _insert_chunks(connection, collection, document, number, label, content)
    _count(connection, collection, document, sign=1)
    return Written(outcome, document, number)


def withdraw_document(connection: Connection, collection: int, document: int) -> bool:
    """Take a document out of every list and search; its revisions stay for "as of" questions.

    Returns False, and does nothing, if it is gone already.
    """
    updated = connection.execute(
        "update document set removed_at = clock_timestamp()"
        " where collection = %s and id = %s and removed_at is null",
        (collection, document),
    )
    if updated.rowcount:
        _archive(connection, collection, document)
    return updated.rowcount > 0


def delete_document(connection: Connection, collection: int, document: int, *, live: bool) -> dict[str, int]:
    """Delete every row made of a document and return how many of each table; bytes stay until a rewrite."""
    if live:
        _count(connection, collection, document, sign=-1)
    rows = {
        table: connection.execute(
            f"delete from {table} where collection = %s and document = %s",  # noqa: S608 - names of ours
            (collection, document),
        ).rowcount
        for table in (*LIVE, *KEPT)
    }
    connection.execute("delete from document where collection = %s and id = %s", (collection, document))
    return rows


def relabel_document(connection: Connection, collection: int, document: int, label: int) -> bool:
    """Give a document and everything made of it, old revisions included, another label.

    Returns False, and does nothing, if it is gone.
    """
    updated = connection.execute(
        "update document set label = %s where collection = %s and id = %s and removed_at is null",
        (label, collection, document),
    )
    if not updated.rowcount:
        return False
    _count(connection, collection, document, sign=-1)
    _move_to_label(connection, collection, document, label, (*LIVE, *KEPT))
    _count(connection, collection, document, sign=1)
    return True


def _move_to_label(
    connection: Connection, collection: int, document: int, label: int, tables: Sequence[str]
) -> None:
    for table in tables:
        connection.execute(
            f"update {table} set label = %s where collection = %s and document = %s and label <> %s",  # noqa: S608 - names of ours
            (label, collection, document, label),
        )


def _insert_document(
    connection: Connection, collection: int, source: int, path: str, uri: str, label: int, content: Content
) -> int:
    tokens = sum(chunk.tokens for chunk in content.chunks)
    return int(
        scalar(
            connection,
            "insert into document (collection, uri, source, path, label, title, revision, content_hash, chunks, tokens,"
            " added_at) values (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, clock_timestamp()) returning id",
            (
                collection,
                uri,
                source,
                path,
                label,
                content.parsed.title,
                content.content_hash,
                len(content.chunks),
                tokens,
            ),
        )
    )


def _insert_revision(
    connection: Connection, collection: int, document: int, number: int, label: int, parsed: ParsedDocument
) -> None:
    # A clock that was set back must not make a revision end before it began.
    connection.execute(
        "insert into revision values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, greatest(clock_timestamp(),"
        " (select max(coalesce(valid_to, valid_from)) + interval '1 microsecond' from revision"
        "  where collection = %s and document = %s)), null)",
        (collection, document, number, label, parsed.title, parsed.text, parsed.language, parsed.media_type,
         [part for page in parsed.pages for part in (page.number, page.start, page.end)],
         json.dumps(parsed.metadata, default=str, ensure_ascii=False), collection, document),
    )  # fmt: skip


def _insert_chunks(
    connection: Connection, collection: int, document: int, number: int, label: int, content: Content
) -> None:
    language = content.parsed.language
    ids = [
        row[0]
        for row in connection.execute(
            "select nextval('chunk_id') from generate_series(1, %s)", (len(content.chunks),)
        ).fetchall()
    ]
    # Not COPY, which row-level security does not allow; executemany sends these in one go all the same.
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into chunk (collection, id, document, revision, label, span_start, span_end, page, tokens, context,"
            " text) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    collection,
                    id_,
                    document,
                    number,
                    label,
                    c.start,
                    c.end,
                    c.page,
                    c.tokens,
                    c.context,
                    c.text,
                )
                for id_, c in zip(ids, content.chunks, strict=True)
            ],
        )
        cursor.executemany(
            "insert into chunk_vector (space, collection, id, document, label, language, vector)"
            " values ((select space from collection where id = %s), %s, %s, %s, %s, %s, %b)",
            [
                (collection, collection, id_, document, label, language, HalfVector(vector))
                for id_, vector in zip(ids, content.vectors, strict=True)
            ],
        )
        cursor.executemany(
            "insert into chunk_terms (collection, id, document, label, language, term_ids, weights)"
            " values (%s, %s, %s, %s, %s, %b, %b)",
            [
                (collection, id_, document, label, language, sorted(weights), _sparse(weights))
                for id_, weights in zip(ids, content.terms, strict=True)
            ],
        )


def _sparse(weights: Mapping[int, float]) -> SparseVector:
    return SparseVector({term - 1: weight for term, weight in weights.items()}, TERM_SPACE)


def _archive(connection: Connection, collection: int, document: int) -> None:
    """Close the current revision and move its passages out of search."""
    _count(connection, collection, document, sign=-1)
    connection.execute(
        "insert into archived_chunk select c.collection, c.id, c.document, c.revision, c.label, c.span_start,"
        " c.span_end, c.page, c.tokens, c.context, c.text, t.language, t.term_ids, t.weights"
        " from chunk c"
        " join chunk_terms t on (t.collection, t.document, t.id) = (c.collection, c.document, c.id)"
        " where c.collection = %s and c.document = %s",
        (collection, document),
    )
    connection.execute(
        "insert into archived_vector select space, collection, id, document, label, vector from chunk_vector"
        " where collection = %s and document = %s",
        (collection, document),
    )
    for table in LIVE:
        connection.execute(
            f"delete from {table} where collection = %s and document = %s",  # noqa: S608 - names of ours
            (collection, document),
        )
    connection.execute(
        "update revision set valid_to = greatest(clock_timestamp(), valid_from + interval '1 microsecond')"
        " where collection = %s and document = %s and valid_to is null",
        (collection, document),
    )


def _count(connection: Connection, collection: int, document: int, *, sign: Literal[1, -1]) -> None:
    """Add a document's passages to the BM25 counts of its label, or take them out."""
    connection.execute(
        "insert into term_count as known select collection, term, label, %s * count(*) from chunk_terms,"
        " unnest(term_ids) as term where collection = %s and document = %s group by collection, term, label"
        " on conflict (collection, term, label) do update set chunks = known.chunks + excluded.chunks",
        (sign, collection, document),
    )
    connection.execute(
        "insert into language_count as known select collection, label, language, %s * count(*) from chunk_terms"
        " where collection = %s and document = %s group by collection, label, language"
        " on conflict (collection, label, language) do update set chunks = known.chunks + excluded.chunks",
        (sign, collection, document),
    )
