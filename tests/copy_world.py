"""A copy of a workspace's library, to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ragraft.access.labels import OWNER
from ragraft.compare.changes import Change
from ragraft.compare.freshness import apply_change
from ragraft.documents.editing import TextWriter
from ragraft.systems import Workbench


@dataclass(frozen=True, slots=True)
class CopiedWorld:
    """The parts of a workspace over a copy of its library."""

    bench: Workbench

    @property
    def writer(self) -> TextWriter:
        return self.bench.writer

    def apply(self, change: Change) -> None:
        apply_change(change, library=self.bench.library, writer=self.writer, caller=OWNER)


@contextmanager
def copied(bench: Workbench) -> Iterator[CopiedWorld]:
    with bench.copy() as copy:
        yield CopiedWorld(copy)
