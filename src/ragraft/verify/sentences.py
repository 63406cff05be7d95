"""Sentences with their places in a text."""

from __future__ import annotations

import re

from ragraft.verify.units import MONTHS

__all__ = ["Span", "sentence_spans"]

Span = tuple[int, int]

WRAPPED = 40
"""A line at least this long that ends without a full stop goes on in the next one."""

ROW_DELIMITERS = 5
"""Two lines with this many commas, semicolons or bars each are rows of a table."""

_LINE = re.compile(r"[^\n]*\n?")
_OPENS_BLOCK = re.compile(r"\s*(?:[-*+•–]\s|\d{1,3}[.)]\s|#{1,6}\s|\||>|```|\[\d|[{}])")
_DELIMITERS = re.compile(r"[,;\t|]")
# A sentence ends at . ! ? (and their wide forms) before a space and what can begin another.
_END = re.compile(
    r"""(?<=[.!?…])["'”’)\]]*(?:\s*\[[\d,;\s]+\])*\s+(?!\[\d)(?=["'“‘„«(\[*{}]*[^\W_a-zß-öø-ÿ])|(?<=[。！？])"""
)
_MONTH = re.compile("|".join(MONTHS), re.IGNORECASE)
_ORDINAL = re.compile(r"\b(?:der|die|das|dem|den|des|am|zum|zur|im|vom|beim)\s\d{1,2}\.$")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.B|d\.h|u\.a|bzw|ca|vs|no|nr|art|abs|sec|fig|mr|mrs|ms|dr|prof|st|approx|dept|est)|\b[A-Z]|^\s*\d{1,3})\.$",
    re.IGNORECASE,
)


def sentence_spans(text: str) -> list[Span]:
    """Return (start, end) of each sentence of `text`, in order, without the white space around it.

    List items, headings, table rows and lines of a CSV file are sentences of their own; a paragraph that
    is wrapped over several lines is read as one.
    """
    return [span for start, end in _blocks(text) for span in _in_block(text, start, end)]


def _blocks(text: str) -> list[Span]:
    """Return the stretches that a sentence cannot leave."""
    blocks: list[Span] = []
    start = 0
    previous = ""
    for match in _LINE.finditer(text):
        line = match.group()
        if match.start() > start and not _goes_on(previous, line):
            blocks.append((start, match.start()))
            start = match.start()
        previous = line
    blocks.append((start, len(text)))
    return blocks


def _goes_on(previous: str, line: str) -> bool:
    """Return whether a line continues the one before it."""
    if not line.strip() or not previous.strip() or _OPENS_BLOCK.match(line):
        return False
    if previous.lstrip().startswith(("#", "|")) or len(previous) < WRAPPED:
        return False
    columns = [len(_DELIMITERS.findall(one)) for one in (previous, line)]
    return not (min(columns) >= ROW_DELIMITERS or columns[0] == columns[1] >= 2)


def _in_block(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    for match in _END.finditer(text, start, end):
        if _ABBREVIATION.search(text[start : match.start()]) or _is_day(text, match):
            continue
        # Closing quotes and citation marks belong to the sentence before.
        spans += _trimmed(text, start, match.start() + len(match.group().rstrip()))
        start = match.end()
    return spans + _trimmed(text, start, end)


def _is_day(text: str, end: re.Match[str]) -> bool:
    """Return whether a full stop makes a number an ordinal: 1. Juni, der 13. Woche."""
    head = text[max(0, end.start() - 12) : end.start()]
    return _ORDINAL.search(head) is not None or (
        _MONTH.match(text, end.end()) is not None and head[-3:-1].strip().isdigit()
    )


def _trimmed(text: str, start: int, end: int) -> list[Span]:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    end -= len(stretch) - len(stretch.rstrip())
    return [(start, end)] if end > start else []
