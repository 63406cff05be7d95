"""XLSX: one page per sheet; each stretch of rows between blank ones is a Markdown table.

Values are those that were saved: dates, times and percentages as a person reads them, other numbers
in full; a formula that was never calculated shows itself. Left out: charts, images, comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from xml.etree import ElementTree

from ragraft.documents.formats.extracted import Extracted, TextWriter, pipe_table, too_much_text
from ragraft.documents.formats.ooxml import (
    Element,
    Package,
    attribute,
    child,
    children,
    descendants,
    local_name,
    relation_id,
)

__all__ = ["read_xlsx"]

_MAX_COLUMNS = 16_384
# Numbers of the built-in formats (ECMA-376 part 1, 18.8.30).
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_BUILT_IN_PERCENTS = {9, 10}
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)


def read_xlsx(content: bytes, *, max_characters: int) -> Extracted:
    """Return the sheets of an XLSX as Markdown. Raises: UnreadableError, or what zip and XML raise of damage."""
    writer = TextWriter(max_characters=max_characters)
    with Package(content) as package:
        main = package.main_part()
        workbook = package.xml(main)
        cells = _Cells(package, main, workbook)
        targets = package.targets(main)
        sheets = list(children(child(workbook, "sheets"), "sheet"))
        for number, sheet in enumerate(sheets, start=1):
            part = targets.get(relation_id(sheet), "")
            if "/worksheets/" in f"/{part}":
                stretches = _stretches(_rows(package, part, cells), max_characters=max_characters)
                blocks = [block for stretch in stretches for block in _blocks(stretch) if block]
                writer.page(number, [f"## {attribute(sheet, 'name')}", *blocks] if blocks else [])
        properties = package.properties()
    names = [attribute(sheet, "name") for sheet in sheets]
    return writer.extracted(title=properties.pop("title", ""), metadata={**properties, "sheets": names})


class _Cells:
    """What a workbook says of its cells: shared strings, which formats are dates, where time begins."""

    def __init__(self, package: Package, main: str, workbook: Element | None) -> None:
        shared = package.xml(package.related(main, "sharedStrings"))
        self._strings = [_rich_text(item) for item in children(shared, "si")]
        styles = package.xml(package.related(main, "styles"))
        custom = {
            attribute(item, "numFmtId"): attribute(item, "formatCode")
            for item in children(child(styles, "numFmts"), "numFmt")
        }
        self._shown_as = [
            _shown_as(attribute(item, "numFmtId", "0"), custom)
            for item in children(child(styles, "cellXfs"), "xf")
        ]
        from_1904 = attribute(child(workbook, "workbookPr"), "date1904") in {"1", "true"}
        # Excel takes 1900 for a leap year, so counting from 30 December 1899 is right from March 1900 on.
        self._epoch = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001

    def text(self, cell: Element) -> str:
        """Return what a cell shows."""
        parts = {local_name(item): item for item in cell}
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _rich_text(parts.get("is"))
        raw = parts["v"].text or "" if "v" in parts else ""
        if not raw:
            formula = parts["f"].text if "f" in parts else ""
            return f"={formula}" if formula else ""
        if kind == "s":
            return self._strings[int(raw)] if raw.isdecimal() and int(raw) < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if raw == "1" else "FALSE"
        return self._number(raw, cell.get("s", "0")) if kind == "n" else raw

    def _number(self, raw: str, style: str) -> str:
        try:
            value = float(raw)
            shown_as = self._shown_as[int(style)]
        except (ValueError, IndexError):
            return raw
        if shown_as == "percent":
            return f"{value * 100:.15g}%"
        if shown_as == "date":
            return self._date(value, raw)
        # Fifteen digits are what Excel itself keeps: 0.1 + 0.2 is stored as 0.30000000000000004.
        return f"{value:.15g}" if abs(value) < 1e15 else raw

    def _date(self, value: float, raw: str) -> str:
        try:
            moment = self._epoch + timedelta(seconds=round(value * 86_400))
        except OverflowError:
            return raw
        if 0 <= value < 1:
            return moment.strftime("%H:%M:%S")
        return moment.strftime("%Y-%m-%d" if value == int(value) else "%Y-%m-%d %H:%M:%S")


def _rows(package: Package, part: str, cells: _Cells) -> Iterator[dict[int, str]]:
    """Yield each row as {column: text}; a gap in the row numbers is one blank row."""
    last = 0
    with package.open(part) as stream:
        for _, element in ElementTree.iterparse(stream):  # noqa: S314 - no DTD, and in the sandbox
            if not element.tag.endswith("}row"):
                continue
            number = element.get("r", "")
            here = int(number) if number.isdecimal() else last + 1
            if here > last + 1:
                yield {}
            last = here
            row: dict[int, str] = {}
            for cell in children(element, "c"):
                column = _column(cell.get("r", ""), default=max(row, default=-1) + 1)
                row[column] = cells.text(cell).strip()
            yield {column: text for column, text in row.items() if text}
            # A sheet of a million rows fits in memory only if each is let go.
            element.clear()


def _stretches(rows: Iterable[dict[int, str]], *, max_characters: int) -> Iterator[list[dict[int, str]]]:
    """Yield the rows that belong together: those between blank ones."""
    stretch: list[dict[int, str]] = []
    columns: set[int] = set()
    characters = 0
    after_blank = False
    for row in rows:
        if not row:
            after_blank = True
            continue
        if after_blank and not _continues(row, columns) and stretch:
            yield stretch
            stretch, columns = [], set()
        after_blank = False
        stretch.append(row)
        columns |= row.keys()
        # Counted before the table is put together: one shared string may stand in a million cells,
        # and a few far-off cells make every row wide.
        characters += sum(map(len, row.values()))
        if characters + 3 * len(stretch) * len(columns) > max_characters:
            raise too_much_text(max_characters)
    yield stretch


def _continues(row: dict[int, str], columns: set[int]) -> bool:
    """Tell whether a row after a blank one still belongs to the table above: figures in its columns, no header."""
    has_figures = any(text[0] in "0123456789-=" for text in row.values() if text)
    return len(row) > 1 and has_figures and row.keys() <= columns


def _blocks(stretch: list[dict[int, str]]) -> Iterator[str]:
    """Yield lines of text for what stands alone - one column, or a title over a table - and the table."""
    columns = sorted({column for row in stretch for column in row})
    is_table = len(columns) > 1
    above = list(takewhile(lambda row: not is_table or len(row) == 1, stretch))
    yield "\n".join(text for row in above for text in row.values())
    if len(above) < len(stretch):
        yield pipe_table([[row.get(column, "") for column in columns] for row in stretch[len(above) :]])


def _column(reference: str, *, default: int) -> int:
    """Return the column of a cell's reference, from 0: "C7" gives 2."""
    column = _column_of(reference.rstrip("0123456789"))
    return column if column >= 0 else default


@lru_cache(maxsize=_MAX_COLUMNS)
def _column_of(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1 if column <= _MAX_COLUMNS else -1


def _rich_text(item: Element | None) -> str:
    """Return a string's runs put together, without the phonetic guide of East Asian text."""
    parts = []
    for run in item if item is not None else ():
        if local_name(run) in {"t", "r"}:
            parts += [text.text or "" for text in descendants(run, "t")]
    return "".join(parts)


def _shown_as(number: str, custom: dict[str, str]) -> str:
    """Return "date", "percent" or "" for a number format."""
    if number not in custom:
        built_in = int(number) if number.isdecimal() else 0
        return "date" if built_in in _BUILT_IN_DATES else "percent" if built_in in _BUILT_IN_PERCENTS else ""
    code = _NOT_FORMAT.sub("", custom[number]).split(";")[0]
    if "%" in code:
        return "percent"
    return "date" if re.search("[ymdhs]", code, re.IGNORECASE) and "general" not in code.lower() else ""
