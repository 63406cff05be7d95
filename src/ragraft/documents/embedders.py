"""Which embedder to use: always the one that made the vectors in service, also when that changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from ragraft.documents.collection import Collection
from ragraft.errors import WorkspaceError
from ragraft.protocols import Embedder

__all__ = ["Embedders", "OpenTuned", "no_tuned"]

OpenTuned = Callable[[str], Embedder | None]
"""Opens the tuned embedder of that name; None if the workspace has none, or not for these settings."""


def no_tuned(_name: str) -> None:
    """Be a workspace without tuned embedders."""


class Embedders:
    """The embedder that the settings name, and the tuned ones. Threads may share it."""

    def __init__(self, configured: Embedder, *, tuned: OpenTuned = no_tuned) -> None:
        self._configured = configured
        self._tuned = tuned
        self._current = configured

    @property
    def current(self) -> Embedder:
        """The one that fitted last: a guess, for who begins before the collection is read."""
        return self._current

    def of(self, collection: Collection) -> Embedder:
        """Return the embedder that made the collection's vectors.

        Raises: WorkspaceError if there is none of that name: vectors of two models cannot be compared.
        """
        known = (self._current, self._configured)
        found = next((one for one in known if one.name == collection.embedder), None)
        found = found or self._tuned(collection.embedder)
        if found is None or found.name != collection.embedder:
            raise WorkspaceError(
                f"this library was embedded with {collection.embedder}, but {self._configured.name} is configured",
                hint="set [embedder] back, or add the documents to a new workspace",
            )
        self._current = found
        return found
