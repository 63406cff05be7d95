"""Keeps the fusion weights of a collection in step with what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ragraft.database.pool import Database
from ragraft.documents.collection import find_collection
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
    """Works out, per language, how much each leg of the search counts, and writes it down."""

    def __init__(self, *, database: Database, embedder: Embedder, collection: str = "default") -> None:
        self._database = database
        self._embedder = embedder
        self._name = collection

    def is_due(self) -> bool:
        """Return whether the collection has changed in size enough since the last time."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name)
            if collection is None:
                return False
            size = see(connection, collection.id).size
        return abs(size - collection.calibrated_on) > GROWN * collection.calibrated_on

    def calibrate(self) -> dict[str, dict[str, float]]:
        """Work out the weights of each language's passages, write them down and return them."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name)
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
        weights = {
            language: calibrate([text for (text,) in rows], embed=self._embed, terms=_terms_in(language))
            for language, rows in samples.items()
        }
        with self._database.transaction(OWNER) as connection:
            connection.execute(
                "update collection set weights = %s, calibrated_on = %s where id = %s",
                (json.dumps(weights), view.size, collection.id),
            )
        return weights

    def _embed(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed([readable(text) for text in texts])


def _terms_in(language: str) -> Terms:
    return lambda text: terms(text, language=language)
