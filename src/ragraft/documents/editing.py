"""Writing a document's text into the library without a file: what `ragraft add` does once a file has changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ragraft.access.audit import AuditLog
from ragraft.access.labels import AccessRules
from ragraft.database.pool import Database
from ragraft.documents.collection import Collection, open_collection
from ragraft.documents.embedders import Embedders, OpenTuned, no_tuned
from ragraft.documents.formats.kinds import KINDS
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.sync_report import show_nothing
from ragraft.documents.sync_run import Prepared, Run, TermWeights
from ragraft.errors import UnreadableError
from ragraft.protocols import Chunker, Embedder, Parser
from ragraft.types import AccessLabel, Caller

__all__ = ["TextWriter"]

TEXT_MEDIA = frozenset(kind.media_type for kind in KINDS.values() if not kind.binary)
MARKDOWN = KINDS["markdown"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document came from, how its text is to be read, and who may read it.

    `title` is what its file said of itself, where that is more than its text does.
    """

    location: Path | str
    path: str
    name: str
    media_type: str
    label: AccessLabel
    title: str = ""


class TextWriter:
    """Gives documents of one collection another text, by the write path of `Sync`.

    A text is parsed, cut, embedded and written in one transaction, as a new revision. `tuned` opens the embedder
    of a collection that has been switched to a tuned one.
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
        self._name = collection

    def write(self, uri: str, text: str, *, caller: Caller, label: AccessLabel | None = None) -> None:
        """Make `text` the document's, which keeps its label; a new document gets `label`, or is the owner's.

        What came from a format that is not text, such as PDF, is from now on Markdown without pages.

        Raises: NotAllowedError unless the caller is the owner; UnreadableError if the text holds nothing to read;
        DatabaseError or ModelError if one of them fails.
        """
        require_owner(caller, "change documents")
        collection = open_collection(
            self._database,
            name=self._name,
            embedder=self._embedder.name,
            dimensions=self._embedder.dimensions,
        )
        place = self._place(collection, storable(uri), caller) or Place(
            uri, storable(uri), uri, "", label or AccessLabel()
        )
        run = Run(
            database=self._database,
            audit=self._audit,
            embedders=self._embedders,
            term_weights=self._term_weights,
            collection=collection,
            rules=AccessRules(),
            caller=caller,
            on_progress=show_nothing,
        )
        with run.alone(place.location):
            run.take(iter([self._prepare(place, text)]))

    def _prepare(self, place: Place, text: str) -> Prepared:
        content = storable(text).encode()
        parsed = self._parser.parse(content, name=place.name, media_type=place.media_type)
        if place.title:
            parsed = replace(parsed, title=place.title)
        chunks = self._chunker.chunk(parsed)
        if not chunks:
            raise UnreadableError("holds no text")
        return Prepared(
            place.path, len(content), place.label, hashlib.sha256(content).digest(), parsed, chunks
        )

    def _place(self, collection: Collection, uri: str, caller: Caller) -> Place | None:
        with self._database.transaction(caller, read_only=True) as connection:
            row = connection.execute(
                "select s.kind, s.location, d.path, r.media_type, l.groups, d.title from document d"
                " join source s on s.id = d.source join label l on l.id = d.label"
                " join revision r on (r.collection, r.document, r.number) = (d.collection, d.id, d.revision)"
                " where d.collection = %s and d.uri = %s and d.removed_at is null",
                (collection.id, uri),
            ).fetchone()
        if row is None:
            return None
        kind, location, path, media_type, groups, title = row
        is_text = media_type in TEXT_MEDIA
        return Place(
            location=Path(location) if kind == "folder" else location,
            path=path,
            name=path if is_text else f"{path}{MARKDOWN.suffixes[0]}",
            media_type=media_type if is_text else MARKDOWN.media_type,
            label=AccessLabel(frozenset(groups)),
            title="" if is_text else title,
        )
