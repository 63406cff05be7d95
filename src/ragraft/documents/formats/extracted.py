"""What a reader of a binary format hands back. Imports little: it is loaded in the sandbox's child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ragraft.errors import UnreadableError

__all__ = ["Extracted", "TextWriter", "UnsoundError", "pipe_table", "too_much_text", "unix_newlines"]


@dataclass(frozen=True, slots=True)
class Extracted:
    """Text in Markdown (plain for PDF). `pages` are (number, start, end) in characters of it.

    `title` is what the file says of itself, sensible or not.
    """

    text: str
    title: str = ""
    pages: tuple[tuple[int, int, int], ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


class UnsoundError(Exception):
    """A reader failed in a way that may have left its process unfit to read another file."""


class TextWriter:
    """Puts blocks of text together, a blank line between them, and remembers where pages begin and end.

    Fails as soon as more than `max_characters` were written, so that a bomb is not first built up.
    """

    def __init__(self, *, max_characters: int) -> None:
        self._blocks: list[str] = []
        self._length = 0
        self._max = max_characters
        self._pages: list[tuple[int, int, int]] = []

    def block(self, text: str) -> None:
        """Add a block; blank ones are left out."""
        text = text.rstrip().lstrip("\n")
        if not text:
            return
        separator = "\n\n" if self._blocks else ""
        self._blocks.append(separator + text)
        self._length += len(separator) + len(text)
        if self._length > self._max:
            raise too_much_text(self._max)

    def page(self, number: int, blocks: Sequence[str]) -> None:
        """Add the blocks of one page and note its span; a blank page has none."""
        filled = [block for block in blocks if block.strip()]
        if not filled:
            return
        start = self._length + (2 if self._blocks else 0)
        for block in filled:
            self.block(block)
        self._pages.append((number, start, self._length))

    def extracted(self, *, title: str = "", metadata: dict[str, Any] | None = None) -> Extracted:
        """Return all that was written."""
        return Extracted("".join(self._blocks), title, tuple(self._pages), metadata or {})


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table whose header is the first row; columns empty throughout are left out."""
    width = max((len(row) for row in rows), default=0)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    kept = [column for column in range(width) if any(row[column].strip() for row in full)]
    if not kept:
        return ""
    lines = ["| " + " | ".join(_cell(row[column]) for column in kept) + " |" for row in full]
    lines.insert(1, "|" + " --- |" * len(kept))
    return "\n".join(lines)


def too_much_text(max_characters: int) -> UnreadableError:
    """Return the error of a file whose text is over the limit."""
    return UnreadableError(f"holds more than {max_characters:,} characters of text", hint="split the file")


def unix_newlines(text: str) -> str:
    """Return text with every line ending in one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
