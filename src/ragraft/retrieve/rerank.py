"""A second look at the first passages found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragraft.protocols import Reranker
from ragraft.types import Passage

__all__ = ["reorder"]


def reorder(
    query: str, found: Sequence[tuple[Passage, int]], *, reranker: Reranker
) -> list[tuple[Passage, int]]:
    """Return passages (each with its document's number) by the reranker's score, ties in the order given."""
    if not found:
        return []
    scores = reranker.rerank(query, [passage.chunk.full_text for passage, _ in found])
    order = sorted(range(len(found)), key=lambda at: (-scores[at], at))
    return [(replace(found[at][0], score=scores[at]), found[at][1]) for at in order]
