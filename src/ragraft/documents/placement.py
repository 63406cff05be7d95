"""Where a document belongs: the source it came from, its path there, and the uri it is known by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragraft.database.pool import Connection
from ragraft.types import AccessLabel

__all__ = ["Known", "Target", "choose_uri", "known_documents", "lies_in", "open_folder", "open_url"]


@dataclass(frozen=True, slots=True)
class Target:
    """A source and the part of it that a run looks at: everything whose path begins with `prefix`."""

    source: int
    root: Path
    prefix: str

    def path_of(self, relative: str) -> str:
        """Return a path below the part as a path below the source's root; "." is the part itself."""
        return "/".join(part for part in (self.prefix, relative) if part not in ("", "."))


@dataclass(frozen=True, slots=True)
class Known:
    """What the library has at a path of a source."""

    document: int
    content_hash: bytes
    label: AccessLabel


def open_folder(connection: Connection, collection: int, folder: Path) -> Target:
    """Return the source that `folder` is or lies in, else a new one.

    Sources below a newly added folder become part of it; their documents keep their uris.
    """
    rows = connection.execute(
        "select id, location from source where collection = %s and kind = 'folder'", (collection,)
    ).fetchall()
    sources = {Path(location): source for source, location in rows}
    for root in (folder, *folder.parents):
        if root in sources:
            below = folder.relative_to(root).as_posix()
            return Target(sources[root], root, "" if below == "." else below)
    source = _insert_source(connection, collection, "folder", str(folder))
    for root, other in sources.items():
        if root.is_relative_to(folder):
            connection.execute(
                "update document set source = %s, path = %s || path where collection = %s and source = %s",
                (source, root.relative_to(folder).as_posix() + "/", collection, other),
            )
            connection.execute("delete from source where id = %s", (other,))
    return Target(source, folder, "")


def open_url(connection: Connection, collection: int, url: str) -> Target:
    """Return the source of an address; its only document has the address as path and uri."""
    row = connection.execute(
        "select id from source where collection = %s and location = %s", (collection, url)
    ).fetchone()
    return Target(row[0] if row else _insert_source(connection, collection, "url", url), Path(), "")


def _insert_source(connection: Connection, collection: int, kind: str, location: str) -> int:
    row = connection.execute(
        "insert into source (collection, kind, location) values (%s, %s, %s) returning id",
        (collection, kind, location),
    ).fetchone()
    return int(row[0]) if row else 0


def known_documents(connection: Connection, collection: int, target: Target) -> dict[str, Known]:
    """Return, by path, the live documents in the part of the source that a run looks at."""
    rows = connection.execute(
        "select d.path, d.id, d.content_hash, l.groups from document d join label l on l.id = d.label"
        " where d.collection = %s and d.source = %s and d.removed_at is null",
        (collection, target.source),
    ).fetchall()
    return {
        path: Known(document, bytes(content_hash), AccessLabel(frozenset(groups)))
        for path, document, content_hash, groups in rows
        if lies_in(path, target.prefix)
    }


def lies_in(path: str, folder: str) -> bool:
    """Return whether a path of a source is a folder of it, or below it; "" is the source's root."""
    return not folder or path == folder or path.startswith(folder + "/")


def choose_uri(connection: Connection, collection: int, target: Target, path: str) -> str:
    """Return the uri of the document at a path.

    It is the one it has; for a new document the path below the source's root, and only if a document of
    another source has that name already, with the root's name (and a number) before it.
    """
    row = connection.execute(
        "select uri from document where collection = %s and source = %s and path = %s",
        (collection, target.source, path),
    ).fetchone()
    if row is not None:
        return str(row[0])
    name, number = path, 1
    while connection.execute(
        "select 1 from document where collection = %s and uri = %s", (collection, name)
    ).fetchone():
        name = f"{target.root.name}/{path}" if number == 1 else f"{target.root.name}-{number}/{path}"
        number += 1
    return name
