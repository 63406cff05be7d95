"""Wires the settings of a workspace into its parts; the only module that knows every kind of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Self

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER, resolve_caller
from ragraft.answer.confidence import load_confidence
from ragraft.answer.followup import rewrite_by_model, rewrite_by_rules
from ragraft.answer.prompt import SYSTEM, Budget
from ragraft.answer.rag import RagSystem
from ragraft.chosen import (
    open_chat_model,
    open_embedder,
    open_entailment,
    open_reader,
    open_reranker,
    open_tuned_embedder,
)
from ragraft.config import Settings
from ragraft.database.migrate import migrate
from ragraft.database.pool import Database
from ragraft.documents.copying import copied_library
from ragraft.documents.editing import TextWriter
from ragraft.documents.embedders import OpenTuned
from ragraft.documents.erase import Discarded, Eraser
from ragraft.documents.library import Library
from ragraft.documents.sync import Sync
from ragraft.protocols import ChatModel, Chunker, Embedder, Entailment, Parser, Reader, Reranker
from ragraft.retrieve.audited import AuditedRetriever
from ragraft.retrieve.calibrator import Calibrator
from ragraft.retrieve.lexical import count_terms, terms, weights
from ragraft.retrieve.search import HybridRetriever
from ragraft.tune.registry import AdapterRegistry
from ragraft.tune.store import ExampleStore
from ragraft.tune.unfinished import discard_unfinished
from ragraft.types import Caller, SystemCard, Vectors
from ragraft.verify.verifier import Verifier
from ragraft.workspace import Workspace

__all__ = ["SystemKind", "Workbench"]

SystemKind = Literal["plain", "rag", "long_context", "tuned", "tuned_rag", "raft"]
"""The ways to answer that a workspace has."""


class Workbench:
    """The parts of one workspace, each made when first used and closed together.

    `embedder`, `model`, `reranker` and `reader` replace what the settings name, for tests and for embedding
    ragraft in another program.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        embedder: Embedder | None = None,
        model: ChatModel | None = None,
        reranker: Reranker | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.workspace = workspace
        self._given = (embedder, model, reranker, reader)
        self._closers: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections, child processes and the embedded server."""
        while self._closers:
            self._closers.pop()()

    @property
    def settings(self) -> Settings:
        """The workspace's settings."""
        return self.workspace.settings

    def caller(self, *, name: str | None = None, groups: tuple[str, ...] = ()) -> Caller:
        """Return a known caller, a caller of some groups, or the owner."""
        return resolve_caller(name=name, groups=groups, known=self.settings.callers)

    @cached_property
    def postgres_folder(self) -> Path | None:
        """The folder of the embedded server; None if the library is in another PostgreSQL."""
        return None if self.settings.database.dsn else self.workspace.state / "postgres"

    @cached_property
    def database(self) -> Database:
        """The library's database, migrated to this version."""
        settings = self.settings.database
        folder = self.postgres_folder
        if folder is None:
            dsn = settings.dsn.get_secret_value() if settings.dsn else ""
            database = Database(
                conninfo=lambda: dsn, schema=settings.schema_name, pool_size=settings.pool_size
            )
        else:
            from ragraft.database.embedded import EmbeddedServer

            server = EmbeddedServer(
                folder, idle_seconds=settings.idle_seconds, start_seconds=settings.start_seconds
            )
            self._closers.append(server.close)
            database = Database(
                conninfo=server.connect_info, schema=settings.schema_name, pool_size=settings.pool_size
            )
        self._closers.append(database.close)
        migrate(database)
        return database

    @contextmanager
    def copy(self) -> Iterator[Workbench]:
        """Yield a workbench on a copy of the library, which goes when the block ends; what reads and searches is shared.

        It has no examples and no adapters. Raises: DatabaseError as `copied_library` does.
        """
        twin = Workbench(
            self.workspace,
            embedder=self.embedder,
            model=self._given[1],
            reranker=self.reranker,
            reader=self.reader,
        )
        with (
            copied_library(self.database, open_schema=self.database.beside) as database,
            TemporaryDirectory() as folder,
            twin,
        ):
            twin.database = database
            twin.audit = AuditLog(database=database, folder=Path(folder))
            yield twin

    @cached_property
    def audit(self) -> AuditLog:
        """The audit chain."""
        return AuditLog(database=self.database, folder=self.workspace.state)

    @cached_property
    def library(self) -> Library:
        """The documents, for reading and removing."""
        return Library(database=self.database, audit=self.audit)

    @cached_property
    def eraser(self) -> Eraser:
        """Destroys documents."""
        return Eraser(
            database=self.database,
            audit=self.audit,
            data_folder=self.postgres_folder,
            discard=self._discard_traces,
        )

    @property
    def comparisons_folder(self) -> Path:
        """Where answers are kept, so that a comparison asks nothing twice."""
        return self.workspace.state / "comparisons"

    def _discard_traces(self) -> Discarded:
        kept = self.comparisons_folder.exists()
        if kept:
            shutil.rmtree(self.comparisons_folder)
        return replace(discard_unfinished(self.adapters_folder), answers=kept)

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder that the settings name."""
        return self._given[0] or open_embedder(self.settings.embedder)

    @cached_property
    def tuned_embedder(self) -> OpenTuned:
        """Opens the tuned embedders of the workspace, each once."""
        return cache(
            partial(
                open_tuned_embedder,
                settings=self.settings.embedder,
                folder=self.workspace.state / "embedders",
            )
        )

    @cached_property
    def model(self) -> ChatModel:
        """The generator that the settings name."""
        return self.open_model()

    def open_model(self, *, together: bool = False) -> ChatModel:
        """Return the generator that the settings name, opened anew; `together` as for `open_chat_model`."""
        return self._given[1] or open_chat_model(
            self.settings.model,
            cache_folder=self.workspace.state / "models",
            threads=self.threads,
            together=together,
        )

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker that the settings name, if any."""
        return self._given[2] or open_reranker(self.settings.reranker, threads=self.threads)

    @cached_property
    def reader(self) -> Reader | None:
        """The reader that ships, unless the settings leave it out."""
        if not self.settings.answer.reader:
            return None
        return self._given[3] or open_reader(threads=self.threads)

    @cached_property
    def entailment(self) -> Entailment | None:
        """The model that the settings name for sentences which the verifier cannot decide, if any."""
        return open_entailment(self.settings.entailment, threads=self.threads)

    @property
    def threads(self) -> int | None:
        """Threads that a model computes with; None for all processors."""
        return self.settings.embedder.threads

    @cached_property
    def verifier(self) -> Verifier:
        """Checks the sentences of answers."""
        return Verifier(
            terms=english_terms,
            likeness=self.likeness,
            entail=self.entailment.entail if self.entailment else None,
        )

    @property
    def confidence_file(self) -> Path:
        """Where `ragraft calibrate` keeps what it found for this workspace."""
        return self.workspace.state / "confidence.json"

    @cached_property
    def sync(self) -> Sync:
        """Brings folders, files and addresses into the library."""
        from ragraft.documents.fetch import Fetched, fetch

        settings = self.settings.documents

        def fetch_within_limits(url: str) -> Fetched:
            return fetch(
                url,
                max_bytes=settings.max_bytes,
                timeout=settings.fetch_seconds,
                allow_private=settings.allow_private_addresses,
            )

        return Sync(
            database=self.database,
            audit=self.audit,
            parser=self.parser,
            chunker=self.chunker,
            embedder=self.embedder,
            tuned=self.tuned_embedder,
            term_weights=term_weights,
            fetch=fetch_within_limits,
            max_bytes=settings.max_bytes,
        )

    @cached_property
    def writer(self) -> TextWriter:
        """Gives documents another text."""
        return TextWriter(
            database=self.database,
            audit=self.audit,
            parser=self.parser,
            chunker=self.chunker,
            embedder=self.embedder,
            tuned=self.tuned_embedder,
            term_weights=term_weights,
        )

    @cached_property
    def parser(self) -> Parser:
        """Reads files, each in a process of its own."""
        from ragraft.documents.parse import FileParser
        from ragraft.documents.sandbox import Sandbox

        parser = FileParser(sandbox=Sandbox(seconds=self.settings.documents.parse_seconds))
        self._closers.append(parser.close)
        return parser

    @cached_property
    def chunker(self) -> Chunker:
        """Cuts documents into passages."""
        from ragraft.documents.chunk import DocumentChunker

        return DocumentChunker(
            count_tokens=self.embedder.count_tokens, max_tokens=self.settings.documents.chunk_tokens
        )

    @cached_property
    def search(self) -> HybridRetriever:
        """The search itself, which leaves no trace."""
        settings = self.settings.search
        found = HybridRetriever(
            database=self.database,
            embedder=self.embedder,
            tuned=self.tuned_embedder,
            depth=settings.depth,
            ef_search=settings.ef_search,
            reranker=self.reranker,
            rerank_depth=self.settings.reranker.depth,
        )
        self._closers.append(found.close)
        return found

    @cached_property
    def retriever(self) -> AuditedRetriever:
        """The search that callers use: every read is on record."""
        return AuditedRetriever(retriever=self.search, audit=self.audit)

    @cached_property
    def calibrator(self) -> Calibrator:
        """Sets how much each leg of the search counts."""
        return Calibrator(database=self.database, embedder=self.embedder, tuned=self.tuned_embedder)

    def likeness(self, texts: Sequence[str], others: Sequence[str]) -> Vectors:
        """Return the cosine of each text to each of the others, float32 of shape (texts, others)."""
        vectors = self.embedder.embed([*texts, *others])
        cosines: Vectors = vectors[: len(texts)] @ vectors[len(texts) :].T
        return cosines

    @cached_property
    def examples(self) -> ExampleStore:
        """What models are taught."""
        return ExampleStore(database=self.database, audit=self.audit)

    @cached_property
    def adapters(self) -> AdapterRegistry:
        """The tuned models."""
        return AdapterRegistry(database=self.database, audit=self.audit, folder=self.adapters_folder)

    @property
    def adapters_folder(self) -> Path:
        """Where the weights of tuned models are, and what trainings that were stopped have left."""
        return self.workspace.state / "adapters"

    @property
    def budget(self) -> Budget:
        """How many tokens of each kind a model is given."""
        settings = self.settings.answer
        return Budget(
            question=settings.question_tokens,
            history=settings.history_tokens,
            passages=settings.passage_tokens,
            answer=settings.answer_tokens,
        )

    @cached_property
    def rag(self) -> RagSystem:
        """Retrieval-augmented answers by the usual model."""
        return self.reading(self.model, name="rag", kind="rag", weak=self.weak)

    @property
    def weak(self) -> bool:
        """Whether the usual model is the packaged one, which often misses the point."""
        return self.settings.model.url is None and self.settings.model.path is None

    def card(self, name: str, kind: SystemKind | Literal["stranger"], model: ChatModel) -> SystemCard:
        """Return what a system of this workspace is made of."""
        return SystemCard(name, kind, model.name, self._settings_hash())

    def reading(self, model: ChatModel, *, name: str, kind: SystemKind, weak: bool) -> RagSystem:
        """Return answers by a model from passages. A `weak` model's are weighed against a quotation by the reader."""
        settings = self.settings.answer
        confidence = load_confidence(self.confidence_file)
        if settings.refuse_below is not None:
            confidence = replace(confidence, threshold=settings.refuse_below)
        remote = self.settings.model.url is not None and kind == "rag"  # a tuned model runs here
        by_model = settings.rewrite == "model" or (settings.rewrite == "auto" and remote)
        return RagSystem(
            card=self.card(name, kind, model),
            retriever=self.retriever,
            model=model,
            verifier=self.verifier,
            terms=english_terms,
            reader=self.reader,
            likeness=self.likeness,
            confidence=confidence,
            rewrite=rewrite_by_model(model) if by_model else rewrite_by_rules,
            policy=settings.policy,
            quote=settings.quote,
            weigh=weak if settings.weigh is None else settings.weigh,
            passages=settings.passages,
            budget=self.budget,
        )

    def _settings_hash(self) -> str:
        """Return a digest of what an answer depends on besides the documents."""
        parts = {
            "answer": self.settings.answer.model_dump(mode="json"),
            "search": self.settings.search.model_dump(mode="json"),
            "embedder": self.library.status(OWNER).embedder or self.embedder.name,  # the one in service
            "reranker": self.reranker.name if self.reranker else "",
            "reader": self.reader.name if self.reader else "",
            "entailment": self.entailment.name if self.entailment else "",
            "system": SYSTEM,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def english_terms(text: str) -> list[str]:
    """Return the stems of a text by the rules of English, which do little harm to other languages."""
    return terms(text, language="en")


def term_weights(text: str, language: str) -> Mapping[int, float]:
    """Return the BM25 document part of each term of a passage."""
    counts = count_terms(text, language=language)
    return weights(counts, counts.total())
