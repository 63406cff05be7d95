"""Adding a folder, file or address: what is new is added, what changed replaced, what is gone removed.

Every document is one transaction, so an interrupted run leaves whole documents and the next run goes on
where it stopped. An unchanged file costs reading and hashing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ragraft.access.audit import AuditLog
from ragraft.access.labels import AccessRules
from ragraft.database.pool import Database
from ragraft.documents.collection import open_collection
from ragraft.documents.embedders import Embedders, OpenTuned, no_tuned
from ragraft.documents.fetch import Fetched
from ragraft.documents.library import require_owner
from ragraft.documents.placement import Known, Target
from ragraft.documents.sources import FoundSources, find_sources, read_source
from ragraft.documents.sync_report import Failure, Progress, SyncReport, show_nothing
from ragraft.documents.sync_run import Prepared, Run, TermWeights
from ragraft.errors import FetchError, UnreadableError
from ragraft.protocols import Chunker, Embedder, Parser
from ragraft.types import AccessLabel, Caller

__all__ = ["Failure", "Progress", "Sync", "SyncReport", "TermWeights"]


class Sync:
    """Brings folders, files and addresses into one collection.

    `tuned` opens the embedder of a collection that has been switched to a tuned one.
    """

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
        tuned: OpenTuned = no_tuned,
        collection: str = "default",
    ) -> None:
        self._database = database
        self._audit = audit
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._embedders = Embedders(embedder, tuned=tuned)
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
        self._embedders.of(collection)  # a library of another model is refused before anything is read
        return Run(
            database=self._database,
            audit=self._audit,
            embedders=self._embedders,
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
