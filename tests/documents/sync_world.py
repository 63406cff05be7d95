"""What the tests of adding share: small files, counts, and a sync whose parser or network is a test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.chunk import DocumentChunker
from ragraft.documents.fetch import Fetched
from ragraft.documents.sync import Sync, SyncReport
from ragraft.errors import FetchError, ModelError, UnreadableError
from ragraft.models.fake import FakeEmbedder
from ragraft.systems import Workbench, term_weights
from ragraft.types import AccessLabel, ParsedDocument, Vectors

SOUP = "# Soup\n\nLentil soup is served on Monday."
FISH = "# Fish\n\nTrout is served on Friday."
CAKE = "# Cake\n\nPlum cake is served on Sunday."


def counts(report: SyncReport) -> dict[str, int]:
    names = ("added", "replaced", "relabelled", "removed", "unchanged")
    given = {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}
    return {name: count for name, count in given.items() if count}


def uris(bench: Workbench) -> dict[str, int]:
    """Return the uri and revision of every document."""
    return {document.uri: document.revision for document in bench.library.documents(OWNER)}


def labels(bench: Workbench) -> dict[str, AccessLabel]:
    return {document.uri: document.label for document in bench.library.documents(OWNER)}


class CountingEmbedder(FakeEmbedder):
    """Counts the texts it was given, and fails for those that hold a word."""

    def __init__(self, *, fail_at: str = "\0") -> None:
        super().__init__()
        self.texts = 0
        self._fail_at = fail_at

    def embed(self, texts: list[str]) -> Vectors:  # type: ignore[override]  # given a list here
        self.texts += len(texts)
        if any(self._fail_at in text for text in texts):
            raise ModelError("the embedder failed")
        return super().embed(texts)


class OwnWords:
    """A parser that calls for the sync's other parts: it fails or waits at files that say so."""

    def __init__(self, *, wait: Callable[[], object] = lambda: None) -> None:
        self._wait = wait

    def parse(self, content: bytes, *, name: str, media_type: str = "") -> ParsedDocument:
        if b"unreadable" in content:
            raise UnreadableError("cannot be read", hint="write it anew")
        self._wait()
        return ParsedDocument(content.decode(), name, media_type or "text/plain")


def sync_with(
    bench: Workbench,
    *,
    parser: OwnWords | None = None,
    fetch: Callable[[str], Fetched] | None = None,
) -> Sync:
    """Return a sync over the bench's library whose parser or network is a test's own."""

    def no_network(url: str) -> Fetched:
        raise FetchError(f"{url} could not be read")

    return Sync(
        database=bench.database,
        audit=bench.audit,
        parser=parser or OwnWords(),
        chunker=DocumentChunker(count_tokens=bench.embedder.count_tokens),
        embedder=bench.embedder,
        term_weights=term_weights,
        fetch=fetch or no_network,
        max_bytes=1_000_000,
    )


def page(content: str, *, name: str = "page") -> Callable[[str], Fetched]:
    return lambda url: Fetched(content.encode(), "text/plain", url, name)


URL = "https://example.test/page?x=1"


def add_all(bench: Workbench, folder: Path) -> SyncReport:
    return sync_with(bench).add_path(folder, rules=AccessRules(), caller=OWNER)
