"""Cutting a document into chunks: exact spans that fit the embedder's window, each with its context."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ragraft.documents.structure import TABLES, Block, Kind, Span, blocks, records
from ragraft.types import Chunk, PageSpan, ParsedDocument

__all__ = ["DocumentChunker"]

CHARACTERS_PER_TOKEN = 12
"""A chunk has at most this many characters for each token it may have: tokenizers count a word that they
do not know as one token, however long it is."""

TITLE_CHARACTERS = 200

# What it costs to begin a chunk with a block, in parts of a chunk that it is longer or shorter than even.
COST: Mapping[Kind, float] = {
    "heading": 0.0,
    "prose": 0.15,
    "item": 0.3,
    "table": 0.0,
    "code": 0.3,
    "record": 0.2,
}
AFTER_COLON = 0.7
SENTENCE = 0.5
INSIDE = 1.0
NEVER = 9.0

# Not after the number of a list or a day, one letter (initials, e.g.) or a usual short form.
_SENTENCE_END = re.compile(
    r"""(?<!\b\d[.])(?<!\b\d\d[.])(?<!\b\w[.])(?<!\b[DMSN][rto][.])(?<!\b(?:vs|ca|cf|al)[.])(?<!\b(?:Mrs|bzw|Inc|Ltd)[.])
        (?:(?<=[.!?…])|(?<=[.!?…]["'”’»)\]*_]))\s+(?=[^\W_a-zß-öø-ÿ]|["'“„«(\[*_])
      | (?<=[。！？])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """text[start:end], kept whole if it can be; `cost` is that of a chunk beginning with it.

    `path` and `header` are what a chunk that begins with it says above it. `tokens` is 0 until counted.
    """

    start: int
    end: int
    cost: float
    path: tuple[str, ...]
    header: str = ""
    tokens: int = 0

    @property
    def above(self) -> tuple[tuple[str, ...], str]:
        """Return what the context is made of."""
        return self.path, self.header


@dataclass(frozen=True, slots=True)
class Context:
    """What stands above a chunk, and the tokens that it leaves for the chunk's own text."""

    text: str
    budget: int


class DocumentChunker:
    """Packs blocks, and where they are long their sentences, into chunks of at most `max_tokens`.

    `count_tokens` is the embedder's and is given many texts at once; `max_tokens` bounds context and text
    together, special tokens included. Chunks cover every character of the body that is not white space
    exactly once. None crosses a page, and a sentence, row or line of code is cut only if it alone is longer
    than a chunk may be. The context is the title, the headings above the chunk's first character and, in
    the middle of a table, its header.
    """

    def __init__(self, *, count_tokens: Callable[[Sequence[str]], list[int]], max_tokens: int = 256) -> None:
        if max_tokens < 32:
            raise ValueError(f"max_tokens is {max_tokens}; a chunk needs at least 32")
        self._count_tokens = count_tokens
        self._max_tokens = max_tokens

    def chunk(self, document: ParsedDocument) -> list[Chunk]:
        """Return the document's chunks in order; between their spans is only white space."""
        units = self._units(document)
        contexts = self._contexts(document.title, units)
        units = self._fitting(document.text, units, contexts)
        groups = list(_groups(units, _page_ends(units, document.pages), contexts))
        return self._chunks(document, groups, contexts)

    def _units(self, document: ParsedDocument) -> list[Unit]:
        """Return the blocks, long ones as sentences or rows, none across a page."""
        found: list[Unit] = []
        before: Block | None = None
        start = int(document.metadata.get("body_start", 0))
        for block in blocks(document.text, start=start, media_type=document.media_type):
            cost = COST[block.kind]
            if before is not None and before.kind == "heading":
                cost = NEVER
            elif before is not None and document.text[before.end - 1] == ":":
                cost = AFTER_COLON
            if block.kind == "table":
                found.extend(_rows(document.text, block, cost, quoted=document.media_type in TABLES))
            elif block.kind in {"prose", "item"} and block.end - block.start > 2 * self._max_tokens:
                found.extend(_sentences(document.text, block, cost))
            else:
                found.append(Unit(block.start, block.end, cost, block.path))
            before = block
        return [unit for unit in _within_pages(found, document.pages) if not _is_blank(document.text, unit)]

    def _contexts(self, title: str, units: Sequence[Unit]) -> dict[tuple[tuple[str, ...], str], Context]:
        """Return the context of each unit's `above`; headings and a header have a third of a chunk each."""
        third = self._max_tokens // 3
        aboves = list({unit.above: None for unit in units})
        lines = self._cut([_breadcrumb(title, path) for path, _ in aboves], third)
        headers = self._cut([header for _, header in aboves], third)
        texts = ["\n".join(filter(None, pair)) for pair in zip(lines, headers, strict=True)]
        # One more than the context alone: the line break between it and the text.
        counts = self._count_tokens([f"{text}\n" for text in texts])
        return {
            above: Context(text, self._max_tokens - count - 1)
            for above, text, count in zip(aboves, texts, counts, strict=True)
        }

    def _cut(self, texts: list[str], limit: int) -> list[str]:
        """Return the texts, those of more than `limit` tokens cut at their end."""
        counts = self._count_tokens(texts)
        while any(count > limit for count in counts):
            texts = [
                text[: min(limit * CHARACTERS_PER_TOKEN, len(text) * limit // count - 1)].rstrip()
                if count > limit
                else text
                for text, count in zip(texts, counts, strict=True)
            ]
            counts = self._count_tokens(texts)
        return texts

    def _fitting(
        self, text: str, units: list[Unit], contexts: Mapping[tuple[tuple[str, ...], str], Context]
    ) -> list[Unit]:
        """Return the units with their tokens; those too long for a chunk cut at lines, then at words."""
        for cut in (_lines, self._pieces):
            units = [
                piece
                for unit in self._counted(text, units)
                for piece in (cut(text, unit) if unit.tokens > contexts[unit.above].budget else [unit])
            ]
        return self._counted(text, units)

    def _counted(self, text: str, units: list[Unit]) -> list[Unit]:
        # No more is tokenised of a unit than could fit, since it may be all of a big file.
        most = self._max_tokens * CHARACTERS_PER_TOKEN
        new = [unit for unit in units if not unit.tokens]
        pieces = [text[unit.start : min(unit.end, unit.start + most)] for unit in new]
        *counts, special = self._count_tokens([*pieces, ""])
        sized = iter(
            [
                replace(unit, tokens=max(count - special, (unit.end - unit.start) // CHARACTERS_PER_TOKEN, 1))
                for unit, count in zip(new, counts, strict=True)
            ]
        )
        return [unit if unit.tokens else next(sized) for unit in units]

    def _pieces(self, text: str, unit: Unit) -> Iterator[Unit]:
        """Cut a unit into short pieces at white space, or where there is none at a character."""
        start, cost = unit.start, unit.cost
        while start < unit.end:
            end = min(start + self._max_tokens, unit.end)
            if end < unit.end:
                space = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
                end = space if space > start else end
            if not text[start:end].isspace():
                yield replace(unit, start=start, end=end, cost=cost, tokens=0)
                cost = INSIDE
            start = end

    def _chunks(
        self,
        document: ParsedDocument,
        groups: list[list[Unit]],
        contexts: Mapping[tuple[tuple[str, ...], str], Context],
    ) -> list[Chunk]:
        """Make the groups chunks. Tokens need not add up, so a group found too long is halved."""
        found: list[Chunk] = []
        while groups:
            made = [_chunk(document, group, contexts[group[0].above].text) for group in groups]
            counts = self._count_tokens([chunk.full_text for chunk in made])
            again: list[list[Unit]] = []
            for group, chunk, count in zip(groups, made, counts, strict=True):
                if count <= self._max_tokens or len(chunk.text) == 1:
                    found.append(replace(chunk, tokens=count))
                else:
                    again.extend(_halves(document.text, group))
            groups = again
        return sorted(found, key=lambda chunk: chunk.start)


def _breadcrumb(title: str, path: Sequence[str]) -> str:
    """Return title and headings in one line; a first heading that repeats the title is left out."""
    words = [" ".join(title.split())[:TITLE_CHARACTERS]] if title.strip() else []
    if words and path and path[0].casefold() == words[0].casefold():
        path = path[1:]
    return " > ".join([*words, *filter(None, path)])


def _sentences(text: str, block: Block, cost: float) -> Iterator[Unit]:
    start = block.start
    for end in [*(found.end() for found in _SENTENCE_END.finditer(text, start, block.end)), block.end]:
        if start < end:
            yield Unit(start, end, cost, block.path)
            start, cost = end, SENTENCE


def _rows(text: str, block: Block, cost: float, *, quoted: bool) -> Iterator[Unit]:
    """Yield a table's header and its rows; a chunk that begins with a row has the header above it."""
    yield Unit(block.start, block.header_end, cost, block.path)
    header = text[block.start : block.header_end].rstrip()
    rows = Unit(block.header_end, block.end, NEVER, block.path, header)
    if not quoted:
        yield from _lines(text, rows)
        return
    for number, (start, end) in enumerate(records(text, rows.start, rows.end)):
        yield replace(rows, start=start, end=end, cost=COST["record"] if number else NEVER)


def _lines(text: str, unit: Unit) -> Iterator[Unit]:
    start, cost = unit.start, unit.cost
    while start < unit.end:
        end = text.find("\n", start, unit.end) + 1 or unit.end
        if not text[start:end].isspace():
            yield replace(unit, start=start, end=end, cost=cost, tokens=0)
            cost = COST["record"]
        start = end


def _within_pages(units: Sequence[Unit], pages: Sequence[PageSpan]) -> Iterator[Unit]:
    starts = [page.start for page in pages]
    for unit in units:
        inside = starts[bisect_right(starts, unit.start) : bisect_right(starts, unit.end - 1)]
        for start, end in pairwise([unit.start, *inside, unit.end]):
            yield replace(unit, start=start, end=end) if inside else unit


def _is_blank(text: str, unit: Unit) -> bool:
    return text[unit.start : unit.end].isspace()


def _page_ends(units: Sequence[Unit], pages: Sequence[PageSpan]) -> list[int]:
    """Return for each unit the number of the first unit of another page."""
    starts = [page.start for page in pages]
    page_of = [bisect_right(starts, unit.start) for unit in units]
    return [bisect_right(page_of, page) for page in page_of]


def _groups(
    units: Sequence[Unit], ends: Sequence[int], contexts: Mapping[tuple[tuple[str, ...], str], Context]
) -> Iterator[list[Unit]]:
    """Yield the units of each chunk: about as many tokens in each, and cut where it costs least."""
    sums = [0, *accumulate(unit.tokens for unit in units)]
    stops = [unit.end for unit in units]
    at = 0
    while at < len(units):
        budget, end = contexts[units[at].above].budget, ends[at]
        fitting = bisect_right(sums, sums[at] + budget) - 1
        # Blank lines between two units cost no tokens, but a chunk has no room for a million of them.
        near = bisect_right(stops, units[at].start + budget * CHARACTERS_PER_TOKEN)
        last = max(min(fitting, near), at + 1)
        if last < end:
            left = sums[end] - sums[at]
            even = left / -(-left // budget)
            costs = {
                cut: units[cut].cost + abs(sums[cut] - sums[at] - even) / budget
                for cut in range(at + 1, last + 1)
            }
            end = min(costs, key=lambda cut: (costs[cut], cut))
        yield list(units[at:end])
        at = end


def _chunk(document: ParsedDocument, group: Sequence[Unit], context: str) -> Chunk:
    start, end = _bare(document.text, (group[0].start, group[-1].end))
    page = bisect_right(document.pages, start, key=lambda page: page.start) - 1
    return Chunk(
        start=start,
        end=end,
        text=document.text[start:end],
        context=context,
        page=document.pages[page].number if page >= 0 else None,
    )


def _bare(text: str, span: Span) -> Span:
    """Return the span without white space at its ends."""
    piece = text[slice(*span)]
    return span[1] - len(piece.lstrip()), span[0] + len(piece.rstrip())


def _halves(text: str, group: Sequence[Unit]) -> list[list[Unit]]:
    if len(group) > 1:
        middle = len(group) // 2
        return [list(group[:middle]), list(group[middle:])]
    unit = group[0]
    start, end = _bare(text, (unit.start, unit.end))
    middle = (start + end) // 2
    space = text.rfind(" ", start + 1, middle)
    cut = space if space > start else middle
    return [[replace(unit, start=start, end=cut)], [replace(unit, start=cut, end=end)]]
