"""Adding a folder, file or address: what is new is added, what changed replaced, what is gone removed.

Every document is one transaction, so an interrupted run leaves whole documents and the next run goes on
where it stopped. An unchanged file costs reading and hashing it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ragraft.access.audit import AuditLog
from ragraft.access.labels import AccessRules
from ragraft.database.pool import Connection, Database
from ragraft.documents.collection import Collection, open_collection
from ragraft.documents.fetch import Fetched
from ragraft.documents.library import require_owner
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
from ragraft.documents.sources import FoundSources, find_sources, read_source
from ragraft.documents.write import (
    Content,
    find_or_add_label,
    lock_for_writing,
    put_document,
    relabel_document,
    withdraw_document,
)
from ragraft.errors import FetchError, UnreadableError
from ragraft.protocols import Chunker, Embedder, Parser
from ragraft.types import AccessLabel, Caller, Chunk, ParsedDocument, Vectors

__all__ = ["Failure", "Progress", "Sync", "SyncReport", "TermWeights"]

BATCH_CHUNKS = 128
"""Passages embedded together: enough to sort by length, few enough that little is lost on Ctrl-C."""

SOURCE_LOCK = 0x7261_736F_0000_0000  # "raso" and the number of the source

TermWeights = Callable[[str, str], Mapping[int, float]]
"""(text, language) -> {term: BM25 weight}."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or address that could not be read, and why."""

    uri: str
    reason: str


