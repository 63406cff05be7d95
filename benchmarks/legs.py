"""A search's legs as the search itself had them, just before they were fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

from ragraft.access.labels import OWNER
from ragraft.retrieve import search
from ragraft.retrieve.fuse import Hit, fuse_scores
from ragraft.retrieve.search import HybridRetriever
from ragraft.types import Caller, Passage

__all__ = ["search_with_legs"]


def search_with_legs(
    retriever: HybridRetriever, query: str, *, limit: int, caller: Caller = OWNER
) -> tuple[list[Passage], dict[str, list[int]]]:
    """Return what a search finds, and the passages of its dense and its lexical leg, best first."""
    seen: dict[str, list[int]] = {"dense": [], "lexical": []}

    def look(legs: Mapping[str, Sequence[Hit]], **rest: Any) -> list[tuple[int, float]]:
        seen.update({name: [hit.key for hit in hits] for name, hits in legs.items()})
        return fuse_scores(legs, **rest)

    with mock.patch.object(search, "fuse_scores", look):
        return retriever.retrieve(query, limit=limit, caller=caller), seen
