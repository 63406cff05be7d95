"""Every way to answer that a workspace has, by name: from memory or from passages, with the usual model or a tuned one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import get_args

from ragraft.access.labels import OWNER
from ragraft.answer.long_context import long_context_system
from ragraft.answer.plain import PlainSystem
from ragraft.answer.rag import RagSystem
from ragraft.chosen import open_chat_model, open_tuned_model
from ragraft.errors import NotAllowedError, SettingsError, UserError
from ragraft.models.files import CHAT_MODEL_NAME
from ragraft.promotion import PromotedSystem, Promotion, Promotions
from ragraft.protocols import ChatModel, System
from ragraft.retrieve.everything import Everything
from ragraft.systems import SystemKind, Workbench, english_terms
from ragraft.tune.export import served_file
from ragraft.tune.registry import require_usable
from ragraft.tune.tuned import TunedRagSystem, TunedSystem, require_admitted
from ragraft.types import Adapter, Caller

__all__ = ["TUNED", "Answering", "reads"]

TUNED: tuple[SystemKind, ...] = ("tuned", "tuned_rag", "raft")
"""Kinds that need an adapter."""


class Answering:
    """The systems of one workspace. Tuned models are opened once for all systems that use them.

    With `measuring`, for the owner's comparisons, a tuned model may be asked although its gates did not pass: what
    forbids its use has been measured, and is measured again. With `together` models are opened so that they answer many
    questions at once, and remember prompts that begin alike; one question is then no measure of how long it takes.
    """

    def __init__(self, bench: Workbench, *, measuring: bool = False, together: bool = False) -> None:
        self._bench = bench
        self._adapters = bench.adapters
        self._measuring = measuring
        self._models = _Models(bench, together=together)

    def over(self, copy: Workbench) -> Answering:
        """Return the same systems over a copy of the library; models and adapters are those of this one."""
        other = Answering(copy, measuring=self._measuring)
        other._adapters, other._models = self._adapters, self._models
        return other

    def system(self, kind: SystemKind | None = None, *, adapter: str | None = None, caller: Caller) -> System:
        """Return a way to answer: what is promoted, or with an adapter the way it was made for, unless a kind is asked for.

        Raises: UserError if kind and adapter do not go together; NotFoundError if there is no such adapter for this
        caller.
        """
        if kind is None and adapter is None:
            return self.promoted()
        kind = kind or self._made_for(adapter or "", caller)
        if (kind in TUNED) == (adapter is None):
            raise UserError(
                f"{kind} asks the usual model and takes no adapter"
                if adapter
                else f"{kind} needs an adapter",
                hint="name one with --adapter; `ragraft adapters list` shows them",
            )
        if adapter is not None and kind == "tuned":
            return self.tuned(adapter, caller=caller)
        if adapter is not None:
            return self.reading(kind, adapter, caller=caller)
        if kind == "rag":
            return self.rag()
        return self.plain() if kind == "plain" else self.long_context()

    def promoted(self) -> PromotedSystem:
        """What was promoted, for callers who may use it, and `rag` for all others."""

        def open_system(promotion: Promotion, caller: Caller) -> System:
            return self.system(_kind(promotion.kind), adapter=promotion.adapter or None, caller=caller)

        return PromotedSystem(
            promotions=Promotions(database=self._bench.database, audit=self._bench.audit),
            open_system=open_system,
            usual=self.rag,
        )

    def rag(self) -> RagSystem:
        """The usual model with the passages that the search finds."""
        return self._bench.reading(self._models.usual, name="rag", kind="rag", weak=self._bench.weak)

    def plain(self) -> PlainSystem:
        """The usual model from memory: what it knows without any document."""
        bench, settings = self._bench, self._bench.settings.answer
        return PlainSystem(
            card=bench.card("plain", "plain", self._models.usual),
            model=self._models.usual,
            history_tokens=settings.history_tokens,
            answer_tokens=settings.answer_tokens,
        )

    def stranger(self, name: str) -> PlainSystem:
        """A model of [strangers] in ragraft.toml, asked without any document. Raises: SettingsError if there is none."""
        bench, known = self._bench, self._bench.settings.strangers
        if name not in known:
            raise SettingsError(
                f"there is no stranger {name!r} in ragraft.toml",
                hint=f"name its address: [strangers.{name}] with url and name",
            )
        model = open_chat_model(
            known[name], cache_folder=bench.workspace.state / "models", threads=bench.threads
        )
        return PlainSystem(
            card=bench.card(f"stranger:{name}", "stranger", model),
            model=model,
            answer_tokens=bench.settings.answer.answer_tokens,
        )

    def long_context(self) -> System:
        """The usual model with all that fits its window, and no search."""
        bench, model = self._bench, self._models.usual
        return long_context_system(
            card=bench.card("long_context", "long_context", model),
            everything=Everything(database=bench.database, audit=bench.audit, tokens=model.window),
            model=model,
            verifier=bench.verifier,
            terms=english_terms,
            policy=bench.settings.answer.policy,
            weigh=False,
            budget=bench.budget,
        )

    def tuned(self, name: str, *, caller: Caller) -> TunedSystem:
        """A tuned model that answers from memory. Raises: NotFoundError if there is none that the caller may use."""
        bench, settings = self._bench, self._bench.settings.answer
        adapter = self._adapters.find(name, caller=caller)
        model = self._model(adapter)
        return TunedSystem(
            card=bench.card(f"tuned:{name}", "tuned", model),
            model=model,
            admit=partial(self.admit, adapter),
            system=str(adapter.card.get("system", "")),
            history_tokens=settings.history_tokens,
            answer_tokens=settings.answer_tokens,
        )

    def reading(self, kind: SystemKind, name: str, *, caller: Caller) -> TunedRagSystem:
        """A tuned model that answers from passages.

        Raises: NotFoundError as `tuned` does; UserError for `raft` if it was not taught to read passages.
        """
        adapter = self._adapters.find(name, caller=caller)
        if kind == "raft" and not reads(adapter):
            raise UserError(
                f"{name} was not taught to answer from passages",
                hint=f"ask it as tuned_rag, or teach another: ragraft tune --raft --name {name}-raft",
            )
        # A tuned model runs here, whatever the settings name: it is as strong as the base that it was made from.
        weak = adapter.base_model.startswith(f"{CHAT_MODEL_NAME}@")
        rag = self._bench.reading(self._model(adapter), name=f"{kind}:{name}", kind=kind, weak=weak)
        return TunedRagSystem(rag, admit=partial(self.admit, adapter))

    def admit(self, opened: Adapter, caller: Caller) -> None:
        """Let a caller use an adapter that is open, as it stands now, and put on record whether he may."""
        adapters = self._adapters
        adapter = adapters.find(opened.name, caller=OWNER)
        try:
            require_admitted(self._measured(adapter), caller)
            if _making(adapter) != _making(opened):
                raise NotAllowedError(
                    f"the adapter {adapter.name} that is open here has been replaced", hint="open it anew"
                )
        except NotAllowedError:
            adapters.note_asked(adapter.name, caller=caller, allowed=False)
            raise
        adapters.note_asked(adapter.name, caller=caller, allowed=True)

    def _made_for(self, name: str, caller: Caller) -> SystemKind:
        return "raft" if reads(self._adapters.find(name, caller=caller)) else "tuned_rag"

    def _measured(self, adapter: Adapter) -> Adapter:
        """Return the adapter as it is judged here: where it is only measured, its gates are left aside."""
        return replace(adapter, forced=True) if self._measuring else adapter

    def _model(self, adapter: Adapter) -> ChatModel:
        require_usable(self._measured(adapter))
        return self._models.tuned(adapter)


class _Models:
    """The models of a workspace as systems are asked: each is opened when it is first needed, and once."""

    def __init__(self, bench: Workbench, *, together: bool) -> None:
        self._bench, self._together = bench, together
        self._open: dict[str, tuple[Adapter, ChatModel]] = {}

    @cached_property
    def usual(self) -> ChatModel:
        return self._bench.open_model(together=True) if self._together else self._bench.model

    def tuned(self, adapter: Adapter) -> ChatModel:
        known = self._open.get(adapter.name)
        if known is None or _making(known[0]) != _making(adapter):
            model = open_tuned_model(
                served_file(adapter), name=adapter.name, threads=self._bench.threads, together=self._together
            )
            known = self._open[adapter.name] = (adapter, model)
        return known[1]


def _kind(name: str) -> SystemKind:
    """Return a kind of system by its name. Raises: UserError if this version knows none of that name."""
    for kind in get_args(SystemKind):
        if kind == name:
            return kind  # type: ignore[no-any-return]  # one of its own arguments
    raise UserError(
        f"{name} is no kind of system that this version has", hint="`ragraft rollback` takes it back"
    )


def reads(adapter: Adapter) -> bool:
    """Return whether an adapter was taught to answer from passages."""
    return bool((adapter.card.get("recipe") or {}).get("raft"))


def _making(adapter: Adapter) -> tuple[str, datetime]:
    """Return what tells an adapter from another that took its name."""
    return adapter.path, adapter.made_at
