"""A collection: documents that are searched together, embedded by one model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from ragraft.database.pool import Connection, Database
from ragraft.errors import WorkspaceError

__all__ = ["Collection", "find_collection", "open_collection"]

Weights = Mapping[str, Mapping[str, float]]
"""{language: {leg: weight}} for fusing the rankings."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What search needs to know of a collection. `calibrated_on` counts the passages it had then."""

    id: int
    name: str
    embedder: str
    dimensions: int
    weights: Weights
    calibrated_on: int


def find_collection(connection: Connection, name: str) -> Collection | None:
    """Return the collection of that name, or None if nothing was ever added to it."""
    row = connection.execute(
        "select id, name, embedder, dimensions, weights, calibrated_on from collection where name = %s",
        (name,),
    ).fetchone()
    return Collection(*row) if row else None


def open_collection(database: Database, *, name: str, embedder: str, dimensions: int) -> Collection:
    """Return the collection, made if need be.

    Raises: WorkspaceError if another model embedded what is in it: its vectors cannot be compared.
    """
    with database.administration() as connection:
        collection = find_collection(connection, name)
        if collection is None:
            with suppress(psycopg.errors.UniqueViolation):  # another process made it a moment ago
                connection.execute("select add_collection(%s, %s, %s)", (name, embedder, dimensions))
            collection = find_collection(connection, name)
    if collection is None:
        raise WorkspaceError(f"the collection {name} could not be made")
    check_embedder(collection, embedder)
    return collection


def check_embedder(collection: Collection, embedder: str) -> None:
    """Raise WorkspaceError if the collection's vectors come from another model than `embedder`."""
    if collection.embedder != embedder:
        raise WorkspaceError(
            f"this library was embedded with {collection.embedder}, but {embedder} is configured",
            hint="set [embedder] back, or add the documents to a new workspace",
        )
