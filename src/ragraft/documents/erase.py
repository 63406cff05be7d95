"""Erasing a document: not only its rows but its bytes.

DELETE and VACUUM leave plain text in pages and in the write-ahead log. So an erasure (1) deletes every
row made of the document and commits, from when on nothing finds it; (2) waits until no running query can
still see the old rows; (3) rewrites the tables it was in (VACUUM FULL, which also rebuilds their
indexes); (4) has PostgreSQL drop the log up to here; (5) looks through the data folder for pieces of the
text; (6) enters all this into the audit. An erasure that was interrupted is on record and finished by the
next one.
"""

from __future__ import annotations

import mmap
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, Database, scalar, wait_until
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.write import delete_document, lock_for_writing
from ragraft.errors import DatabaseError, NotFoundError
from ragraft.types import Caller

__all__ = ["Eraser", "Receipt"]

REWRITTEN = (
    *("document", "source", "revision", "archived_chunk", "term_count", "language_count"),
    *("example", "example_source", "adapter", "adapter_source"),
)
PIECE = 32
"""Length in characters of the pieces of text that are looked for afterwards."""

TELLING = 8
"""A piece of fewer different characters, such as the line under a heading, may be found anywhere."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased and how that was checked. It is the only place that still holds the uri.

    `found_afterwards` counts pieces of the text found in the database's files, of `looked_for` that no
    other document has; it is None where the files are not ours to read (an external server), whose log and backups are its
    operator's to expire: `limits` says so.
    """

    uri: str
    document: int
    revisions: int
    chunks: int
    rows: dict[str, int]
    erased_at: str
    seconds: float
    looked_for: int
    found_afterwards: int | None
    limits: list[str] = field(default_factory=list)
    audit: int = 0


