"""The parts of a workspace over a copy of its library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.compare.changes import Change
from ragraft.compare.freshness import apply_change
from ragraft.database.pool import Database
from ragraft.documents.chunk import DocumentChunker
from ragraft.documents.copying import copied_library
from ragraft.documents.editing import TextWriter
from ragraft.documents.parse import FileParser
from ragraft.models.fake import FakeReader
from ragraft.systems import Workbench, term_weights
from small_world import dsn_of


@dataclass(frozen=True, slots=True)
class CopiedWorld:
    """A copy of a library, and what changes its texts."""

    bench: Workbench
    writer: TextWriter

    def apply(self, change: Change) -> None:
        apply_change(change, library=self.bench.library, writer=self.writer, caller=OWNER)


@contextmanager
def copied(bench: Workbench) -> Iterator[CopiedWorld]:
    """Yield a copy of the library with the same models."""
    with (
        copied_library(bench.database, open_schema=opener(bench)) as database,
        TemporaryDirectory() as folder,
        Workbench(bench.workspace, embedder=bench.embedder, model=bench.model, reader=FakeReader()) as twin,
    ):
        twin.database = database
        twin.audit = AuditLog(database=database, folder=Path(folder))
        yield CopiedWorld(twin, writer_of(twin))


def opener(bench: Workbench) -> Callable[[str], Database]:
    def open_schema(schema: str) -> Database:
        return Database(conninfo=lambda: dsn_of(bench), schema=schema)

    return open_schema


def writer_of(bench: Workbench) -> TextWriter:
    return TextWriter(
        database=bench.database,
        audit=bench.audit,
        parser=FileParser(),
        chunker=DocumentChunker(
            count_tokens=bench.embedder.count_tokens, max_tokens=bench.settings.documents.chunk_tokens
        ),
        embedder=bench.embedder,
        term_weights=term_weights,
    )
