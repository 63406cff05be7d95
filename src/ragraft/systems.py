"""Wires the settings of a workspace into the parts; the only module that knows every kind of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
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
    open_tuned_model,
)
from ragraft.config import Settings
from ragraft.database.migrate import migrate
from ragraft.database.pool import Database
from ragraft.documents.embedders import OpenTuned
from ragraft.documents.erase import Eraser
from ragraft.documents.library import Library
from ragraft.documents.sync import Sync
from ragraft.errors import NotAllowedError, UserError
from ragraft.models.files import CHAT_MODEL_NAME
from ragraft.protocols import ChatModel, Embedder, Entailment, Reader, Reranker, System
from ragraft.retrieve.audited import AuditedRetriever
from ragraft.retrieve.calibrator import Calibrator
from ragraft.retrieve.lexical import count_terms, terms, weights
from ragraft.retrieve.search import HybridRetriever
from ragraft.tune.export import served_file
from ragraft.tune.registry import AdapterRegistry, require_usable
from ragraft.tune.store import ExampleStore
from ragraft.tune.tuned import TunedRagSystem, TunedSystem, require_admitted
from ragraft.tune.unfinished import discard_unfinished
from ragraft.types import Adapter, Caller, SystemCard, Vectors
from ragraft.verify.verifier import Verifier
from ragraft.workspace import Workspace

__all__ = ["SystemKind", "Workbench"]

SystemKind = Literal["rag", "tuned", "tuned_rag"]


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
        self._tuned_models: dict[str, tuple[Adapter, ChatModel]] = {}

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
            unfinished=partial(discard_unfinished, self.adapters_folder),
        )

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
        return self._given[1] or open_chat_model(
            self.settings.model, cache_folder=self.workspace.state / "models", threads=self._threads
        )

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker that the settings name, if any."""
        return self._given[2] or open_reranker(self.settings.reranker, threads=self._threads)

    @cached_property
    def reader(self) -> Reader | None:
        """The reader that ships, unless the settings leave it out."""
        if not self.settings.answer.reader:
            return None
        return self._given[3] or open_reader(threads=self._threads)

    @cached_property
    def entailment(self) -> Entailment | None:
        """The model that the settings name for sentences which the verifier cannot decide, if any."""
        return open_entailment(self.settings.entailment, threads=self._threads)

    @property
    def _threads(self) -> int | None:
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
        from ragraft.documents.chunk import DocumentChunker
        from ragraft.documents.fetch import Fetched, fetch
        from ragraft.documents.parse import FileParser
        from ragraft.documents.sandbox import Sandbox

        settings = self.settings.documents
        parser = FileParser(sandbox=Sandbox(seconds=settings.parse_seconds))
        self._closers.append(parser.close)

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
            parser=parser,
            chunker=DocumentChunker(
                count_tokens=self.embedder.count_tokens, max_tokens=settings.chunk_tokens
            ),
            embedder=self.embedder,
            tuned=self.tuned_embedder,
            term_weights=term_weights,
            fetch=fetch_within_limits,
            max_bytes=settings.max_bytes,
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

    def system(self, kind: SystemKind | None = None, *, adapter: str | None = None, caller: Caller) -> System:
        """Return a way to answer: `rag`, or with an adapter `tuned_rag` unless another kind is asked for.

        Raises: UserError if kind and adapter do not go together; NotFoundError if there is no such adapter for this
        caller.
        """
        kind = kind or ("tuned_rag" if adapter else "rag")
        if (kind == "rag") == (adapter is not None):
            raise UserError(
                "rag asks the usual model and takes no adapter" if adapter else f"{kind} needs an adapter",
                hint="name one with --adapter; `ragraft adapters list` shows them",
            )
        if adapter is None:
            return self.rag
        return (self.tuned if kind == "tuned" else self.tuned_rag)(adapter, caller=caller)

    def tuned(self, name: str, *, caller: Caller) -> TunedSystem:
        """A tuned model that answers from memory. Raises: NotFoundError if there is none that the caller may use."""
        adapter = self.adapters.find(name, caller=caller)
        return TunedSystem(
            card=SystemCard(f"tuned:{name}", "tuned", self._tuned_model(adapter).name, self._settings_hash()),
            model=self._tuned_model(adapter),
            admit=partial(self.admit, adapter),
            system=str(adapter.card.get("system", "")),
            history_tokens=self.settings.answer.history_tokens,
            answer_tokens=self.settings.answer.answer_tokens,
        )

    def tuned_rag(self, name: str, *, caller: Caller) -> TunedRagSystem:
        """A tuned model that answers from passages. Raises: NotFoundError as `tuned` does."""
        adapter = self.adapters.find(name, caller=caller)
        # A tuned model runs here, whatever the settings name: it is as strong as the base that it was made from.
        model, weak = self._tuned_model(adapter), adapter.base_model.startswith(f"{CHAT_MODEL_NAME}@")
        card = SystemCard(f"tuned_rag:{name}", "tuned_rag", model.name, self._settings_hash())
        rag = self._rag(model, card=card, weak=weak, remote=False)
        return TunedRagSystem(rag, admit=partial(self.admit, adapter))

    def admit(self, opened: Adapter, caller: Caller) -> None:
        """Let a caller use an adapter that is open, as it stands now, and put on record whether he may."""
        adapter = self.adapters.find(opened.name, caller=OWNER)
        try:
            require_admitted(adapter, caller)
            if _making(adapter) != _making(opened):
                raise NotAllowedError(
                    f"the adapter {adapter.name} that is open here has been replaced", hint="open it anew"
                )
        except NotAllowedError:
            self.adapters.note_asked(adapter.name, caller=caller, allowed=False)
            raise
        self.adapters.note_asked(adapter.name, caller=caller, allowed=True)

    def _tuned_model(self, adapter: Adapter) -> ChatModel:
        require_usable(adapter)
        known = self._tuned_models.get(adapter.name)
        if known is None or _making(known[0]) != _making(adapter):
            model = open_tuned_model(served_file(adapter), name=adapter.name, threads=self._threads)
            known = self._tuned_models[adapter.name] = (adapter, model)
        return known[1]

    @cached_property
    def rag(self) -> RagSystem:
        """Retrieval-augmented answers."""
        settings, remote = self.settings.model, self.settings.model.url is not None
        card = SystemCard("rag", "rag", self.model.name, self._settings_hash())
        return self._rag(self.model, card=card, weak=not remote and settings.path is None, remote=remote)

    def _rag(self, model: ChatModel, *, card: SystemCard, weak: bool, remote: bool) -> RagSystem:
        """Return answers from passages by a model. A `weak` one's are weighed against a quotation by the reader."""
        settings = self.settings.answer
        budget = Budget(
            question=settings.question_tokens,
            history=settings.history_tokens,
            passages=settings.passage_tokens,
            answer=settings.answer_tokens,
        )
        confidence = load_confidence(self.confidence_file)
        if settings.refuse_below is not None:
            confidence = replace(confidence, threshold=settings.refuse_below)
        by_model = settings.rewrite == "model" or (settings.rewrite == "auto" and remote)
        return RagSystem(
            card=card,
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
            budget=budget,
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


def _making(adapter: Adapter) -> tuple[str, datetime]:
    """Return what tells an adapter from another that took its name."""
    return adapter.path, adapter.made_at


def english_terms(text: str) -> list[str]:
    """Return the stems of a text by the rules of English, which do little harm to other languages."""
    return terms(text, language="en")


def term_weights(text: str, language: str) -> Mapping[int, float]:
    """Return the BM25 document part of each term of a passage."""
    counts = count_terms(text, language=language)
    return weights(counts, counts.total())
