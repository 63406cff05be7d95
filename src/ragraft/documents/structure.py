"""Where the blocks of a document are: headings, paragraphs, list items, tables, code, records.

Every block is an exact span of the text. The blocks of a text are ascending and disjoint, and between
them is only white space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "Kind", "blocks"]

Kind = Literal["heading", "prose", "item", "table", "code", "record"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """text[start:end] is one block; `path` are the headings it stands under, outermost first.

    A heading's own words end its path. In a table text[start:header_end] names the columns.
    """

    start: int
    end: int
    kind: Kind
    path: tuple[str, ...] = ()
    header_end: int = 0


_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t])")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]")
_RULE = re.compile(r"[-:| \t]*-[-:| \t]*")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"<[^<>]*>|\{[#:%][^{}]*\}|[*_`\\]")

RECORDS = frozenset({"application/jsonl", "application/x-ndjson", "application/json", "application/jsonlines"})
TABLES = frozenset({"text/csv", "text/tab-separated-values"})
UNMARKED = frozenset({"text/plain", "application/pdf"})


def blocks(text: str, *, start: int = 0, media_type: str = "text/markdown") -> list[Block]:
    """Return the blocks of text[start:].

    Separated values are one table, each line of JSON is a record, plain text and PDF are paragraphs and
    lists; anything else (a parser's rendering of DOCX, HTML, sheets, slides) is read as Markdown.
    """
    lines = [line.span() for line in _LINE.finditer(text, start)]
    if media_type in TABLES:
        return _table(text, lines)
    if media_type in RECORDS:
        return [_block(text, line, "record") for line in lines if not text[slice(*line)].isspace()]
    return list(_Reader(text, lines, marked=media_type not in UNMARKED).read())


def _block(text: str, span: Span, kind: Kind, path: tuple[str, ...] = (), header_end: int = 0) -> Block:
    piece = text[slice(*span)]
    end = span[0] + len(piece.rstrip())
    return Block(end - len(piece.strip()), end, kind, path, header_end)


def _table(text: str, lines: Sequence[Span]) -> list[Block]:
    filled = [line for line in lines if not text[slice(*line)].isspace()]
    if not filled:
        return []
    header = _block(text, filled[0], "table")
    return [_block(text, (filled[0][0], filled[-1][1]), "table", (), header.end)]


class _Reader:
    """Reads lines into blocks; `marked` says whether Markdown's signs mean anything."""

    def __init__(self, text: str, lines: Sequence[Span], *, marked: bool) -> None:
        self._lines = lines
        self._text = text
        self._marked = marked
        self._path: list[tuple[int, str]] = []

    def read(self) -> Iterator[Block]:
        at = 0
        while at < len(self._lines):
            if self._line(at).isspace():
                at += 1
                continue
            kind, after = self._kind(at)
            span = self._lines[at][0], self._lines[after - 1][1]
            header_end = self._lines[at + 1][1] if kind == "table" else 0
            path = tuple(words for _, words in self._path)
            yield _block(self._text, span, kind, path, header_end)
            at = after

    def _line(self, at: int) -> str:
        return self._text[slice(*self._lines[at])]

    def _kind(self, at: int) -> tuple[Kind, int]:
        """Return what begins at line `at`, and the first line after it."""
        line = self._line(at)
        if self._marked:
            if fence := _FENCE.match(line):
                return "code", self._after(at, lambda ahead: not ahead.strip().startswith(fence[1])) + 1
            if heading := _HEADING.match(line):
                self._enter(len(heading[1]), line[heading.end() :].strip().rstrip("#"))
                return "heading", at + 1
            if self._is_table(at):
                return "table", self._after(at + 1, lambda ahead: "|" in ahead)
            if underline := self._underline(at):
                self._enter(underline, line)
                return "heading", at + 2
        kind: Kind = "item" if _ITEM.match(line) else "prose"
        after = at + 1
        while after < len(self._lines) and not self._begins(after):
            after += 1
        return kind, after

    def _after(self, at: int, goes_on: Callable[[str], bool]) -> int:
        """Return the first line after `at` of which `goes_on` does not hold."""
        at += 1
        while at < len(self._lines) and goes_on(self._line(at)):
            at += 1
        return at

    def _begins(self, at: int) -> bool:
        """Return whether line `at` ends the paragraph before it."""
        line = self._line(at)
        if line.isspace() or _ITEM.match(line):
            return True
        return self._marked and bool(_FENCE.match(line) or _HEADING.match(line) or self._is_table(at))

    def _is_table(self, at: int) -> bool:
        if "|" not in self._line(at) or at + 1 >= len(self._lines):
            return False
        rule = self._line(at + 1).strip()
        return "|" in rule and _RULE.fullmatch(rule) is not None

    def _underline(self, at: int) -> int:
        """Return the level of the heading that an underline on the next line makes of `at`, else 0."""
        if at + 1 >= len(self._lines) or _ITEM.match(self._line(at)):
            return 0
        rule = self._line(at + 1).strip()
        if len(rule) < 2 or set(rule) not in ({"="}, {"-"}):
            return 0
        return 1 if rule[0] == "=" else 2

    def _enter(self, level: int, words: str) -> None:
        self._path = [above for above in self._path if above[0] < level]
        self._path.append((level, _plain(words)))


def _plain(words: str) -> str:
    """Return a heading's words without Markdown's and HTML's signs, at most 200 characters."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", words[:1000])).split())[:200]
