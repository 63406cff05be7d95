"""One run of a sync: it has its source to itself, embeds many passages at a time, and writes document by document."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ragraft.access.audit import AuditLog
from ragraft.access.labels import AccessRules
from ragraft.database.pool import Connection, Database
from ragraft.documents.collection import Collection, find_collection
from ragraft.documents.embedders import Embedders
from ragraft.documents.markup import readable
from ragraft.documents.placement import (
    Known,
    Target,
    choose_uri,
    known_documents,
    lies_in,
    open_folder,
    open_url,
)
from ragraft.documents.sources import FoundSources
from ragraft.documents.sync_report import Failure, Progress, SyncReport
from ragraft.documents.write import (
    Content,
    find_or_add_label,
    lock_for_writing,
    put_document,
    relabel_document,
    withdraw_document,
)
from ragraft.types import AccessLabel, Caller, Chunk, ParsedDocument, Vectors

__all__ = ["Prepared", "Run", "TermWeights"]

BATCH_CHUNKS = 128
"""Passages embedded together: enough to sort by length, few enough that little is lost on Ctrl-C."""

SOURCE_LOCK = 0x7261_736F_0000_0000  # "raso" and the number of the source

TermWeights = Callable[[str, str], Mapping[int, float]]
"""(text, language) -> {term: BM25 weight}."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is parsed and cut and waits to be embedded and written.

    `relative` is its path below what the run looks at: while it waits, another run may take the source in.
    """

    relative: str
    size: int
    label: AccessLabel
    content_hash: bytes
    parsed: ParsedDocument
    chunks: list[Chunk]


class Run:
    """One run of a sync: its report, its progress and its writes."""

    def __init__(
        self,
        *,
        database: Database,
        audit: AuditLog,
        embedders: Embedders,
        term_weights: TermWeights,
        collection: Collection,
        rules: AccessRules,
        caller: Caller,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.rules = rules
        self.report = SyncReport()
        self.total = 0
        self._database = database
        self._audit = audit
        self._embedders = embedders
        self._term_weights = term_weights
        self._collection = collection.id
        self._in_service = collection
        self._caller = caller
        self._on_progress = on_progress
        self._done = 0
        self._began = time.monotonic()
        self._location: Path | str = ""

    @contextmanager
    def alone(self, location: Path | str) -> Iterator[Target]:
        """Yield the source of a folder or address once no other run works on it.

        Two runs at once would be right as well, since each write looks again; they would do the work twice.
        """
        self._location = location
        with self._database.transaction(self._caller) as connection:
            lock_for_writing(connection, self._collection)
            target = self._open(connection)
        lock = (SOURCE_LOCK + target.source,)
        with self._database.administration() as connection:
            if connection.execute("select pg_try_advisory_lock(%s)", lock).fetchone() != (True,):
                self.show("waiting for another run over the same source")
                connection.execute("select pg_advisory_lock(%s)", lock)
            yield target

    def _open(self, connection: Connection) -> Target:
        """Return the source as it is now: another run may have taken it into a larger one, or erased it."""
        if isinstance(self._location, Path):
            return open_folder(connection, self._collection, self._location)
        return open_url(connection, self._collection, self._location)

    def known(self, target: Target) -> dict[str, Known]:
        """Return, by path, what the library has in this part of the source."""
        with self._database.transaction(self._caller, read_only=True) as connection:
            return known_documents(connection, self._collection, target)

    def take(self, documents: Iterator[Prepared]) -> None:
        """Embed and write documents, many passages at a time."""
        batch: list[Prepared] = []
        for document in documents:
            batch.append(document)
            if sum(len(one.chunks) for one in batch) >= BATCH_CHUNKS:
                self._write(batch)
                batch = []
        self._write(batch)

    def remove_gone(
        self, target: Target, path: Path, found: FoundSources, known: Mapping[str, Known]
    ) -> None:
        """Remove the documents whose files are no longer there; a folder that cannot be read keeps its own."""
        present = {target.path_of(file.relative) for file in found.files}
        unread = [target.path_of(failed.relative) for failed in found.failed]
        if path.is_file():
            return
        for name, document in known.items():
            if name in present or any(lies_in(name, folder) for folder in unread):
                continue
            with self._audit.transaction(self._caller) as (connection, audit):
                lock_for_writing(connection, self._collection)
                was_there = withdraw_document(connection, self._collection, document.document)
                if was_there:
                    audit.append("removed", {"document": document.document})
            self.report.removed += was_there

    def relabel(self, document: int, label: AccessLabel) -> None:
        """Give a document another label; its text and vectors stay."""
        with self._audit.transaction(self._caller) as (connection, audit):
            lock_for_writing(connection, self._collection)
            number = find_or_add_label(connection, self._collection, label)
            was_there = relabel_document(connection, self._collection, document, number)
            if was_there:
                audit.append("relabelled", {"document": document, "groups": sorted(label.groups)})
        if was_there:
            self._count("relabelled")

    def fail(self, uri: str, reason: str, *, size: int = 0) -> None:
        """Keep a failure for the report."""
        self.report.failed.append(Failure(uri, reason))
        self.advance(size)

    def advance(self, size: int) -> None:
        """Note that `size` more bytes are dealt with."""
        self._done += size
        self.show("")

    def show(self, doing: str) -> None:
        """Report progress."""
        self._on_progress(Progress(self._done, self.total, self.report.tokens, doing))

    def end(self) -> SyncReport:
        """Return the finished report."""
        self.report.seconds = round(time.monotonic() - self._began, 3)
        return self.report

    def _write(self, batch: list[Prepared]) -> None:
        if not batch:
            return
        space = self._in_service.space
        vectors = self._embed([chunk for document in batch for chunk in document.chunks])
        at = 0
        for document in batch:
            count, language = len(document.chunks), document.parsed.language
            terms = [self._term_weights(chunk.full_text, language) for chunk in document.chunks]
            self._put(
                document,
                Content(
                    document.parsed, document.content_hash, document.chunks, vectors[at : at + count], terms
                ),
                space=space,
            )
            at += count

    def _embed(self, chunks: Sequence[Chunk]) -> Vectors:
        """Embed a batch, which is long only if one document is: then show how far it is."""
        embedder = self._embedders.of(self._in_service)
        texts = [readable(chunk.full_text) for chunk in chunks]
        pieces = []
        for start in range(0, len(texts), 4 * BATCH_CHUNKS):
            if start:
                self.show(f"passage {start:,} of {len(texts):,}")
            pieces.append(embedder.embed(texts[start : start + 4 * BATCH_CHUNKS]))
        return np.concatenate(pieces)

    def _follow(self, connection: Connection, content: Content, space: int) -> Content:
        """Return the content with vectors of the space in service, if that is no longer the one they are of."""
        collection = find_collection(connection, self._in_service.name)
        if collection is None or collection.space == space:
            return content
        self._in_service = collection
        return replace(content, vectors=self._embed(content.chunks))

    def _put(self, document: Prepared, content: Content, *, space: int) -> None:
        with self._audit.transaction(self._caller) as (connection, audit):
            lock_for_writing(connection, self._collection)
            content = self._follow(connection, content, space)
            target = self._open(connection)
            path = target.path_of(document.relative)
            written = put_document(
                connection,
                collection=self._collection,
                source=target.source,
                path=path,
                uri=choose_uri(connection, self._collection, target, path),
                label=find_or_add_label(connection, self._collection, document.label),
                content=content,
            )
            if written.outcome != "unchanged":
                audit.append(
                    written.outcome,
                    {
                        "document": written.document,
                        "revision": written.revision,
                        "groups": sorted(document.label.groups),
                    },
                )
        self._count(written.outcome)
        if written.outcome in ("added", "replaced"):
            self.report.chunks += len(document.chunks)
            self.report.tokens += sum(chunk.tokens for chunk in document.chunks)
        self.advance(document.size)

    def _count(self, outcome: Literal["added", "replaced", "relabelled", "unchanged"]) -> None:
        match outcome:
            case "added":
                self.report.added += 1
            case "replaced":
                self.report.replaced += 1
            case "relabelled":
                self.report.replaced += 1
                self.report.relabelled += 1
            case "unchanged":
                self.report.unchanged += 1
