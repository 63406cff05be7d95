"""A collection: documents that are searched together, embedded by one model.

It may have vectors by other embedders as well, each set of them a space; one space is in service at a time.
"""

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
    """What search needs to know of a collection. `calibrated_on` counts the passages it had then.

    `space` holds the vectors that are in service; `embedder` made them.
    """

    id: int
    name: str
    space: int
    embedder: str
    dimensions: int
    weights: Weights
    calibrated_on: int


def find_collection(connection: Connection, name: str, *, space: int | None = None) -> Collection | None:
    """Return the collection of that name, or None if nothing was ever added to it.

    With `space`, as it would be with that one in service; for the owner alone.
    """
    if space is None:
        row = connection.execute(
            "select id, name, space, embedder, dimensions, weights, calibrated_on from collection where name = %s",
            (name,),
        ).fetchone()
    else:
        row = connection.execute(
            "select c.id, c.name, s.id, s.embedder, s.dimensions, s.weights, s.calibrated_on from space s"
            " join collection c on c.id = s.collection where c.name = %s and s.id = %s",
            (name, space),
        ).fetchone()
    return Collection(*row) if row else None


def open_collection(database: Database, *, name: str, embedder: str, dimensions: int) -> Collection:
    """Return the collection, made for that embedder if need be; it may be in service with another by now."""
    with database.administration() as connection:
        collection = find_collection(connection, name)
        if collection is None:
            with suppress(psycopg.errors.UniqueViolation):  # another process made it a moment ago
                connection.execute("select add_collection(%s, %s, %s)", (name, embedder, dimensions))
            collection = find_collection(connection, name)
    if collection is None:
        raise WorkspaceError(f"the collection {name} could not be made")
    return collection
