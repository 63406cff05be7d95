"""Office Open XML packages: the parts of the zip, how they refer to each other, and their XML.

Read here rather than by kreuzberg 4.10, which loses "&" and "<", tabs and list marks of DOCX and puts
a slide's notes under another slide: see docs/decisions/parsing.md. Elements are known by their local
names, so that the "strict" flavour with its other namespaces reads the same.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any, Self
from xml.etree import ElementTree

from ragraft.errors import UnreadableError

__all__ = ["Package", "attribute", "child", "children", "descendants", "local_name", "relation_id"]

Element = ElementTree.Element


class Package:
    """An Office file opened for reading."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(BytesIO(content))
        self._names = set(self._archive.namelist())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def main_part(self) -> str:
        """Return the name of the part that is the document itself."""
        for kind, target in self._relations("").values():
            if kind == "officeDocument":
                return target
        raise UnreadableError("is a damaged Office file: it does not say which part is the document")

    def related(self, part: str, kind: str) -> str | None:
        """Return the part that `part` refers to as `kind` (styles, notesSlide, ...), if there is one."""
        return next((target for found, target in self._relations(part).values() if found == kind), None)

    def targets(self, part: str) -> dict[str, str]:
        """Return the parts that `part` refers to, by relation id."""
        return {name: target for name, (_, target) in self._relations(part).items()}

    def xml(self, part: str | None) -> Element | None:
        """Return the root of a part, or None if the package has no such part."""
        if part is None or part not in self._names:
            return None
        with self.open(part) as stream:
            return ElementTree.parse(stream).getroot()  # noqa: S314 - no DTD, and in the sandbox

    def open(self, part: str) -> IO[bytes]:
        """Return a stream over the XML of a part."""
        with self._archive.open(part) as stream:
            # No Office program writes a DTD; those who do are after what entities can do.
            if b"<!DOCTYPE" in stream.read(4096):
                raise UnreadableError("is not a sound Office file: its XML defines entities")
        return self._archive.open(part)

    def properties(self) -> dict[str, Any]:
        """Return title, author, created and modified of the file, those that are there."""
        core = self.xml(self.related("", "core-properties"))
        wanted = {"title": "title", "creator": "author", "created": "created", "modified": "modified"}
        found = {wanted.get(local_name(item), ""): (item.text or "").strip() for item in core or ()}
        return {name: value for name, value in found.items() if name and value}

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for relation in root if root is not None else ():
            if relation.get("TargetMode") != "External":
                target = relation.get("Target", "")
                full = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = relation.get("Type", "").rsplit("/", 1)[-1]
                found[relation.get("Id", "")] = (kind, posixpath.normpath(full))
        return found


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element | None, name: str, default: str = "") -> str:
    """Return an attribute by its local name."""
    if element is not None:
        for key, value in element.items():
            if key.rpartition("}")[2] == name:
                return value
    return default


def relation_id(element: Element | None) -> str:
    """Return the r:id of an element; it may have a plain `id` beside it."""
    items = element.items() if element is not None else ()
    return next((value for key, value in items if key.endswith("/relationships}id")), "")


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Yield the direct children of that local name."""
    return (item for item in (element if element is not None else ()) if local_name(item) == name)


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first element down a path of local names, if there is one."""
    for name in path:
        element = next(children(element, name), None)
    return element


def descendants(element: Element | None, *names: str) -> Iterator[Element]:
    """Yield the elements of those local names at any depth, in document order."""
    return (item for item in (element.iter() if element is not None else ()) if local_name(item) in names)
