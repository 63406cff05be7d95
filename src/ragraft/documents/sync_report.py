"""What a sync tells of itself: how far it is, what it did, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Failure", "Progress", "SyncReport", "show_nothing"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or address that could not be read, and why."""

    uri: str
    reason: str


@dataclass(slots=True)
class SyncReport:
    """What a run did. `relabelled` counts those of `replaced` whose text stayed; tokens are the embedder's."""

    added: int = 0
    replaced: int = 0
    relabelled: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    skipped: Mapping[str, int] = field(default_factory=dict)
    chunks: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: bytes of files dealt with and in all, tokens embedded, and what it is doing."""

    done: int
    total: int
    tokens: int
    doing: str


def show_nothing(_: Progress) -> None:
    """Take a progress report and keep it to oneself."""
