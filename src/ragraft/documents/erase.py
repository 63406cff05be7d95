"""Erasing a document: not only its rows but its bytes.

DELETE and VACUUM leave plain text in pages and in the write-ahead log. So an erasure (1) deletes every
row made of the document and commits, from when on nothing finds it; (2) waits until no running query can
still see the old rows; (3) rewrites the tables it was in (VACUUM FULL, which also rebuilds their
indexes); (4) has PostgreSQL drop the log up to here; (5) looks through the data folder for pieces of the
text; (6) enters all this into the audit. An erasure that was interrupted is on record and finished by the
next one.
"""

from __future__ import annotations

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
from ragraft.documents.copying import drop_left_copies
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.traces import count_found, own_pieces
from ragraft.documents.write import delete_document, lock_for_writing
from ragraft.errors import DatabaseError, NotFoundError
from ragraft.types import Caller

__all__ = ["Discarded", "Eraser", "Receipt"]

REWRITTEN = (
    *("document", "source", "revision", "archived_chunk", "archived_vector", "term_count", "language_count"),
    *("example", "example_source", "adapter", "adapter_source", "adapter_example", "space_source"),
)


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of files of the workspace that might hold a trace of a document.

    `names` are trainings that had been stopped, and what they left is deleted. In `running` a process trains now;
    `undeletable` could not be deleted. `answers`: answers that were kept for comparisons, and are deleted.
    """

    names: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    undeletable: tuple[str, ...] = ()
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased and how that was checked. It is the only place that still holds the uri.

    `adapters` learned from it: they are out of service from now on, and their weights go when they are removed or
    trained again. `trainings_discarded` had been stopped and might have held a trace of it, as answers that were kept
    for comparisons might: `answers_discarded`.

    `found_afterwards` counts pieces of its text, and of the examples made from it, that were found in the
    database's files, of `looked_for` that stand in nothing else. It is None where the files are not ours to read
    (an external server), whose log and backups are its operator's to expire: `limits` says so.
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
    adapters: tuple[str, ...] = ()
    trainings_discarded: tuple[str, ...] = ()
    answers_discarded: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """A document whose rows are gone: how many of each table, and what is to be looked for afterwards."""

    document: int
    rows: dict[str, int]
    pieces: list[bytes]
    adapters: tuple[str, ...]


class Eraser:
    """Erases documents of one collection. `data_folder` is the embedded server's, None for an external one.

    `discard` deletes files that might hold a trace and says what they were; it is called once the rows are gone.
    """

    def __init__(
        self,
        *,
        database: Database,
        audit: AuditLog,
        data_folder: Path | None,
        discard: Callable[[], Discarded] = Discarded,
        collection: str = "default",
    ) -> None:
        self._database = database
        self._discard = discard
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
        deleted = self._delete(uri, caller)
        discarded = self._discard()
        in_use = drop_left_copies(self._database)
        pending = self._destroy(on_step, wait_seconds)
        on_step("looking through the files")
        found = None if self._data_folder is None else count_found(deleted.pieces, self._data_folder)
        number = self._close(caller, pending, checked={deleted.document: found})
        return Receipt(
            uri=uri,
            document=deleted.document,
            revisions=deleted.rows["revision"],
            chunks=deleted.rows["chunk"] + deleted.rows["archived_chunk"],
            rows=deleted.rows,
            erased_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 3),
            looked_for=len(deleted.pieces),
            found_afterwards=found,
            limits=self._limits(discarded, in_use),
            audit=number,
            adapters=deleted.adapters,
            trainings_discarded=discarded.names,
            answers_discarded=discarded.answers,
        )

    def finish(self, *, on_step: Callable[[str], None] = lambda _: None, wait_seconds: float = 60.0) -> int:
        """Destroy the bytes of every erasure that is on record, and return how many there were.

        Raises: DatabaseError as `erase` does.
        """
        pending = self._destroy(on_step, wait_seconds)
        if pending:
            self._discard()
            drop_left_copies(self._database)
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
            spaces = connection.execute(
                "select id from space where collection = %s", (collection.id,)
            ).fetchall()
        if not rows:
            return {}
        partitions = [f"chunk_{collection.id}", f"chunk_terms_{collection.id}"]
        partitions += [f"chunk_vector_{space}" for (space,) in spaces]
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

    def _delete(self, uri: str, caller: Caller) -> Deleted:
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
            pieces = own_pieces(connection, key)
            adapters = _adapters_that_saw(connection, key)
            rows = delete_document(connection, number, document, live=live)
            connection.execute(
                "delete from source where id = %s and kind = 'url' and not exists"
                " (select from document where collection = %s and source = %s)",
                (source, number, source),
            )
            connection.execute("delete from term_count where collection = %s and chunks <= 0", (number,))
            connection.execute("delete from language_count where collection = %s and chunks <= 0", (number,))
            connection.execute("insert into erasure (collection, document) values (%s, %s)", key)
            audit.append("erase asked", {"document": document, "adapters": adapters})
        return Deleted(document, rows, pieces, tuple(adapters))

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

    def _limits(self, discarded: Discarded, copies: Sequence[str]) -> list[str]:
        limits = ["copies outside ragraft: the original file, backups, reports and answers already given"]
        limits += [
            f"the copy {name}, on which a comparison tries changes now: it is dropped when that ends"
            for name in copies
        ]
        if self._data_folder is None:
            limits.append(
                "write-ahead log, replicas and backups of the external PostgreSQL, until they expire"
            )
        limits += [
            f"the training of {name}, which is under way: if it saw the document, what it makes is not taken"
            for name in discarded.running
        ]
        limits += [
            f"what a stopped training of {name} has left, which could not be deleted: delete it yourself"
            for name in discarded.undeletable
        ]
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


def _adapters_that_saw(connection: Connection, key: tuple[int, int]) -> list[str]:
    rows = connection.execute(
        "select distinct adapter from adapter_source where (collection, document) = (%s, %s) order by adapter",
        key,
    ).fetchall()
    return [name for (name,) in rows]
