"""Where the blocks of a document are: headings, paragraphs, list items, tables, code, records.

Every block is an exact span of the text. The blocks of a text are ascending and disjoint, and between
them is only white space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragraft.documents.markup import readable

__all__ = ["Block", "Kind", "blocks", "records"]

Kind = Literal["heading", "prose", "item", "table", "code", "record"]
Span = tuple[int, int]

TABLES = frozenset({"text/csv", "text/tab-separated-values"})
RECORDS = frozenset({"application/x-ndjson", "application/json"})
UNMARKED = frozenset({"text/plain", "application/pdf"})

MOST_LINES = 50
"""A quoted field of separated values goes on over at most this many lines; after that, it was a stray quote."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s)")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]")
_RULE = re.compile(r"[-:| \t]+")


@dataclass(frozen=True, slots=True)
class Block:
    """text[start:end] is one block; `path` are the headings above it, outermost first.

    In a table text[start:header_end] names the columns.
    """

    start: int
    end: int
    kind: Kind
    path: tuple[str, ...] = ()
    header_end: int = 0


def blocks(text: str, *, start: int = 0, media_type: str = "text/markdown") -> list[Block]:
    """Return the blocks of text[start:].

    Separated values are one table, each line of JSON is a record, plain text and PDF are paragraphs and
    lists; anything else (a parser's rendering of DOCX, HTML, sheets, slides) is read as Markdown.
    """
    lines = [line.span() for line in _LINE.finditer(text, start)]
    if media_type in TABLES | RECORDS:
        filled = [line for line in lines if not text[slice(*line)].isspace()]
        if media_type in RECORDS or not filled:
            return [_block(text, line, "record") for line in filled]
        header = next(records(text, filled[0][0], filled[-1][1]))
        return [_block(text, (filled[0][0], filled[-1][1]), "table", header_end=header[1])]
    return list(_Reader(text, lines, marked=media_type not in UNMARKED).read())


def records(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the records of separated values or of a pipe table: lines, but not inside a quoted field."""
    lines, quotes = 0, 0
    for line in _LINE.finditer(text, start, end):
        lines += 1
        quotes += line.group().count('"')
        if quotes % 2 == 0 or lines == MOST_LINES:
            if not text[start : line.end()].isspace():
                yield start, line.end()
            start, lines, quotes = line.end(), 0, 0
    if start < end and not text[start:end].isspace():
        yield start, end


def _block(text: str, span: Span, kind: Kind, path: tuple[str, ...] = (), header_end: int = 0) -> Block:
    piece = text[slice(*span)]
    end = span[0] + len(piece.rstrip())
    return Block(end - len(piece.strip()), end, kind, path, min(header_end, end))


class _Reader:
    """Reads lines into blocks; `marked` says whether Markdown's signs mean anything."""

    def __init__(self, text: str, lines: Sequence[Span], *, marked: bool) -> None:
        self._text = text
        self._lines = lines
        self._marked = marked
        self._path: list[tuple[int, str]] = []

    def read(self) -> Iterator[Block]:
        at = 0
        while at < len(self._lines):
            if self._line(at).isspace():
                at += 1
                continue
            kind, after, level = self._begin(at)
            if level:
                self._path = [above for above in self._path if above[0] < level]
            span = self._lines[at][0], self._lines[after - 1][1]
            header_end = self._lines[at + 1][1] if kind == "table" else 0
            yield _block(self._text, span, kind, tuple(words for _, words in self._path), header_end)
            if level:
                self._path.append((level, _words(self._line(at))))
            at = after

    def _line(self, at: int) -> str:
        return self._text[slice(*self._lines[at])]

    def _begin(self, at: int) -> tuple[Kind, int, int]:
        """Return what begins at line `at`, the first line after it, and its level if it is a heading."""
        line = self._line(at)
        if self._marked:
            if fence := _FENCE.match(line):
                return "code", self._after_fence(at, fence[1]), 0
            if heading := _HEADING.match(line):
                return "heading", at + 1, len(heading[1])
            if self._is_table(at):
                return "table", self._while(at + 2, lambda ahead: "|" in ahead), 0
            if underline := self._underline(at):
                return "heading", at + 2, underline
        after = at + 1
        while after < len(self._lines) and not self._ends_paragraph(after):
            after += 1
        return ("item" if _ITEM.match(line) else "prose"), after, 0

    def _while(self, at: int, goes_on: Callable[[str], bool]) -> int:
        while at < len(self._lines) and goes_on(self._line(at)):
            at += 1
        return at

    def _after_fence(self, at: int, fence: str) -> int:
        def is_inside(line: str) -> bool:
            bare = line.strip()
            return not (bare.startswith(fence) and bare.strip(fence[0]) == "")

        return min(self._while(at + 1, is_inside) + 1, len(self._lines))

    def _ends_paragraph(self, at: int) -> bool:
        line = self._line(at)
        if line.isspace() or _ITEM.match(line):
            return True
        return self._marked and bool(_FENCE.match(line) or _HEADING.match(line) or self._is_table(at))

    def _is_table(self, at: int) -> bool:
        if "|" not in self._line(at) or at + 1 == len(self._lines):
            return False
        rule = self._line(at + 1).strip()
        return "|" in rule and "-" in rule and _RULE.fullmatch(rule) is not None

    def _underline(self, at: int) -> int:
        """Return the level of the heading that an underline on the next line makes of this one, else 0."""
        if at + 1 == len(self._lines) or _ITEM.match(self._line(at)):
            return 0
        rule = self._line(at + 1).strip()
        if len(rule) < 3 or set(rule) not in ({"="}, {"-"}):
            return 0
        return 1 if rule[0] == "=" else 2


def _words(line: str) -> str:
    """Return a heading's words, at most 200 characters."""
    return " ".join(readable(line.strip()[:1000]).rstrip("#").split())[:200]
