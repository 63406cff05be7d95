"""Filling a library with passages quickly: documents of ten, many to a transaction, written as Sync writes them."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.corpus import Corpus
from benchmarks.figures import say
from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection
from ragraft.documents.collection import open_collection
from ragraft.documents.placement import open_folder
from ragraft.documents.write import Content, find_or_add_label, lock_for_writing, put_document
from ragraft.systems import Workbench, term_weights
from ragraft.types import AccessLabel, Chunk, ParsedDocument, Vectors

__all__ = ["LABELS", "PER_DOCUMENT", "Shelf", "content_of", "groups"]

PER_DOCUMENT = 10
LABELS = 50
DOCUMENTS_AT_ONCE = 100
SEED = 11


def groups(count: int) -> frozenset[str]:
    """Return the groups of a caller who sees `count` of the 50 labels, 2 % of the passages each."""
    return frozenset(f"group-{number:02d}" for number in range(count))


class Shelf:
    """The documents that the benchmark puts into a library, numbered from 0, each with a label of its own."""

    def __init__(self, bench: Workbench, corpus: Corpus) -> None:
        self._bench = bench
        self._corpus = corpus
        collection = open_collection(
            bench.database,
            name="default",
            embedder=bench.embedder.name,
            dimensions=bench.embedder.dimensions,
        )
        self.collection = collection.id
        with bench.database.transaction(OWNER) as connection:
            lock_for_writing(connection, self.collection)
            self._source = open_folder(connection, self.collection, bench.workspace.root / "shelf").source

    @property
    def size(self) -> int:
        """How many passages are on it."""
        with self._bench.database.transaction(OWNER, read_only=True) as connection:
            row = connection.execute(
                "select count(*) from document where source = %s", (self._source,)
            ).fetchone()
        return (row[0] if row else 0) * PER_DOCUMENT

    def fill(self, passages: int) -> float:
        """Add documents until there are so many passages; return the seconds it took.

        Afterwards VACUUM ANALYZE does at once what autovacuum does within minutes.
        """
        began = time.perf_counter()
        documents = range(self.size // PER_DOCUMENT, passages // PER_DOCUMENT)
        for start in documents[::DOCUMENTS_AT_ONCE]:
            with self._bench.database.transaction(OWNER) as connection:
                lock_for_writing(connection, self.collection)
                for number in range(start, min(start + DOCUMENTS_AT_ONCE, documents.stop)):
                    self.put(connection, number, self.content(number))
            if (start - documents.start) % 1000 == 0:
                say(f"{start * PER_DOCUMENT} of {passages} passages written")
        seconds = time.perf_counter() - began
        with self._bench.database.administration() as connection:
            connection.execute("vacuum analyze")
        return seconds

    def content(self, number: int) -> Content:
        """Return document `number`, ready to be written."""
        at = number * PER_DOCUMENT
        passages = list(self._corpus.passages(at, at + PER_DOCUMENT))
        texts = [text for text, _ in passages]
        return content_of(
            self._bench, f"Document {number}", texts, np.stack([vector for _, vector in passages])
        )

    def put(self, connection: Connection, number: int, content: Content) -> None:
        """Add document `number` or replace it, in a transaction of the caller's."""
        name = f"document-{number:06d}"
        label = find_or_add_label(connection, self.collection, AccessLabel(_group_of(number)))
        put_document(
            connection,
            collection=self.collection,
            source=self._source,
            path=name,
            uri=name,
            label=label,
            content=content,
        )


def _group_of(number: int) -> frozenset[str]:
    """Return the group that may read a document; every 50 documents in a row have all groups, in some order."""
    row, place = divmod(number, LABELS)
    order = random.Random(f"{SEED} {row}").sample(range(LABELS), LABELS)
    return frozenset({f"group-{order[place]:02d}"})


def content_of(bench: Workbench, title: str, texts: Sequence[str], vectors: Vectors) -> Content:
    """Return a document made of passages, with exact spans and BM25 weights."""
    chunks, at = [], 0
    for text, tokens in zip(texts, bench.embedder.count_tokens(list(texts)), strict=True):
        chunks.append(Chunk(at, at + len(text), text, tokens=tokens))
        at += len(text) + 2
    whole = "\n\n".join(texts)
    return Content(
        ParsedDocument(whole, title, "text/plain", "en"),
        hashlib.sha256(whole.encode()).digest(),
        chunks,
        vectors,
        [term_weights(chunk.full_text, "en") for chunk in chunks],
    )
