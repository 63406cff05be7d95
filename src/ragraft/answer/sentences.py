"""Sentences with their places in a text."""

from __future__ import annotations

import re

__all__ = ["Span", "sentence_spans"]

Span = tuple[int, int]

# A sentence ends at . ! ? (and their wide forms) before a space and something that begins one, or at a
# line's end: list items, table rows and headings are sentences of their own.
_END = re.compile(
    r"""(?<=[.!?…])["'”’)\]]*(?:\s*\[[\d,;\s]+\])*[ \t]+(?=["'“‘(\[]?[^\W\d_a-zß-öø-ÿ]|["'“‘(]?\d)|(?<=[。！？])|[ \t]*\n+[ \t]*"""
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.B|d\.h|u\.a|bzw|ca|etc|vs|no|nr|art|abs|sec|fig|mr|mrs|ms|dr|prof|inc|ltd|co|corp|st|approx|dept|est)|\b[A-Z])\.$",
    re.IGNORECASE,
)


def sentence_spans(text: str) -> list[Span]:
    """Return (start, end) of each sentence of `text`, in order, without the white space around it."""
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text[start : match.start() + 1].rstrip()):
            continue
        # Closing quotes and citation marks belong to the sentence before.
        end = match.end() - (len(match.group()) - len(match.group().rstrip()))
        _add(spans, text, start, end)
        start = match.end()
    _add(spans, text, start, len(text))
    return spans


def _add(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
