"""Keeps the fusion weights of a collection in step with what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ragraft.database.pool import Connection, Database
from ragraft.documents.collection import Collection, find_collection
from ragraft.documents.embedders import Embedders, OpenTuned, no_tuned
from ragraft.documents.markup import readable
from ragraft.protocols import Embedder
from ragraft.retrieve.calibrate import SAMPLE, Terms, calibrate
from ragraft.retrieve.lexical import terms
from ragraft.retrieve.search import see
from ragraft.types import Caller, Vectors

__all__ = ["Calibrator"]

OWNER = Caller("owner", owner=True)

GROWN = 0.2
"""Weights are worked out again once the collection has grown or shrunk by this part."""


class Calibrator:
    """Works out, per language, how much each leg of the search counts, and writes it down.

    `tuned` opens the embedder of a collection that has been switched to a tuned one; `space` is one to be
    calibrated before it is in service.
    """

    def __init__(
        self,
        *,
        database: Database,
        embedder: Embedder,
        tuned: OpenTuned = no_tuned,
        collection: str = "default",
        space: int | None = None,
    ) -> None:
        self._database = database
        self._embedders = Embedders(embedder, tuned=tuned)
        self._name = collection
        self._space = space

    def is_due(self) -> bool:
        """Return whether the collection has changed in size enough since the last time."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name, space=self._space)
            if collection is None:
                return False
            size = see(connection, collection.id).size
        return abs(size - collection.calibrated_on) > GROWN * collection.calibrated_on

    def calibrate(self) -> dict[str, dict[str, float]]:
        """Work out the weights of each language's passages, write them down and return them."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name, space=self._space)
            if collection is None:
                return {}
            view = see(connection, collection.id)
            samples = {
                language: connection.execute(
                    "select c.text from chunk_terms t"
                    " join chunk c on (c.collection, c.id) = (t.collection, t.id)"
                    # Drawn by a hash of the number: the same passages each time, from all over.
                    " where t.collection = %s and t.language = %s order by hashint8(t.id), t.id limit %s",
                    (collection.id, language, SAMPLE),
                ).fetchall()
                for language in view.chunks
            }
        embed = _embed_with(self._embedders.of(collection))
        weights = {
            language: calibrate([text for (text,) in rows], embed=embed, terms=_terms_in(language))
            for language, rows in samples.items()
        }
        with self._database.transaction(OWNER) as connection:
            _keep(connection, collection, json.dumps(weights), view.size)
        return weights


def _terms_in(language: str) -> Terms:
    return lambda text: terms(text, language=language)


def _embed_with(embedder: Embedder) -> Callable[[Sequence[str]], Vectors]:
    return lambda texts: embedder.embed([readable(text) for text in texts])


def _keep(connection: Connection, collection: Collection, weights: str, size: int) -> None:
    """Write weights down where their space is, in service or not: it may have changed sides meanwhile."""
    # The collection's row first, as whoever switches does.
    for table, key in (("collection", "space"), ("space", "id")):
        connection.execute(
            f"update {table} set weights = %s, calibrated_on = %s where {key} = %s",  # noqa: S608 - names of ours
            (weights, size, collection.space),
        )
