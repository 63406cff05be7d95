"""PPTX: one page per slide, in the order they are shown, with title, text, tables and speaker notes.

Left out: dates, footers and slide numbers, charts and images.
"""

from __future__ import annotations

from collections.abc import Iterator

from ragraft.documents.formats.extracted import Extracted, TextWriter, pipe_table
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

__all__ = ["read_pptx"]

_FURNITURE = {"ftr", "dt", "sldNum", "hdr"}
_TITLES = {"title", "ctrTitle"}


def read_pptx(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text of a PPTX as Markdown. Raises: UnreadableError, or what zip and XML raise of damage."""
    writer = TextWriter(max_characters=max_characters)
    with Package(content) as package:
        main = package.main_part()
        targets = package.targets(main)
        slides = list(children(child(package.xml(main), "sldIdLst"), "sldId"))
        for number, slide in enumerate(slides, start=1):
            part = targets.get(relation_id(slide), "")
            writer.page(number, [*_slide(package, part), *_notes(package, part)])
        properties = package.properties()
    return writer.extracted(title=properties.pop("title", ""), metadata={**properties, "slides": len(slides)})


def _slide(package: Package, part: str) -> Iterator[str]:
    tree = child(package.xml(part), "cSld", "spTree")
    shapes = list(_shapes(tree))
    # The order of shapes is that of painting; the title is read first wherever it is.
    for shape in sorted(shapes, key=lambda shape: _role(shape) not in _TITLES):
        if local_name(shape) == "graphicFrame":
            yield from _graphic(package, part, shape)
        elif _role(shape) in _TITLES:
            title = " ".join(" ".join(text for text, _ in _paragraphs(shape)).split())
            yield f"## {title}" if title else ""
        elif _role(shape) not in _FURNITURE:
            yield _body(shape)


def _notes(package: Package, part: str) -> Iterator[str]:
    notes = package.xml(package.related(part, "notesSlide")) if part else None
    for shape in _shapes(child(notes, "cSld", "spTree")):
        if _role(shape) == "body":
            words = "\n".join(text for text, _ in _paragraphs(shape))
            yield f"Notes: {words}" if words else ""


def _shapes(tree: Element | None) -> Iterator[Element]:
    for item in tree if tree is not None else ():
        name = local_name(item)
        if name in {"sp", "graphicFrame"}:
            yield item
        elif name in {"grpSp", "AlternateContent", "Choice"}:
            yield from _shapes(item)


def _role(shape: Element) -> str:
    """Return what a placeholder is for ("title", "body", ...), "body" if it does not say, "" for a free shape."""
    placeholder = child(shape, "nvSpPr", "nvPr", "ph")
    return "" if placeholder is None else attribute(placeholder, "type", "body")


def _body(shape: Element) -> str:
    """Return a shape's paragraphs; those of a body placeholder are a list, as they are shown."""
    listed = _role(shape) == "body"
    paragraphs = list(_paragraphs(shape))
    if not listed or len(paragraphs) == 1:
        return "\n\n".join(text for text, _ in paragraphs)
    return "\n".join(f"{'  ' * depth}- {' '.join(text.split())}" for text, depth in paragraphs)


def _paragraphs(shape: Element) -> Iterator[tuple[str, int]]:
    """Yield the text and the depth of each paragraph that is not blank."""
    for paragraph in children(child(shape, "txBody"), "p"):
        text = _text(paragraph).strip()
        if text:
            depth = attribute(child(paragraph, "pPr"), "lvl")
            yield text, min(int(depth), 8) if depth.isdecimal() else 0


def _text(paragraph: Element) -> str:
    parts = []
    for item in paragraph.iter():
        name = local_name(item)
        if name == "t":
            parts.append(item.text or "")
        elif name in {"br", "tab"}:
            parts.append("\n" if name == "br" else "\t")
    return "".join(parts)


def _graphic(package: Package, part: str, frame: Element) -> Iterator[str]:
    for table in descendants(frame, "tbl"):
        yield pipe_table([[_cell(cell) for cell in children(row, "tc")] for row in children(table, "tr")])
    for diagram in descendants(frame, "relIds"):
        points = package.xml(package.targets(part).get(attribute(diagram, "dm")))
        texts = (" ".join(_text(paragraph).split()) for paragraph in descendants(points, "p"))
        yield "\n".join(f"- {text}" for text in texts if text)


def _cell(cell: Element) -> str:
    return " ".join(text for text, _ in _paragraphs(cell))
