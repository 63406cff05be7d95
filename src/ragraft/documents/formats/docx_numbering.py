"""The numbers Word puts before paragraphs: "3.2.1", "(a)", "IV." stand nowhere in a DOCX, only their rules."""

from __future__ import annotations

import re

from ragraft.documents.formats.ooxml import Element, attribute, child, children

__all__ = ["Numbering"]

_LEVELS = 9
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


class Numbering:
    """Counts along a document. Lists that share an abstract definition count on together, as in Word."""

    def __init__(self, root: Element | None) -> None:
        self._abstract = {
            attribute(item, "abstractNumId"): {
                attribute(level, "ilvl"): level for level in children(item, "lvl")
            }
            for item in children(root, "abstractNum")
        }
        self._lists = {attribute(item, "numId"): item for item in children(root, "num")}
        self._counts: dict[str, list[int | None]] = {}
        self._restarted: set[str] = set()

    def next_mark(self, number: str, depth: int) -> str:
        """Return the mark of the next paragraph of list `number` at `depth`; "" if there is no such list."""
        definition = self._lists.get(number)
        if definition is None:
            return ""
        abstract = attribute(child(definition, "abstractNumId"), "val")
        levels = self._abstract.get(abstract, {})
        if attribute(child(levels.get(str(depth)), "numFmt"), "val", "decimal") in {"bullet", "none"}:
            return "-"
        counts = self._counts.setdefault(abstract, [None] * _LEVELS)
        self._restart(number, definition, counts)
        reached = [
            _start(levels.get(str(level))) - (level == depth) if count is None else count
            for level, count in enumerate(counts[: depth + 1])
        ]
        reached[depth] += 1
        self._counts[abstract] = [*reached, *[None] * (_LEVELS - depth - 1)]
        return _mark(levels, depth, reached)

    def _restart(self, number: str, definition: Element, counts: list[int | None]) -> None:
        """Begin anew where a list overrides the start of a level; only the first time it is met."""
        if number in self._restarted:
            return
        self._restarted.add(number)
        for override in children(definition, "lvlOverride"):
            start = attribute(child(override, "startOverride"), "val")
            level = attribute(override, "ilvl")
            if start.isdecimal() and level.isdecimal() and int(level) < _LEVELS:
                counts[int(level)] = int(start) - 1
                counts[int(level) + 1 :] = [None] * (_LEVELS - int(level) - 1)


def _start(level: Element | None) -> int:
    start = attribute(child(level, "start"), "val")
    return int(start) if start.isdecimal() else 1


def _mark(levels: dict[str, Element], depth: int, counts: list[int]) -> str:
    pattern = attribute(child(levels.get(str(depth)), "lvlText"), "val") or f"%{depth + 1}."
    legal = child(levels.get(str(depth)), "isLgl") is not None

    def number(place: re.Match[str]) -> str:
        level = int(place[1]) - 1
        style = attribute(child(levels.get(str(level)), "numFmt"), "val")
        return _written(counts[level], "decimal" if legal else style) if level < len(counts) else ""

    return re.sub(r"%([1-9])", number, pattern).strip()


def _written(count: int, style: str) -> str:
    if style.endswith("Letter") and count > 0:
        # a to z, then aa, bb, ...
        text = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 20)
    elif style.endswith("Roman") and 0 < count < 4000:
        text = ""
        for value, sign in _ROMAN:
            text += sign * (count // value)
            count %= value
    else:
        return f"{count:02}" if style == "decimalZero" else str(count)
    return text.upper() if style.startswith("upper") else text
