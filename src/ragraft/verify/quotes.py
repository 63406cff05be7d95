"""Where a quotation stands in a text."""

from __future__ import annotations

import re

from ragraft.verify.sentences import Span

__all__ = ["find_span", "find_spans"]


def find_span(quote: str, text: str) -> Span | None:
    """Return where a quote first stands in a text, in whole words; how much white space is between them does not count."""
    return next(iter(find_spans(quote, text)), None)


def find_spans(quote: str, text: str) -> list[Span]:
    """Return everywhere that a quote stands in a text, in order, as `find_span` compares them."""
    words = quote.split()
    if not words:
        return []
    before = r"(?<!\w)" if re.match(r"\w", words[0]) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", words[-1]) else ""
    return [found.span() for found in re.finditer(before + r"\s+".join(map(re.escape, words)) + after, text)]
