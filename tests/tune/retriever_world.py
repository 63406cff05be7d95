"""A library whose index can be switched: an embedder with the same words at other places of the vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragraft.documents.embedders import OpenTuned
from ragraft.models.fake import FakeEmbedder
from ragraft.retrieve.search import HybridRetriever
from ragraft.systems import Workbench
from ragraft.tune.retriever_index import Space, Spaces
from ragraft.types import Caller, Vectors

TUNED = "fake-tuned-1@0"


class TurnedEmbedder(FakeEmbedder):
    """As FakeEmbedder, with each vector turned back to front: the two cannot be compared.

    `on_embed` is called with the texts before they are embedded.
    """

    def __init__(self, name: str = TUNED, on_embed: Callable[[Sequence[str]], None] = lambda _: None) -> None:
        super().__init__(name=name)
        self._on_embed = on_embed

    def embed(self, texts: Sequence[str]) -> Vectors:
        self._on_embed(texts)
        return super().embed(texts)[:, ::-1].copy()


def tuned(name: str) -> FakeEmbedder | None:
    """Open the tuned embedder, and no other."""
    return TurnedEmbedder() if name == TUNED else None


def spaces_of(bench: Workbench) -> Spaces:
    return Spaces(database=bench.database, audit=bench.audit)


def search_of(bench: Workbench, *, opened: OpenTuned = tuned) -> HybridRetriever:
    return HybridRetriever(database=bench.database, embedder=bench.embedder, tuned=opened)


def filled_space(bench: Workbench) -> Space:
    """Return a space by TurnedEmbedder that is whole, and out of service."""
    space = spaces_of(bench).open(TurnedEmbedder(), sources={})
    spaces_of(bench).fill(space, TurnedEmbedder())
    return space


def switch(bench: Workbench, caller: Caller) -> Space:
    """Take the space by TurnedEmbedder into service, made if need be."""
    space = filled_space(bench)
    spaces_of(bench).switch(space, TurnedEmbedder(), caller=caller)
    return space
