"""Cuts an answer where its model began to repeat itself."""

from __future__ import annotations

import re

from ragraft.answer.cite import claim_spans

__all__ = ["without_loop"]

_LOOP = re.compile(r"(.{20,200}?)(?:[\s;,]*\1){2}", re.DOTALL)
"""A stretch within a sentence that is said three times on end."""


def without_loop(text: str) -> tuple[str, bool]:
    """Return the text up to the first sentence that says again what was said, and whether there was one.

    Small models fall into loops, which only their token budget ends.
    """
    seen: set[str] = set()
    for start, end in claim_spans(text):
        said = " ".join(text[start:end].casefold().split())
        if said in seen:
            return text[:start].rstrip(), True
        seen.add(said)
    if loop := _LOOP.search(text):
        return text[: loop.end(1)].rstrip(), True
    return text, False
