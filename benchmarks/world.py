"""Small libraries that the benchmarks build: real workspaces in temporary folders, each with its own server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.ground import Text
from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.database.embedded import EmbeddedServer
from ragraft.documents.chunk import DocumentChunker
from ragraft.documents.fetch import Fetched
from ragraft.documents.parse import FileParser
from ragraft.documents.sync import Sync, SyncReport
from ragraft.errors import FetchError
from ragraft.protocols import Embedder
from ragraft.systems import Workbench, term_weights
from ragraft.types import ParsedDocument
from ragraft.workspace import Workspace, create_workspace

__all__ = ["add_texts", "calibrate", "new_library", "open_library", "server_of"]


@contextmanager
def new_library(*, embedder: Embedder | None = None, threads: int | None = None) -> Iterator[Workbench]:
    """Yield the parts of a new workspace on an embedded server; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ragraft-bench-") as folder, ExitStack() as last:
        with open_library(Path(folder) / "workspace", embedder=embedder, threads=threads) as bench:
            # Now, not when it has been idle for a while: it still writes to the folder.
            last.callback(server_of(bench).stop)
            yield bench


@contextmanager
def open_library(
    root: Path, *, embedder: Embedder | None = None, threads: int | None = None
) -> Iterator[Workbench]:
    """Yield the parts of the workspace in `root`, made if there is none.

    Its settings are the defaults whatever the environment says: a benchmark never writes to the
    database that somebody works with. The server stops soon after the block.
    """
    made, _ = create_workspace(root)
    settings = Settings.model_validate({"database": {"idle_seconds": 1}, "embedder": {"threads": threads}})
    with Workbench(Workspace(made.root, settings), embedder=embedder) as bench:
        yield bench


def server_of(bench: Workbench) -> EmbeddedServer:
    """Return the handle of a library's embedded server, for its state and for stopping it."""
    if bench.postgres_folder is None:
        raise RuntimeError("the benchmarks use the embedded server")
    return EmbeddedServer(bench.postgres_folder)


def add_texts(bench: Workbench, texts: Iterable[Text]) -> SyncReport:
    """Add a judged collection by way of a folder of text files, one per document, named by its id.

    Everything is as `ragraft add` does it, except that a document's title is the collection's own
    (often none) instead of being made of the file's name.
    """
    titles = {f"{text.id}.txt": text.title for text in texts}
    with tempfile.TemporaryDirectory(prefix="ragraft-texts-") as folder, _Titled(titles) as parser:
        for text in texts:
            (Path(folder) / f"{text.id}.txt").write_text(text.text, encoding="utf-8", newline="")
        report = _sync(bench, parser).add_path(Path(folder), rules=AccessRules(), caller=OWNER)
    if report.failed:
        raise RuntimeError(f"{len(report.failed)} texts were refused: {report.failed[0]}")
    return report


def calibrate(bench: Workbench) -> float:
    """Do what `ragraft add` does when it is through, and return the seconds it took."""
    began = time.perf_counter()
    if bench.calibrator.is_due():
        bench.calibrator.calibrate()
    return time.perf_counter() - began


class _Titled:
    """Parses files with the real parser and gives each the title of its collection."""

    def __init__(self, titles: dict[str, str]) -> None:
        self._titles = titles
        self._parser = FileParser()

    def parse(self, content: bytes, *, name: str, media_type: str = "") -> ParsedDocument:
        """Return the file's text under its title."""
        parsed = self._parser.parse(content, name=name, media_type=media_type)
        return replace(parsed, title=self._titles[name])

    def __enter__(self) -> _Titled:
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.close()


def _sync(bench: Workbench, parser: _Titled) -> Sync:
    settings = bench.settings.documents
    return Sync(
        database=bench.database,
        audit=bench.audit,
        parser=parser,
        chunker=DocumentChunker(count_tokens=bench.embedder.count_tokens, max_tokens=settings.chunk_tokens),
        embedder=bench.embedder,
        term_weights=term_weights,
        fetch=_fetch_nothing,
        max_bytes=settings.max_bytes,
    )


def _fetch_nothing(url: str) -> Fetched:
    raise FetchError(f"a benchmark fetches nothing, and was asked for {url}")
