"""All that a caller may read, in reading order, as far as it fits: the control that a search is held against."""

from __future__ import annotations

from datetime import UTC, datetime

from ragraft.access.audit import AuditLog
from ragraft.database.pool import Database
from ragraft.documents.collection import find_collection
from ragraft.errors import UserError
from ragraft.types import Caller, Chunk, Passage

__all__ = ["Everything"]

# Whole documents first, by the tokens that each row of `document` knows: the passages of the rest are never read.
READ = (
    "with open as (select id, uri, title, sum(tokens) over (order by uri) - tokens as before from document"
    "  where collection = %(collection)s and removed_at is null"
    "  and label = any((select visible_labels())::integer[])),"
    " passages as (select c.document, o.uri, o.title, c.revision, c.span_start, c.span_end, c.page, c.tokens, c.context,"
    "  c.text, sum(c.tokens) over (order by o.uri, c.span_start) - c.tokens as before from open o"
    "  join chunk c on c.collection = %(collection)s and c.document = o.id where o.before < %(tokens)s)"
    " select document, uri, title, revision, span_start, span_end, page, tokens, context, text from passages"
    " where before < %(tokens)s order by uri, span_start limit %(limit)s"
)


class Everything:
    """Finds the same passages for every question: documents by uri, each from its beginning; fits the Retriever seam.

    It ends with the passage that brings them to `tokens`, in the embedder's count; the prompt then cuts by the chat
    model's own. Every read is on record.
    """

    def __init__(
        self, *, database: Database, audit: AuditLog, tokens: int, collection: str = "default"
    ) -> None:
        self._database = database
        self._audit = audit
        self._tokens = tokens
        self._name = collection

    def retrieve(
        self,
        query: str,
        *,
        limit: int,
        caller: Caller,
        as_of: datetime | None = None,
    ) -> list[Passage]:
        """Return up to `limit` passages that the caller may read, in reading order.

        Raises: UserError for `as_of`.
        """
        if as_of is not None:
            raise UserError(
                "reading everything knows the documents as they are now", hint="leave out --as-of"
            )
        with self._database.transaction(caller, read_only=True) as connection:
            collection = find_collection(connection, self._name)
            if collection is None:
                return []
            rows = connection.execute(
                READ, {"collection": collection.id, "tokens": self._tokens, "limit": limit}
            ).fetchall()
        self._audit.record(caller, "searched", {"returned": sorted({row[0] for row in rows}), "denied": []})
        read_at = datetime.now(UTC)
        return [
            Passage(
                chunk=Chunk(start, end, text, context, page, tokens),
                uri=uri,
                title=title,
                revision=revision,
                score=0.0,
                read_at=read_at,
            )
            for _, uri, title, revision, start, end, page, tokens, context, text in rows
        ]
