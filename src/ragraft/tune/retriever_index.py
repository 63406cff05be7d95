"""Vectors by another embedder beside those in service: made, checked, taken into service, given up.

A space is filled while searches go on in the old one. What is added meanwhile has no vector in it yet, what is
erased or relabelled is so in every space (documents/write.py); so a space is whole once nothing is missing, which is
made sure of in the very transaction that takes it into service, under the lock that writers take. A search reads
which space is in service in the same snapshot as the vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.database.pool import Database, scalar
from ragraft.documents.collection import Collection, find_collection
from ragraft.documents.library import require_owner
from ragraft.documents.write import lock_for_writing
from ragraft.errors import ModelError, NotFoundError, WorkspaceError
from ragraft.protocols import Embedder
from ragraft.tune.retriever_vectors import (
    STEPS,
    add_vectors,
    count_missing,
    embed_rows,
    find_missing,
    recall_of,
)
from ragraft.types import Caller

__all__ = ["Checked", "Space", "Spaces"]

TUNING_LOCK = 0x7261_7265_0000_0000  # "rare" and the number of the collection

SAMPLE = 64
ALIKE = 0.999
RECALL = 0.9
"""Least cosine of a vector kept and the same made anew, and least share of the ten nearest that the index finds."""


@dataclass(frozen=True, slots=True)
class Space:
    """One embedder's vectors. `erased` counts the documents that it was tuned on and that are erased by now."""

    id: int
    embedder: str
    in_service: bool
    previous: int | None
    erased: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a whole space gave.

    `missing` counts passages without a vector, `alike` is the least cosine of a vector kept to the same made anew,
    `recall` the share of the ten nearest that its index finds.
    """

    passages: int
    missing: int
    alike: float
    recall: float

    @property
    def fault(self) -> str:
        """What forbids to use it; empty if nothing does."""
        if self.missing:
            return f"{self.missing} passages have no vector"
        if self.alike < ALIKE:
            return f"a vector differs from the same made anew (cosine {self.alike:.4f})"
        if self.recall < RECALL:
            return f"the index finds {self.recall:.0%} of the ten nearest passages"
        return ""


class Spaces:
    """The spaces of one collection."""

    def __init__(self, *, database: Database, audit: AuditLog, collection: str = "default") -> None:
        self._database = database
        self._audit = audit
        self._name = collection

    def collection(self) -> Collection:
        """Return the collection with the space in service. Raises: NotFoundError if nothing was ever added."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            found = find_collection(connection, self._name)
        if found is None:
            raise NotFoundError("the library is empty", hint="add documents first: ragraft add FOLDER")
        return found

    def spaces(self) -> list[Space]:
        """Return all spaces, oldest first."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            rows = connection.execute(
                "select s.id, s.embedder, c.space = s.id, s.previous, (select count(*) from space_source o"
                " where o.space = s.id and o.erased_at is not null) from space s"
                " join collection c on c.id = s.collection where c.name = %s order by s.id",
                (self._name,),
            ).fetchall()
        return [Space(*row) for row in rows]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off other tunings of this collection. Raises: WorkspaceError if one is under way."""
        lock = (TUNING_LOCK + self.collection().id,)
        with self._database.administration() as connection:
            if connection.execute("select pg_try_advisory_lock(%s)", lock).fetchone() != (True,):
                raise WorkspaceError(
                    "the retriever is being tuned already", hint="wait until that run is through"
                )
            yield

    def size(self) -> int:
        """Return how many passages the collection has, archived ones included."""
        number = self.collection().id
        with self._database.transaction(OWNER, read_only=True) as connection:
            counts = [
                scalar(connection, f"select count(*) from {table} where collection = %s", (number,))  # noqa: S608 - names of ours
                for table in ("chunk", "archived_chunk")
            ]
        return sum(map(int, counts))

    def open(self, embedder: Embedder, *, sources: Mapping[int, int]) -> Space:
        """Return the embedder's space, made if need be, with what it was tuned on ({document: revision})."""
        known = {space.embedder: space for space in self.spaces()}
        if embedder.name in known:
            return known[embedder.name]
        collection = self.collection().id
        with self._database.administration() as connection, connection.transaction():
            lock_for_writing(connection, collection)
            made = scalar(
                connection, "select add_space(%s, %s, %s)", (collection, embedder.name, embedder.dimensions)
            )
            for document, revision in sources.items():
                # A document that was erased since the pairs were made is noted as such.
                connection.execute(
                    "insert into space_source select %(s)s, %(c)s, %(d)s, %(r)s, case when not exists (select from"
                    " document where collection = %(c)s and id = %(d)s) then clock_timestamp() end",
                    {"s": made, "c": collection, "d": document, "r": revision},
                )
        return next(space for space in self.spaces() if space.id == made)

    def fill(
        self, space: Space, embedder: Embedder, *, on_batch: Callable[[int, int], None] = lambda _d, _t: None
    ) -> int:
        """Embed what the space lacks and return how many passages that was; stopped at any time, it goes on there.

        `on_batch` is told how many of how many are done.
        """
        collection = self.collection().id
        with self._database.transaction(OWNER, read_only=True) as connection:
            total, done = count_missing(connection, collection, space.id), 0
        for find, add in STEPS:
            after = 0
            while True:
                with self._database.transaction(OWNER, read_only=True) as connection:
                    rows = find_missing(connection, find, collection, space.id, after=after)
                if not rows:
                    break
                vectors = embed_rows(embedder, rows)
                with self._database.transaction(OWNER) as connection:
                    lock_for_writing(connection, collection)
                    add_vectors(connection, add, collection, space.id, vectors)
                after, done = rows[-1][0], done + len(rows)
                on_batch(done, max(done, total))
        return done

    def check(self, space: Space, embedder: Embedder) -> Checked:
        """Compare a sample of the space with the embedder and with an exact search, and count what is missing."""
        collection = self.collection().id
        with self._database.transaction(OWNER, read_only=True) as connection:
            missing = count_missing(connection, collection, space.id)
            count = scalar(connection, "select count(*) from chunk_vector where space = %s", (space.id,))
            rows = connection.execute(
                "select c.id, c.context, c.text, v.vector from chunk_vector v"
                " join chunk c on (c.collection, c.id) = (v.collection, v.id)"
                " where v.space = %s order by hashint8(v.id), v.id limit %s",
                (space.id, SAMPLE),
            ).fetchall()
            if not rows:
                return Checked(count, missing, 1.0, 1.0)
            fresh = [vector for _, vector in embed_rows(embedder, [row[:3] for row in rows])]
            kept = [row[3].to_numpy().astype(np.float32) for row in rows]
            alike = min(
                float(one @ other / np.linalg.norm(other)) for one, other in zip(fresh, kept, strict=True)
            )
            recall = recall_of(connection, space.id, embedder.dimensions, kept)
        return Checked(count, missing, alike, recall)

    def switch(self, space: Space, embedder: Embedder, *, caller: Caller, back: bool = False) -> None:
        """Take a space into service, in one transaction: every search is in the old one or in this.

        What was written since it was filled is embedded within, so fill it first. Going `back` does not change
        which space came before which.

        Raises: NotAllowedError unless the caller is the owner; ModelError if the embedder is not the space's.
        """
        require_owner(caller, "change the retriever")
        if embedder.name != space.embedder:
            raise ModelError(f"{embedder.name} did not make the vectors of {space.embedder}")
        with self._audit.transaction(caller) as (connection, audit):
            number = self.collection().id
            lock_for_writing(connection, number)
            for find, add in STEPS:
                while rows := find_missing(connection, find, number, space.id):
                    add_vectors(connection, add, number, space.id, embed_rows(embedder, rows))
            old = scalar(connection, "select space from collection where id = %s for update", (number,))
            if old == space.id:
                return
            connection.execute(
                "update collection c set (space, embedder, dimensions, weights, calibrated_on) ="
                " (s.id, s.embedder, s.dimensions, s.weights, s.calibrated_on) from space s"
                " where c.id = %s and s.id = %s",
                (number, space.id),
            )
            if not back:
                connection.execute("update space set previous = %s where id = %s", (old, space.id))
            audit.append("retriever switched", {"embedder": space.embedder, "back": back})

    def forget(self, *, caller: Caller) -> list[str]:
        """Delete every space that is out of service, and return the names of their embedders.

        Raises: NotAllowedError unless the caller is the owner.
        """
        require_owner(caller, "delete an index")
        gone = []
        number = self.collection().id
        with self._database.administration() as connection, connection.transaction():
            lock_for_writing(connection, number)
            rows = connection.execute(
                "select s.id, s.embedder from space s join collection c on c.id = s.collection"
                " where c.id = %s and c.space <> s.id",
                (number,),
            ).fetchall()
            for id_, embedder in rows:
                connection.execute("select drop_space(%s)", (id_,))
                gone.append(embedder)
        self._audit.record(caller, "retrievers forgotten", {"embedders": gone})
        return gone
