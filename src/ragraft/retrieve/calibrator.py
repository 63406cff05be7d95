"""Keeps the fusion weights of a collection in step with what is in it."""

from __future__ import annotations

from ragraft.database.pool import Database
from ragraft.documents.collection import find_collection
from ragraft.protocols import Embedder
from ragraft.retrieve.search import HybridRetriever, see
from ragraft.types import Caller

__all__ = ["Calibrator"]

OWNER = Caller("owner", owner=True)


class Calibrator:
    def __init__(
        self, *, database: Database, embedder: Embedder, search: HybridRetriever, collection: str = "default"
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._search = search
        self._name = collection

    def is_due(self) -> bool:
        """Return whether the collection has grown or shrunk by a fifth since it was last calibrated."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            collection = find_collection(connection, self._name)
            if collection is None:
                return False
            size = see(connection, collection.id).size
        return abs(size - collection.calibrated_on) > 0.2 * max(collection.calibrated_on, 1)

    def calibrate(self) -> None:
        """Set the weights."""
