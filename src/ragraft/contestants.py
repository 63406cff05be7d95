"""Who takes part in a comparison, from what the user writes: plain,rag,tuned:house,raft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ragraft.answering import TUNED, Answering, reads
from ragraft.errors import UserError
from ragraft.protocols import System
from ragraft.systems import SystemKind
from ragraft.types import Adapter, Caller

__all__ = ["CONTROLS", "Contestant", "read_contestants"]

CONTROLS = {
    "long_context": "it is a control: it reads what fits its window, whatever is asked",
    "stranger": "it is a stranger to this workspace, measured beside the others",
}
"""Kinds that are measured and never chosen, each with the reason."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A system that is to be compared. `adapter` is the name of its tuned model, `stranger` that of an address."""

    kind: SystemKind | Literal["stranger"]
    adapter: str = ""
    stranger: str = ""

    @property
    def remembers(self) -> bool:
        """Whether it must be trained again to follow a change of the documents: those that search do not."""
        return self.kind == "tuned"

    def open(self, answering: Answering, *, caller: Caller) -> System:
        """Return the system. Raises: as `Answering.system` does."""
        if self.kind == "stranger":
            return answering.stranger(self.stranger)
        return answering.system(self.kind, adapter=self.adapter or None, caller=caller)


def read_contestants(text: str, *, adapters: Sequence[Adapter]) -> dict[str, Contestant]:
    """Return the systems that a list names, by their names in it; without a list all that there are.

    A tuned kind may name its adapter, as in tuned:house; else the one made last is taken that was made for it.

    Raises: UserError if a name is none, is there twice, or has no adapter; or fewer than two are named.
    """
    named = [one.strip() for one in text.split(",") if one.strip()] or _all(adapters)
    found = {name: _contestant(name, adapters) for name in named}
    if len(found) < len(named):
        raise UserError(f"a system is named twice in {text!r}", hint="name each once")
    if len(found) < 2:
        raise UserError("one system cannot be compared", hint="name two or more: --systems plain,rag")
    return found


def _all(adapters: Sequence[Adapter]) -> list[str]:
    kinds = ["plain", "rag"]
    kinds += ["tuned", "tuned_rag"] if any(not reads(one) for one in adapters) else []
    return kinds + (["raft"] if any(reads(one) for one in adapters) else [])


def _contestant(name: str, adapters: Sequence[Adapter]) -> Contestant:
    word, _, which = name.partition(":")
    if word == "stranger":
        if not which:
            raise UserError("which stranger?", hint="name one of [strangers] in ragraft.toml: stranger:NAME")
        return Contestant("stranger", stranger=which)
    kind = next((one for one in get_args(SystemKind) if one == word), None)
    if kind is None or (which and kind not in TUNED):
        raise UserError(
            f"there is no system {name!r}",
            hint=f"systems are {', '.join(get_args(SystemKind))} and stranger:NAME; a tuned one may name its model,"
            " as in tuned:house",
        )
    if kind not in TUNED:
        return Contestant(kind)
    return Contestant(kind, adapter=which or _latest(kind, adapters))


def _latest(kind: SystemKind, adapters: Sequence[Adapter]) -> str:
    fit = [one for one in adapters if reads(one) == (kind == "raft") and not one.tainted_by]
    if not fit:
        made = "ragraft tune --raft" if kind == "raft" else "ragraft tune"
        raise UserError(f"there is no tuned model for {kind}", hint=f"make one: {made}; or leave {kind} out")
    return max(fit, key=lambda one: one.made_at).name
