"""DOCX: headings, lists with their numbers, tables, foot- and endnotes, text boxes.

Left out: what is deleted but tracked, hidden text, headers and footers, comments, images. A DOCX has
no pages: where they break is decided by whoever lays it out.
"""

from __future__ import annotations

from collections.abc import Iterator

from ragraft.documents.formats.docx_numbering import Numbering
from ragraft.documents.formats.extracted import Extracted, TextWriter, pipe_table
from ragraft.documents.formats.ooxml import (
    Element,
    Package,
    attribute,
    child,
    children,
    descendants,
    local_name,
)

__all__ = ["read_docx"]

# Wrappers whose content counts as if they were not there.
_TRANSPARENT = {
    "sdt",
    "sdtContent",
    "customXml",
    "ins",
    "moveTo",
    "smartTag",
    "hyperlink",
    "fldSimple",
    "bdo",
    "dir",
}
_RUN_CONTENT = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_OFF = {"0", "false", "off", "none"}


def read_docx(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text of a DOCX as Markdown. Raises: UnreadableError, or what zip and XML raise of damage."""
    writer = TextWriter(max_characters=max_characters)
    with Package(content) as package:
        main = package.main_part()
        body = child(package.xml(main), "body")
        styles = _Styles(package.xml(package.related(main, "styles")))
        numbering = Numbering(package.xml(package.related(main, "numbering")))
        reader = _Reader(styles, numbering)
        for block in reader.blocks(body):
            writer.block(block)
        for part, name in (("footnotes", "footnote"), ("endnotes", "endnote")):
            for note in children(package.xml(package.related(main, part)), name):
                if attribute(note, "type") not in {
                    "separator",
                    "continuationSeparator",
                    "continuationNotice",
                }:
                    words = " ".join(reader.blocks(note))
                    writer.block(f"[^{_note_mark(name, attribute(note, 'id'))}]: {words}" if words else "")
        properties = package.properties()
    return writer.extracted(title=properties.pop("title", ""), metadata=properties)


class _Styles:
    """What a paragraph's style says: the heading level and the numbering, inherited along basedOn."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}

    def lineage(self, name: str) -> Iterator[Element]:
        """Yield a style and those it is based on; a circle ends it."""
        seen: set[str] = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            style = self._styles[name]
            yield style
            name = attribute(child(style, "basedOn"), "val")

    def heading_level(self, name: str) -> int:
        """Return 1 to 6 for a heading's style, 0 for any other."""
        for style in self.lineage(name):
            if attribute(child(style, "name"), "val").lower() == "title":
                return 1
            outline = attribute(child(style, "pPr", "outlineLvl"), "val")
            if outline.isdecimal():
                return min(int(outline) + 1, 6) if int(outline) < 9 else 0
        return 0

    def numbering(self, name: str) -> tuple[str, str]:
        """Return (numId, ilvl) of a style, each "" where it says nothing."""
        for style in self.lineage(name):
            found = child(style, "pPr", "numPr")
            if found is not None:
                return attribute(child(found, "numId"), "val"), attribute(child(found, "ilvl"), "val")
        return "", ""


class _Reader:
    """Turns the elements of a document's body into blocks of Markdown."""

    def __init__(self, styles: _Styles, numbering: Numbering) -> None:
        self._styles = styles
        self._numbering = numbering

    def blocks(self, parent: Element | None) -> Iterator[str]:
        """Yield paragraphs and tables; list items that follow each other make one block."""
        items: list[str] = []
        for text, is_item in self._pieces(parent):
            if items and not is_item:
                yield "\n".join(items)
                items = []
            if is_item:
                items.append(text)
            else:
                yield text
        if items:
            yield "\n".join(items)

    def _pieces(self, parent: Element | None) -> Iterator[tuple[str, bool]]:
        for element in parent if parent is not None else ():
            name = local_name(element)
            if name == "p":
                yield from self._paragraph(element)
            elif name == "tbl":
                yield from ((block, False) for block in self._table(element))
            elif name in _TRANSPARENT:
                yield from self._pieces(element)

    def _paragraph(self, element: Element) -> Iterator[tuple[str, bool]]:
        text = _text(element).strip()
        if text:
            yield self._marked(element, text)
        for box in _text_boxes(element):
            yield from self._pieces(box)

    def _marked(self, element: Element, text: str) -> tuple[str, bool]:
        """Put a heading's # or a list's mark before the text."""
        properties = child(element, "pPr")
        style = attribute(child(properties, "pStyle"), "val")
        outline = attribute(child(properties, "outlineLvl"), "val")
        level = min(int(outline) + 1, 6) if outline.isdecimal() and int(outline) < 9 else 0
        level = level or self._styles.heading_level(style)
        number, depth = self._numbering_of(properties, style)
        mark = self._numbering.next_mark(number, depth)
        one_line = " ".join(text.split())
        if level:
            return f"{'#' * level} {mark if mark != '-' else ''} {one_line}".replace("  ", " "), False
        if mark:
            return f"{'  ' * depth}{mark} {one_line}", True
        return text, False

    def _numbering_of(self, properties: Element | None, style: str) -> tuple[str, int]:
        styled_number, styled_depth = self._styles.numbering(style)
        own = child(properties, "numPr")
        number = attribute(child(own, "numId"), "val") or styled_number
        depth = attribute(child(own, "ilvl"), "val") or styled_depth
        return number, min(int(depth), 8) if depth.isdecimal() else 0

    def _table(self, table: Element) -> Iterator[str]:
        rows: list[list[str]] = []
        for row in _through(table, "tr"):
            rows.append(self._row(row, above=rows[-1] if rows else []))
        # A table of one column is a frame around text, not a table.
        if max((len(row) for row in rows), default=0) <= 1:
            for cell in (cell for row in _through(table, "tr") for cell in _through(row, "tc")):
                yield from self.blocks(cell)
        else:
            yield pipe_table(rows)

    def _row(self, row: Element, *, above: list[str]) -> list[str]:
        """Return the texts of a row: a cell over several rows says its text in each, over columns in the first."""
        cells = [""] * _count(child(row, "trPr", "gridBefore"), default=0)
        for cell in _through(row, "tc"):
            properties = child(cell, "tcPr")
            merged = child(properties, "vMerge")
            if merged is not None and attribute(merged, "val", "continue") == "continue":
                cells.append(above[len(cells)] if len(cells) < len(above) else "")
            else:
                cells.append(" ".join(self.blocks(cell)))
            cells += [""] * (_count(child(properties, "gridSpan"), default=1) - 1)
        return cells


def _text(element: Element) -> str:
    """Return the words of a paragraph, without those of text boxes in it."""
    parts: list[str] = []
    _collect(element, parts)
    return "".join(parts)


def _collect(element: Element, parts: list[str]) -> None:
    for item in element:
        name = local_name(item)
        if name == "t":
            parts.append(item.text or "")
        elif name in _RUN_CONTENT:
            parts.append(_RUN_CONTENT[name])
        elif name in {"footnoteReference", "endnoteReference"}:
            parts.append(f"[^{_note_mark(name[:-9], attribute(item, 'id'))}]")
        elif (name == "r" and not _is_hidden(item)) or name in _TRANSPARENT:
            _collect(item, parts)
        elif name in {"oMath", "oMathPara"}:
            parts += [sign.text or "" for sign in descendants(item, "t")]
        elif name == "ruby":
            base = child(item, "rubyBase")
            if base is not None:
                _collect(base, parts)


def _is_hidden(run: Element) -> bool:
    vanish = child(run, "rPr", "vanish")
    return vanish is not None and attribute(vanish, "val", "1") not in _OFF


def _text_boxes(element: Element) -> Iterator[Element]:
    """Yield the contents of text boxes; each is there twice, once for old programs, in a Fallback."""
    for item in element:
        name = local_name(item)
        if name == "txbxContent":
            yield item
        elif name not in {"Fallback", "del", "moveFrom", "pPr", "rPr"}:
            yield from _text_boxes(item)


def _through(element: Element, name: str) -> Iterator[Element]:
    """Yield children of that name, also those inside content controls and tracked insertions."""
    for item in element:
        if local_name(item) == name:
            yield item
        elif local_name(item) in _TRANSPARENT:
            yield from _through(item, name)


def _count(element: Element | None, *, default: int) -> int:
    value = attribute(element, "val")
    # Word allows 63 columns; more is damage or malice.
    return min(int(value), 63) if value.isdecimal() else default


def _note_mark(kind: str, number: str) -> str:
    return number if kind == "footnote" else f"e{number}"