class Eraser:
    """Erases documents of one collection. `data_folder` is the embedded server's, None for an external one."""

    def __init__(
        self, *, database: Database, audit: AuditLog, data_folder: Path | None, collection: str = "default"
    ) -> None:
        self._database = database
        self._audit = audit
        self._data_folder = data_folder
        self._name = collection

    def erase(
        self,
        uri: str,
        *,
        caller: Caller,
        on_step: Callable[[str], None] = lambda _: None,
        wait_seconds: float = 60.0,
    ) -> Receipt:
        """Erase a document, removed ones included, and return the receipt.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there is none;
        DatabaseError if a query that runs elsewhere keeps the old rows alive for `wait_seconds`: the
        document is then invisible already, and the next erasure or `finish` destroys its bytes.
        """
        require_owner(caller, "erase documents")
        began = time.monotonic()
        on_step("deleting rows")
        document, rows, pieces = self._delete(uri, caller)
        pending = self._destroy(on_step, wait_seconds)
        on_step("looking through the files")
        found = self._count_found(pieces)
        number = self._close(caller, pending, checked={document: found})
        return Receipt(
            uri=uri,
            document=document,
            revisions=rows["revision"],
            chunks=rows["chunk"] + rows["archived_chunk"],
            rows=rows,
            erased_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 3),
            looked_for=len(pieces),
            found_afterwards=found,
            limits=self._limits(),
            audit=number,
        )

    def finish(self, *, on_step: Callable[[str], None] = lambda _: None, wait_seconds: float = 60.0) -> int:
        """Destroy the bytes of every erasure that is on record, and return how many there were.

        Raises: DatabaseError as `erase` does.
        """
        pending = self._destroy(on_step, wait_seconds)
        if pending:
            self._close(OWNER, pending, checked={})
        return len(pending)

    def _destroy(self, on_step: Callable[[str], None], wait_seconds: float) -> dict[int, int]:
        """Rewrite all that pending erasures have left, and return {erasure: document}."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name)
            if collection is None:
                return {}
            rows = connection.execute(
                "select id, document from erasure where collection = %s", (collection.id,)
            ).fetchall()
        if not rows:
            return {}
        partitions = [f"{name}_{collection.id}" for name in ("chunk", "chunk_vector", "chunk_terms")]
        with self._database.administration() as connection:
            on_step("waiting for running queries")
            _wait_for_old_snapshots(connection, wait_seconds)
            self._forget_samples(connection)
            for table in (*REWRITTEN, *partitions):
                on_step(f"rewriting {table}")
                connection.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(table)))
            on_step("dropping the write-ahead log")
            self._drop_log(connection)
        return dict(rows)

    def _delete(self, uri: str, caller: Caller) -> tuple[int, dict[str, int], list[bytes]]:
        with self._audit.transaction(caller) as (connection, audit):
            collection = find_collection(connection, self._name)
            number = collection.id if collection else 0
            lock_for_writing(connection, number)
            row = connection.execute(
                "select id, removed_at is null, source from document where collection = %s and uri = %s",
                (number, storable(uri)),
            ).fetchone()
            if row is None:
                raise NotFoundError(
                    f"there is no document {uri!r}", hint="`ragraft list` shows the documents"
                )
            document, live, source = row
            key = (number, document)
            pieces = _own_pieces(connection, key)
            rows = delete_document(connection, number, document, live=live)
            connection.execute(
                "delete from source where id = %s and kind = 'url' and not exists"
                " (select from document where collection = %s and source = %s)",
                (source, number, source),
            )
            connection.execute("delete from term_count where collection = %s and chunks <= 0", (number,))
            connection.execute("delete from language_count where collection = %s and chunks <= 0", (number,))
            connection.execute("insert into erasure (collection, document) values (%s, %s)", key)
            audit.append("erase asked", {"document": document})
        return document, rows, pieces

    def _close(self, caller: Caller, pending: Mapping[int, int], *, checked: Mapping[int, int | None]) -> int:
        """Enter erasures as done; `checked` says what was found afterwards of the documents looked for."""
        with self._audit.transaction(caller) as (connection, audit):
            connection.execute("delete from erasure where id = any(%s)", (list(pending),))
            for document in [*sorted({*pending.values()} - {*checked}), *checked]:
                found = checked.get(document)
                audit.append("erased", {"document": document, "found_afterwards": found})
            return audit.number

    def _forget_samples(self, connection: Connection) -> None:
        """Delete the planner's samples of values (embedded server only).

        ANALYZE takes new ones of what is left, but keeps the old ones of a table that has become empty, and
        indexes on expressions and partitioned tables have samples too.
        """
        if self._data_folder is not None:
            connection.execute(
                "delete from pg_statistic where starelid in"
                " (select oid from pg_class where relnamespace = current_schema()::regnamespace)"
            )

    def _drop_log(self, connection: Connection) -> None:
        """Have the server write everything out and drop the log before it (embedded server only).

        wal_recycle is off there, so a dropped segment is deleted and not used again with its old bytes.
        """
        if self._data_folder is None:
            return
        # Deleted samples are bytes in the catalogue until it is rewritten, like any row.
        connection.execute("vacuum full pg_catalog.pg_statistic")
        for _ in range(2):
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")

    def _count_found(self, pieces: Sequence[bytes]) -> int | None:
        if self._data_folder is None:
            return None
        found: set[bytes] = set()
        for path in sorted(self._data_folder.rglob("*")):
            try:
                if not path.is_file() or path.stat().st_size == 0:
                    continue
                with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    found.update(piece for piece in pieces if content.find(piece) >= 0)
            except FileNotFoundError:
                continue  # the server deletes files while we look
        return len(found)

    def _limits(self) -> list[str]:
        limits = ["copies outside ragraft: the original file, backups, answers already given"]
        if self._data_folder is None:
            limits.append(
                "write-ahead log, replicas and backups of the external PostgreSQL, until they expire"
            )
        return limits


def _wait_for_old_snapshots(connection: Connection, seconds: float) -> None:
    """Wait until every transaction that could see the deleted rows has ended; VACUUM would keep them."""
    now = scalar(connection, "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")

    def gone() -> bool:
        oldest = scalar(
            connection,
            "select min(least(backend_xmin::text::bigint, backend_xid::text::bigint)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()",
        )
        return oldest is None or oldest >= now % 2**32

    if not wait_until(gone, seconds=seconds):
        raise DatabaseError(
            "the document is deleted, but a query that is still running keeps its old bytes alive",
            hint="end that query and run `ragraft erase --finish`",
        )


def _own_pieces(connection: Connection, key: tuple[int, int]) -> list[bytes]:
    """Return pieces of a document's revisions that stand in no other document, to look for afterwards."""
    chosen: set[str] = set()
    for (text,) in connection.execute(
        "select text from revision where collection = %s and document = %s", key
    ).fetchall():
        starts = range(max(1, len(text) - PIECE + 1))
        draw = random.Random(len(text))  # noqa: S311 - not a secret
        chosen.update(text[start : start + PIECE] for start in draw.sample(starts, min(20, len(starts))))
    rows = connection.execute(
        "select piece from unnest(%s::text[]) as piece where not exists (select from revision"
        " where (collection, document) <> (%s, %s) and strpos(text, piece) > 0)",
        (sorted(piece for piece in chosen if len(set(piece)) >= TELLING), *key),
    ).fetchall()
    return [piece.encode() for (piece,) in rows]
