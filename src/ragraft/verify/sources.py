"""The passages as what can be quoted of them: sentences and table rows, each with what stands above it."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ragraft.types import Passage
from ragraft.verify.sentences import sentence_spans
from ragraft.verify.statements import Statement, Terms, guess_language

__all__ = ["Source", "Unit", "read_sources"]

_RULE = re.compile(r"[-:| \t]+")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_ITEM = re.compile(r"\s*(?:[-*+•–]|\d{1,2}[.)])\s")
LONGEST = 3000
"""Characters of a unit that are read: a passage of the library is no longer, and its sentences are not."""

LEAD = 240
"""Characters that a line ending in a colon may have to be read with each item of the list under it."""
FEWEST_COLUMNS = 3
"""Lines of text with this many values each, and as many as the line above, are rows of a table."""


class Unit:
    """text[start:end] of one passage: a sentence, or a table row with its header's words written into it.

    `cells` are the places in `statement.text` where the cells of a row begin; () for a sentence.
    `scope` is what stands above it and speaks for it too: title, headings, the header of its table.
    """

    def __init__(
        self,
        source: Source,
        start: int,
        end: int,
        *,
        number: int,
        told: str,
        scope: Sequence[str],
        cells: Sequence[int] = (),
    ) -> None:
        self.source = source
        self.number = number
        self.cells = tuple(cells)
        self.start = start
        self.end = end
        self.is_heading = bool(_HEADING.match(source.text[start:end]))
        self.scope = tuple(dict.fromkeys(line for line in scope if line))
        self.statement = Statement(told[:LONGEST], terms=source.terms, language=source.language)

    def cell_of(self, place: int) -> int:
        """Return which cell of a row a character of its statement is in, 0 for a sentence."""
        return max(0, bisect_right(self.cells, place) - 1)

    @cached_property
    def above(self) -> frozenset[str]:
        """The stems of what stands above it."""
        return frozenset(word.stem for line in self.scope for word in self.source.lines[line].words)

    @cached_property
    def near(self) -> frozenset[str]:
        """The stems of the units before and after it."""
        units = self.source.units
        beside = [units[at] for at in (self.number - 1, self.number + 1) if 0 <= at < len(units)]
        return frozenset().union(*(unit.stems for unit in beside))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all its words, those of quantities and small words included."""
        return frozenset(self.source.terms(self.statement.readable))


@dataclass(frozen=True)
class Source:
    """One passage: its number, its text, its units and their scope lines as statements."""

    number: int
    text: str
    above: tuple[str, ...]
    terms: Terms
    language: str

    @cached_property
    def units(self) -> list[Unit]:
        """The sentences and rows, in order."""
        return _units(self)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of the whole passage with what stands above it."""
        return frozenset().union(self.above_stems, *(unit.stems for unit in self.units))

    @cached_property
    def above_stems(self) -> frozenset[str]:
        """The stems of title and context."""
        return frozenset(self.terms(" ".join(self.above)))

    @cached_property
    def lines(self) -> dict[str, Statement]:
        """Every scope line of the units, taken apart."""
        every = {line for unit in self.units for line in unit.scope}
        return {line: Statement(line, terms=self.terms, language=self.language) for line in every}


def read_sources(passages: Sequence[Passage], terms: Terms) -> list[Source]:
    """Return the passages in the order given."""
    return [
        Source(
            number,
            passage.chunk.text,
            tuple(line for line in (passage.title, *passage.chunk.context.splitlines()) if line.strip()),
            terms,
            guess_language(passage.chunk.full_text),
        )
        for number, passage in enumerate(passages)
    ]


def _units(source: Source) -> list[Unit]:
    text = source.text
    found: list[Unit] = []
    spans = sentence_spans(text)
    headings: list[tuple[int, str]] = []
    header: list[str] = _cells(source.above[-1]) if source.above else []
    lead = ""
    for at, (start, end) in enumerate(spans):
        line = text[start:end]
        if _HEADING.match(line):
            level = len(line) - len(line.lstrip("#"))
            headings = [above for above in headings if above[0] < level] + [(level, line.lstrip("# "))]
        cells = _cells(line)
        scope = [*source.above, *(words for _, words in headings if words not in line)]
        if cells and _RULE.fullmatch(line):
            continue
        follows = at + 1 < len(spans) and _next_is_rule(text, end, spans[at + 1])
        if cells and (follows or (not header and _row_below(text, spans, at, cells))):
            header = cells
        elif cells and len(cells) == len(header):
            named = [
                f"{name}: {cell}" if name else cell for name, cell in zip(header, cells, strict=True) if cell
            ]
            begins = [sum(len(one) + 2 for one in named[:at]) for at in range(len(named))]
            found.append(
                Unit(source, start, end, number=len(found), told="; ".join(named), scope=scope, cells=begins)
            )
            continue
        elif not cells:
            header = []
        told = f"{lead} {line}" if lead and _ITEM.match(line) else line
        found.append(Unit(source, start, end, number=len(found), told=told, scope=scope))
        if line.rstrip("*_ ").endswith(":") and len(line) <= LEAD:
            lead = line
        elif not _ITEM.match(line):
            lead = ""
    return found


def _next_is_rule(text: str, end: int, after: tuple[int, int]) -> bool:
    """Return whether the line under a row of names is the rule of a Markdown table."""
    line = text[slice(*after)].split("\n", 1)[0]
    return text[end : after[0]].count("\n") == 1 and "-" in line and _RULE.fullmatch(line) is not None


def _row_below(text: str, spans: Sequence[tuple[int, int]], at: int, cells: Sequence[str]) -> bool:
    """Return whether the next line has as many cells and these are all words, so that they may name columns."""
    if any(any(letter.isdigit() for letter in cell) for cell in cells) or at + 1 == len(spans):
        return False
    return len(_cells(text[slice(*spans[at + 1])])) == len(cells)


def _cells(line: str) -> list[str]:
    """Return the cells of a table row, [] of any other line."""
    bare = line.strip()
    if bare.startswith("|") and bare.count("|") >= 3:
        return [cell.strip() for cell in bare.strip("|").split("|")]
    if "\n" in bare or bare.endswith((".", "!", "?", ":")):
        return []
    for mark in ("\t", ";", ","):
        if bare.count(mark) >= FEWEST_COLUMNS - 1:
            try:
                cells = next(csv.reader([bare], delimiter=mark))
            except csv.Error:
                return []
            return [cell.strip() for cell in cells] if len(cells) >= FEWEST_COLUMNS else []
    return []
