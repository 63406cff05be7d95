"""The documents as a caller sees them: list, show, remove. What he may not read does not exist."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, Database, scalar
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.write import lock_for_writing, withdraw_document
from ragraft.errors import NotAllowedError, NotFoundError
from ragraft.types import AccessLabel, Caller, Document, PageSpan, Revision

__all__ = ["Library", "LibraryStatus", "require_owner"]

# "Hidden" and "absent" are one branch of one statement, so that neither words nor time tell them apart.
FIND = (
    "select d.id, d.uri, d.title, l.groups, d.revision, d.chunks, d.added_at from document d"
    " join label l on l.id = d.label where d.collection = %s and d.label = any(visible_labels())"
)


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """How much a caller sees. `removed`, `archived` and `erasing` are counted for the owner alone."""

    documents: int
    chunks: int
    tokens: int
    languages: dict[str, int]
    embedder: str
    weights: dict[str, dict[str, float]]
    removed: int = 0
    archived_chunks: int = 0
    unfinished_erasures: int = 0


def require_owner(caller: Caller, action: str) -> None:
    """Raise NotAllowedError unless the caller owns the workspace."""
    if not caller.owner:
        raise NotAllowedError(
            f"only the owner of the workspace may {action}", hint="leave out --as and --as-group"
        )


class Library:
    """Reads the documents of one collection."""

    def __init__(self, *, database: Database, audit: AuditLog, collection: str = "default") -> None:
        self._database = database
        self._audit = audit
        self._name = collection

    def documents(self, caller: Caller) -> list[Document]:
        """Return what the caller may read, by uri."""
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(
                FIND + " and d.removed_at is null order by d.uri", (self._collection(connection),)
            ).fetchall()
        self._audit.record(caller, "listed", {"returned": [row[0] for row in rows]})
        return [_document(row) for row in rows]

    def state(self) -> str:
        """Return 16 hexadecimal digits that change with every document that is added, changed, closed or removed."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            told = scalar(
                connection,
                "select coalesce(string_agg(d.uri || ' ' || d.revision || ' ' || l.groups::text, E'\\n' order by d.uri), '')"
                " from document d join label l on l.id = d.label where d.collection = %s and d.removed_at is null",
                (self._collection(connection),),
            )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def names(self, caller: Caller) -> dict[str, str]:
        """Return the uri for each name of a document that the caller may read: its uri, and its path in what was added.

        A path that two documents have names neither.
        """
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(
                "select uri, path from document"
                " where collection = %s and removed_at is null and label = any(visible_labels())",
                (self._collection(connection),),
            ).fetchall()
        paths = Counter(path for _, path in rows)
        return {path: uri for uri, path in rows if paths[path] == 1} | {uri: uri for uri, _ in rows}

    def revision(self, uri: str, *, caller: Caller, as_of: datetime | None = None) -> Revision:
        """Return a document's text as it is, or as it was at a time.

        Raises: NotFoundError if there is no such document for this caller, or was none then.
        """
        with self._database.transaction(caller, read_only=True) as connection:
            collection = self._collection(connection)
            row = connection.execute(
                FIND + " and d.uri = %s and (%s or d.removed_at is null)",
                (collection, storable(uri), as_of is not None),
            ).fetchone()
            found = (
                row
                and connection.execute(
                    "select title, number, text, language, media_type, pages, metadata, valid_from, valid_to from revision"
                    " where collection = %s and document = %s and (valid_from <= %s or %s::timestamptz is null)"
                    " and (valid_to is null or valid_to > %s) order by number desc limit 1",
                    (collection, row[0], as_of, as_of, as_of),
                ).fetchone()
            )
        if row is None or found is None:
            self._note_denied(uri, caller)
            raise NotFoundError(
                f"there is no document {uri!r}" + (f" as of {as_of:%Y-%m-%d %H:%M}" if as_of else ""),
                hint="`ragraft list` shows the documents you may read",
            )
        self._audit.record(caller, "shown", {"returned": [row[0]], "revision": found[1]})
        return _revision(_document(row), found)

    def revision_text(self, uri: str, number: int, *, caller: Caller) -> str:
        """Return the text of one revision, for a citation that names it.

        Raises: NotFoundError if there is no such revision for this caller.
        """
        with self._database.transaction(caller, read_only=True) as connection:
            row = connection.execute(
                "select d.id, r.text from revision r join document d on (d.collection, d.id) = (r.collection, r.document)"
                " where d.collection = %s and d.uri = %s and r.number = %s and d.label = any(visible_labels())",
                (self._collection(connection), storable(uri), number),
            ).fetchone()
        if row is None:
            self._note_denied(uri, caller)
            raise NotFoundError(
                f"there is no revision {number} of {uri!r}",
                hint="`ragraft list` shows the documents you may read",
            )
        self._audit.record(caller, "shown", {"returned": [row[0]], "revision": number})
        return str(row[1])

    def remove(self, uri: str, *, caller: Caller) -> None:
        """Take a document out of every list and search at once; `erase` also destroys its text.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there is none.
        """
        require_owner(caller, "remove documents")
        with self._audit.transaction(caller) as (connection, audit):
            collection = self._collection(connection)
            lock_for_writing(connection, collection)
            row = connection.execute(
                FIND + " and d.uri = %s and d.removed_at is null", (collection, storable(uri))
            ).fetchone()
            if row is None:
                raise NotFoundError(
                    f"there is no document {uri!r}", hint="`ragraft list` shows the documents"
                )
            withdraw_document(connection, collection, row[0])
            audit.append("removed", {"document": row[0]})

    def status(self, caller: Caller) -> LibraryStatus:
        """Return counts over what the caller may read."""
        with self._database.transaction(caller, read_only=True) as connection:
            collection = find_collection(connection, self._name)
            if collection is None:
                return LibraryStatus(0, 0, 0, {}, "", {})
            documents, chunks, tokens = connection.execute(
                "select count(*), coalesce(sum(chunks), 0), coalesce(sum(tokens), 0) from document"
                " where collection = %s and removed_at is null and label = any(visible_labels())",
                (collection.id,),
            ).fetchone() or (0, 0, 0)
            languages = connection.execute(
                "select language, sum(chunks)::int from language_count where collection = %s"
                " and label = any(visible_labels()) group by language having sum(chunks) > 0 order by 2 desc",
                (collection.id,),
            ).fetchall()
            hidden = self._hidden_counts(connection, collection.id) if caller.owner else (0, 0, 0)
        if not documents and not caller.owner:
            return LibraryStatus(0, 0, 0, {}, "", {})  # that there is something at all is told to nobody
        seen = dict(languages)
        weights = {language: dict(legs) for language, legs in collection.weights.items() if language in seen}
        return LibraryStatus(documents, chunks, tokens, seen, collection.embedder, weights, *hidden)

    @staticmethod
    def _hidden_counts(connection: Connection, collection: int) -> tuple[int, int, int]:
        row = connection.execute(
            "select (select count(*) from document where collection = %(c)s and removed_at is not null),"
            " (select count(*) from archived_chunk where collection = %(c)s),"
            " (select count(*) from erasure where collection = %(c)s)",
            {"c": collection},
        ).fetchone()
        return (row[0], row[1], row[2]) if row else (0, 0, 0)

    def _note_denied(self, uri: str, caller: Caller) -> None:
        """Write a refused read into the audit, with the document's number if there is such a document."""
        with self._audit.transaction(SEES_ALL) as (connection, audit):
            row = connection.execute(
                "select id from document where collection = %s and uri = %s",
                (self._collection(connection), storable(uri)),
            ).fetchone()
            audit.append("shown", {"returned": [], "denied": [row[0]] if row else []}, caller=caller)

    def _collection(self, connection: Connection) -> int:
        collection = find_collection(connection, self._name)
        return collection.id if collection else 0


SEES_ALL = Caller("audit", owner=True)
"""Used only to find out whether a refused document exists, for the audit and never for an answer."""


def _document(row: tuple[Any, ...]) -> Document:
    _, uri, title, groups, revision, chunks, added_at = row
    return Document(uri, title, AccessLabel(frozenset(groups)), revision, chunks, added_at)


def _revision(document: Document, row: tuple[Any, ...]) -> Revision:
    title, number, text, language, media_type, flat, metadata, valid_from, valid_to = row
    document = replace(document, title=title)
    pages = tuple(PageSpan(*flat[at : at + 3]) for at in range(0, len(flat), 3))
    return Revision(document, number, text, language, media_type, pages, metadata, valid_from, valid_to)
