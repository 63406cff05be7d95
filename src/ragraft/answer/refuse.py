"""The words of a refusal: what is missing, and what came nearest."""

from __future__ import annotations

from collections.abc import Sequence

from ragraft.answer.cite import without_links
from ragraft.types import Passage

__all__ = ["MOST_NEAREST", "NOTHING_FOUND", "nearest_documents", "refusal_text"]

NOTHING_FOUND = "I found nothing in the documents you may read that this could be answered from."
NOT_ANSWERED = "The documents you may read do not answer this."
MOST_NEAREST = 3
MOST_WORDS = 4


def refusal_text(missing: Sequence[str]) -> str:
    """Return the text of a refusal; `missing` are words of the question that no passage found has."""
    missing = [word for word in missing if without_links(word) == word]  # a question may hold an address
    if not missing:
        return f"{NOT_ANSWERED} The nearest passages are about it but do not state the answer."
    quoted = [f"“{word}”" for word in missing[:MOST_WORDS]]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f"{NOT_ANSWERED} None of the nearest passages mentions {listed}."


def nearest_documents(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the first passage of each of the documents that came nearest."""
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage.uri, passage)
    return tuple(first.values())[:MOST_NEAREST]
