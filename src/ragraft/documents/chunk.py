"""Cutting a document into chunks: exact spans that fit the embedder's window, each with its context."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from os.path import commonprefix

from ragraft.documents.structure import Block, Kind, blocks
from ragraft.types import Chunk, PageSpan, ParsedDocument

__all__ = ["DocumentChunker"]

CHARACTERS_PER_TOKEN = 12
"""A chunk has at most this many characters for each token it may have: tokenizers count a long word that
they do not know as one token, however long it is."""

# What it costs to begin a chunk with a unit, against being far from the even length (1: a whole chunk).
COST: dict[Kind, float] = {"heading": 0.0, "prose": 0.15, "item": 0.3, "table": 0.0, "code": 0.3, "record": 0.2}
SENTENCE_COST = 0.5
PIECE_COST = 1.0
NEVER = 9.0

_SENTENCE_END = re.compile(
    r"""(?<!\d[.])(?<!\b\w[.])(?<!\b[DMS][rt][.])(?<!\bvs[.])(?<!\bNo[.])(?<!\bNr[.])(?<!\bMrs[.])(?<!\bbzw[.])
        (?<!\bca[.])(?<!\bcf[.])(?<!\bal[.])
        (?:(?<=[.!?…])|(?<=[.!?…]["'”’»)\]*_]))\s+(?=[^\W\da-zß-öø-ÿ]|[\d"'“„«(\[*_])
      | (?<=[。！？])""",
    re.X,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch that stays whole, and what it costs to begin a chunk with it."""

    start: int
    end: int
    cost: float
    path: tuple[str, ...]
    header: str = ""
    tokens: int = 0


class DocumentChunker:
    """Packs blocks, and where they are long their sentences, into chunks of at most `max_tokens`.

    `count_tokens` is the embedder's and is given many texts at once; `max_tokens` bounds context and text
    together, special tokens included. A chunk never crosses a page; a sentence, a table row or a line of
    code is cut only if it alone is longer than a chunk may be.
    """

    def __init__(self, *, count_tokens: Callable[[Sequence[str]], list[int]], max_tokens: int = 220) -> None:
        if max_tokens < 32:
            raise ValueError(f"max_tokens is {max_tokens}; a chunk needs at least 32")
        self._count_tokens = count_tokens
        self._max_tokens = max_tokens

    def chunk(self, document: ParsedDocument) -> list[Chunk]:
        """Return the document's chunks in order; between their spans is only white space."""
        units = self._units(document)
        groups = self._pack(units, document)
        return self._chunks(groups, document)

    merge = True
    own = False

    def _units(self, document: ParsedDocument) -> list[Unit]:
        text, long = document.text, 2 * self._max_tokens
        start = int(document.metadata.get("body_start", 0))
        found: list[Unit] = []
        before: Block | None = None
        for block in blocks(text, start=start, media_type=document.media_type):
            cost = COST[block.kind]
            if before is not None and before.kind == "heading":
                cost = NEVER
            elif before is not None and block.kind == "item" and text[before.end - 1] == ":":
                cost = 0.7
            found.extend(_split(text, block, cost, long=long))
            before = block
        found = [piece for unit in found for piece in _at_pages(unit, document.pages)]
        return self._fitting(found, text)

    def _fitting(self, units: list[Unit], text: str) -> list[Unit]:
        """Return the units with their tokens, those that no chunk could hold cut at lines, then words."""
        limit = self._max_tokens // 2
        for cut in (_lines, self._pieces):
            units = self._counted(units, text)
            if all(unit.tokens <= limit for unit in units):
                return units
            units = [
                piece
                for unit in units
                for piece in (cut(text, unit) if unit.tokens > limit else [unit])
            ]
        return self._counted(units, text)

    def _counted(self, units: list[Unit], text: str) -> list[Unit]:
        new = [unit for unit in units if not unit.tokens]
        counts = self._count_tokens([text[unit.start : unit.end] for unit in new])
        sized = iter(
            replace(unit, tokens=max(count, (unit.end - unit.start) // CHARACTERS_PER_TOKEN, 1))
            for unit, count in zip(new, counts, strict=True)
        )
        return [unit if unit.tokens else next(sized) for unit in units]

    def _pieces(self, text: str, unit: Unit) -> Iterator[Unit]:
        """Cut a unit at white space, or where there is none at a character, into short pieces."""
        start = unit.start
        while start < unit.end:
            end = min(start + self._max_tokens, unit.end)
            if end < unit.end:
                space = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
                end = space if space > start else end
            yield replace(unit, start=start, end=end, cost=unit.cost if start == unit.start else PIECE_COST, tokens=0)
            start = end

    def _pack(self, units: list[Unit], document: ParsedDocument) -> list[list[Unit]]:
        """Return the units grouped into chunks of about even length, cut where it costs least."""
        groups: list[list[Unit]] = []
        pages = [page.start for page in document.pages]
        ends = _run_ends(units, pages, self.merge)
        sums = [0, *accumulate(unit.tokens for unit in units)]
        contexts = {(u.path, u.header): 0 for u in units}
        keys = list(contexts)
        for key, n in zip(keys, self._count_tokens([self._context(document, *key) for key in keys]), strict=True):
            contexts[key] = n
        at = 0
        while at < len(units):
            unit = units[at]
            budget = self._max_tokens - contexts[unit.path, unit.header] - 2
            cut = self._cut(units, sums, at, ends[at], max(budget, self._max_tokens // 4))
            groups.append(units[at:cut])
            at = cut
        return groups

    def _cut(self, units: list[Unit], sums: list[int], at: int, end: int, budget: int) -> int:
        """Return where the chunk that begins with unit `at` ends best."""
        left = sums[end] - sums[at]
        if left <= budget:
            return end
        even = left / -(-left // budget)
        last = max(bisect_right(sums, sums[at] + budget, at, end + 1) - 1, at + 1)
        return min(
            range(at + 1, last + 1),
            key=lambda cut: units[cut].cost + abs(sums[cut] - sums[at] - even) / budget if cut < end else NEVER,
        )

    def _context(self, document: ParsedDocument, path: tuple[str, ...], header: str) -> str:
        words = [document.title] if document.title else []
        words += [w for w in path if not words or w.casefold() != words[-1].casefold()]
        line = " > ".join(words)
        return f"{line}\n{header}" if header else line

    def _chunks(self, groups: list[list[Unit]], document: ParsedDocument) -> list[Chunk]:
        made = []
        for group in groups:
            start, end = group[0].start, group[-1].end
            text = document.text[start:end]
            start += len(text) - len(text.lstrip())
            text = text.strip()
            path = tuple(commonprefix([u.path for u in group]))
            if self.own and group[0].path and group[0].cost == 0 and path and text.startswith('#'):
                path = path[:-1] if path == group[0].path else path
            made.append(Chunk(start, start + len(text), text, self._context(document, path, group[0].header), _page(start, document.pages)))
        counts = self._count_tokens([chunk.full_text for chunk in made])
        return [replace(chunk, tokens=n) for chunk, n in zip(made, counts, strict=True)]


def _split(text: str, block: Block, cost: float, *, long: int) -> list[Unit]:
    if block.kind == "table":
        header = text[block.start : block.header_end].rstrip()
        first = Unit(block.start, block.header_end, cost, block.path)
        rows = [Unit(block.header_end, block.end, 0.2, block.path, header)]
        return [first, *[u for r in rows for u in _lines(text, r)]]
    if block.end - block.start <= long or block.kind in ("code", "record", "heading"):
        return [Unit(block.start, block.end, cost, block.path)]
    cuts = [block.start, *(m.end() for m in _SENTENCE_END.finditer(text, block.start, block.end)), block.end]
    return [
        Unit(start, end, cost if start == block.start else SENTENCE_COST, block.path)
        for start, end in zip(cuts, cuts[1:], strict=False)
        if text[start:end].strip()
    ]


def _lines(text: str, unit: Unit) -> Iterator[Unit]:
    start = unit.start
    while start < unit.end:
        end = text.find("\n", start, unit.end) + 1 or unit.end
        if not text[start:end].isspace():
            yield replace(unit, start=start, end=end, cost=unit.cost if start == unit.start else max(0.2, unit.cost if unit.cost<1 else 0), tokens=0)
        start = end


def _at_pages(unit: Unit, pages: Sequence[PageSpan]) -> Iterator[Unit]:
    starts = [p.start for p in pages if unit.start < p.start < unit.end]
    cuts = [unit.start, *starts, unit.end]
    for a, b in zip(cuts, cuts[1:], strict=False):
        yield replace(unit, start=a, end=b)


def _run_ends(units: list[Unit], pages: list[int], merge: bool) -> list[int]:
    ends = [len(units)] * len(units)
    for i in range(len(units) - 2, -1, -1):
        a, b = units[i], units[i + 1]
        hard = bisect_right(pages, a.start) != bisect_right(pages, b.start) or (not merge and a.path != b.path and b.cost == 0)
        ends[i] = i + 1 if hard else ends[i + 1]
    return ends


def _page(start: int, pages: Sequence[PageSpan]) -> int | None:
    at = bisect_right([p.start for p in pages], start) - 1
    return pages[at].number if at >= 0 else None
