"""Search with every read on record: which documents were returned, and which were near but denied."""

from __future__ import annotations

from datetime import datetime

from ragraft.access.audit import AuditLog
from ragraft.retrieve.search import HybridRetriever
from ragraft.types import Caller, Passage

__all__ = ["AuditedRetriever"]

SEES_ALL = Caller("audit", owner=True)
"""Used only to find what was denied, for the audit and never for an answer."""


class AuditedRetriever:
    """Wraps a retriever; fits the Retriever seam.

    For a caller with limited rights the documents of the passages nearest to his query that he may not
    read are recorded as denied, so that probing for a secret leaves a trace. The query is not recorded:
    it may quote what is later erased.
    """

    def __init__(self, *, retriever: HybridRetriever, audit: AuditLog) -> None:
        self._retriever = retriever
        self._audit = audit

    def retrieve(
        self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
    ) -> list[Passage]:
        """Return up to `limit` passages that the caller may read, best first."""
        found = self._retriever.search(query, limit=limit, caller=caller, as_of=as_of)
        denied: set[int] = set()
        if not caller.owner:
            near = self._retriever.nearest_documents(found, limit=limit, caller=SEES_ALL)
            denied = {document for document, label in near if label not in found.labels}
        self._audit.record(
            caller, "searched", {"returned": sorted(set(found.documents)), "denied": sorted(denied)}
        )
        return list(found.passages)
