"""A table of an HTML page: a Markdown table if it holds values, its contents one after the other if it is layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ragraft.documents.formats.extracted import pipe_table

__all__ = ["HtmlTable"]

# Browsers stop at these too (HTML standard, 4.9.12).
_MAX_COLUMNS = 1_000
_MAX_ROWS = 65_534
# A cell as long as this is a column of a page, not a value.
_LAYOUT_CELL = 3_000


@dataclass(slots=True)
class _Cell:
    blocks: list[str] = field(default_factory=list)
    columns: int = 1
    rows: int = 1


class HtmlTable:
    """Collects the cells of one table. `lists` is what the lists around it were, for when it ends."""

    def __init__(self, *, lists: list[int]) -> None:
        self.lists = lists
        self._above: list[str] = []
        self._rows: list[list[_Cell]] = []

    def start_row(self) -> None:
        """Begin a row."""
        self._rows.append([])

    def start_cell(self, *, columns: str, rows: str) -> None:
        """Begin a cell; the spans are as the page writes them."""
        if not self._rows:
            self.start_row()
        self._rows[-1].append(_Cell([], _span(columns, _MAX_COLUMNS), _span(rows, _MAX_ROWS)))

    def add(self, block: str) -> None:
        """Add a block of text to the cell that is open; before any cell it is the caption."""
        cells = self._rows[-1] if self._rows else []
        (cells[-1].blocks if cells else self._above).append(block)

    def blocks(self) -> Iterator[str]:
        """Yield what the table comes to."""
        yield from self._above
        cells = [cell for row in self._rows for cell in row]
        if max((len(row) for row in self._rows), default=0) <= 1 or any(map(_is_layout, cells)):
            for cell in cells:
                yield from cell.blocks
        elif table := pipe_table(list(self._grid())):
            yield table

    def _grid(self) -> Iterator[list[str]]:
        """Yield rows of texts: a cell over several rows says its text in each, over columns in the first."""
        hanging: dict[int, tuple[str, int]] = {}
        for row in self._rows:
            texts: dict[int, str] = {column: text for column, (text, _) in hanging.items()}
            hanging = {column: (text, left - 1) for column, (text, left) in hanging.items() if left > 1}
            column = 0
            for cell in row:
                while column in texts:
                    column += 1
                text = " ".join(cell.blocks)
                for place in range(column, column + cell.columns):
                    texts[place] = text if place == column else ""
                    if cell.rows > 1:
                        hanging[place] = (texts[place], cell.rows - 1)
                column += cell.columns
            yield [texts.get(place, "") for place in range(max(texts, default=-1) + 1)]


def _is_layout(cell: _Cell) -> bool:
    has_parts = any(block.startswith(("#", "| ", "```")) for block in cell.blocks)
    return has_parts or sum(map(len, cell.blocks)) > _LAYOUT_CELL


def _span(written: str, most: int) -> int:
    return max(1, min(int(written), most)) if written.isdecimal() and len(written) < 6 else 1