@dataclass(slots=True)
class SyncReport:
    """What a run did. `relabelled` counts those of `replaced` whose text stayed; tokens are the embedder's."""

    added: int = 0
    replaced: int = 0
    relabelled: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    skipped: Mapping[str, int] = field(default_factory=dict)
    chunks: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: bytes of files dealt with and in all, tokens embedded, and what it is doing."""

    done: int
    total: int
    tokens: int
    doing: str


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


def show_nothing(_: Progress) -> None:
    """Take a progress report and keep it to oneself."""


class Sync:
    """Brings folders, files and addresses into one collection."""

    def __init__(
        self,
        *,
        database: Database,
        audit: AuditLog,
        parser: Parser,
        chunker: Chunker,
        embedder: Embedder,
        term_weights: TermWeights,
        fetch: Callable[[str], Fetched],
        max_bytes: int,
        collection: str = "default",
    ) -> None:
        self._database = database
        self._audit = audit
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._term_weights = term_weights
        self._fetch = fetch
        self._max_bytes = max_bytes
        self._name = collection

    def add_path(
        self,
        path: Path,
        *,
        rules: AccessRules,
        caller: Caller,
        on_progress: Callable[[Progress], None] = show_nothing,
    ) -> SyncReport:
        """Make the library agree with a folder or a file.

        A file that cannot be read is in `failed` and keeps the revision it had.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there is no such path;
        DatabaseError or ModelError if one of them fails, with every document before that committed.
        """
        require_owner(caller, "add documents")
        found = find_sources(path, max_bytes=self._max_bytes)
        path = path.resolve()
        run = self._begin(rules, caller, on_progress)
        with run.alone(path if path.is_dir() else path.parent) as target:
            run.total = sum(file.size for file in found.files)
            run.report.skipped = found.skipped
            for failed in found.failed:
                run.fail(target.path_of(failed.relative) or ".", failed.reason)
            known = run.known(target)
            run.take(self._changed_files(run, target, found, known))
            run.remove_gone(target, path, found, known)
        return run.end()

    def add_url(
        self,
        url: str,
        *,
        rules: AccessRules,
        caller: Caller,
        on_progress: Callable[[Progress], None] = show_nothing,
    ) -> SyncReport:
        """Fetch an address and add what it gives, or replace what it gave before.

        Raises: as `add_path` does.
        """
        require_owner(caller, "add documents")
        run = self._begin(rules, caller, on_progress)
        with run.alone(url) as target:
            run.take(self._changed_page(run, target, url))
        return run.end()

    def _begin(self, rules: AccessRules, caller: Caller, on_progress: Callable[[Progress], None]) -> Run:
        collection = open_collection(
            self._database,
            name=self._name,
            embedder=self._embedder.name,
            dimensions=self._embedder.dimensions,
        )
        return Run(
            database=self._database,
            audit=self._audit,
            embedder=self._embedder,
            term_weights=self._term_weights,
            collection=collection,
            rules=rules,
            caller=caller,
            on_progress=on_progress,
        )

    def _changed_files(
        self, run: Run, target: Target, found: FoundSources, known: Mapping[str, Known]
    ) -> Iterator[Prepared]:
        for file in found.files:
            path = target.path_of(file.relative)
            run.show(path)
            try:
                content = read_source(file, max_bytes=self._max_bytes)
                label = run.rules.label_for((path, file.relative), _label(known.get(path)))
                prepared = self._prepare(run, file.relative, content, label, known.get(path))
            except UnreadableError as error:
                run.fail(path, _reason(error), size=file.size)
                continue
            if prepared is None:
                run.advance(file.size)
            else:
                yield prepared

    def _changed_page(self, run: Run, target: Target, url: str) -> Iterator[Prepared]:
        try:
            fetched = self._fetch(url)
            run.total = len(fetched.content)
            known = run.known(target).get(url)
            # The address alone: what a server calls its file must not decide who may read it.
            label = run.rules.label_for((url,), _label(known))
            prepared = self._prepare(
                run, url, fetched.content, label, known, name=fetched.name, media_type=fetched.media_type
            )
        except (UnreadableError, FetchError) as error:
            run.fail(url, _reason(error))
            return
        if prepared is not None:
            yield prepared

    def _prepare(
        self,
        run: Run,
        relative: str,
        content: bytes,
        label: AccessLabel,
        known: Known | None,
        *,
        name: str = "",
        media_type: str = "",
    ) -> Prepared | None:
        """Return the document ready to embed, or None if its text has not changed."""
        content_hash = hashlib.sha256(content).digest()
        if known is not None and known.content_hash == content_hash:
            if known.label == label:
                run.report.unchanged += 1
            else:
                run.relabel(known.document, label)
            return None
        parsed = self._parser.parse(content, name=name or relative, media_type=media_type)
        chunks = self._chunker.chunk(parsed)
        if not chunks:
            raise UnreadableError("holds no text")
        return Prepared(relative, len(content), label, content_hash, parsed, chunks)


def _label(known: Known | None) -> AccessLabel | None:
    return known.label if known else None


def _reason(error: UnreadableError | FetchError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


class Run:
    """One run of a sync: its report, its progress and its writes."""

    def __init__(
        self,
        *,
        database: Database,
        audit: AuditLog,
        embedder: Embedder,
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
        self._embedder = embedder
        self._term_weights = term_weights
        self._collection = collection.id
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
        vectors = self._embed([readable(chunk.full_text) for document in batch for chunk in document.chunks])
        at = 0
        for document in batch:
            count, language = len(document.chunks), document.parsed.language
            terms = [self._term_weights(chunk.full_text, language) for chunk in document.chunks]
            self._put(
                document,
                Content(
                    document.parsed, document.content_hash, document.chunks, vectors[at : at + count], terms
                ),
            )
            at += count

    def _embed(self, texts: list[str]) -> Vectors:
        """Embed a batch, which is long only if one document is: then show how far it is."""
        pieces = []
        for start in range(0, len(texts), 4 * BATCH_CHUNKS):
            if start:
                self.show(f"passage {start:,} of {len(texts):,}")
            pieces.append(self._embedder.embed(texts[start : start + 4 * BATCH_CHUNKS]))
        return np.concatenate(pieces)

    def _put(self, document: Prepared, content: Content) -> None:
        with self._audit.transaction(self._caller) as (connection, audit):
            lock_for_writing(connection, self._collection)
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
