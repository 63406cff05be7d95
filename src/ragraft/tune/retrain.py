"""Training stale adapters again, each in the place of the old one only if it is surely not worse."""

from __future__ import annotations

import math
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import FrameType
from typing import Literal

from ragraft.errors import RagraftError, UserError
from ragraft.tune.adapter_rows import Learned
from ragraft.tune.gates.gate import Ask, Gate
from ragraft.tune.gates.quality import held_out_from, quality_gate
from ragraft.tune.registry import withdrawn
from ragraft.types import Adapter, Dataset

__all__ = [
    "Candidate",
    "NothingNewError",
    "Outcome",
    "against_old",
    "every",
    "read_interval",
    "require_news",
    "retrain_round",
]

SHORTEST = 60.0
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


class NothingNewError(UserError):
    """An adapter would be trained on what it was trained on before."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A newly trained adapter that is not in the registry yet; its weights are in the folder `adapter.path`.

    `against_old` holds it against the one in service; None if that is out of service and cannot be asked.
    """

    adapter: Adapter
    dataset: Dataset
    read_at: datetime
    against_old: Gate | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stale adapter, and why."""

    adapter: str
    became: Literal["replaced", "kept", "failed"]
    reason: str


def against_old(
    dataset: Dataset, *, old: Ask, new: Ask, learned: Learned, margin: float = 0.1, seed: int = 0
) -> Gate:
    """Return whether the new adapter answers held-out questions surely no worse than the old one.

    Only those count that the old one did not learn either: it would know the others by heart. `learned` is what
    it learned.
    """
    fair = [example for example in dataset.held_out if example.id not in learned.train]
    gate = quality_gate(held_out_from(fair), base=old, tuned=new, margin=margin, seed=seed)
    return replace(gate, name="against_old")


def require_news(old: Adapter, dataset: Dataset) -> None:
    """Raise NothingNewError if a usable adapter would only be made once more, from the same examples."""
    if withdrawn(old) is None and dataset.fingerprint == old.dataset_fingerprint:
        raise NothingNewError(
            "today's examples are those that it was made from",
            hint="write the examples of changed documents anew: ragraft examples from-documents, or examples add",
        )


def retrain_round(
    stale: Sequence[Adapter],
    *,
    train: Callable[[Adapter], AbstractContextManager[Candidate]],
    put: Callable[[Candidate], object],
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Train every stale adapter again and put the new one in its place, or keep the old one and say why.

    `train` may raise what `require_news` does; it holds the candidate's folder while it is judged, and deletes what
    is left of it after. `put` is the registry's `replace`. Failures are outcomes: one does not stop the others.
    """
    outcomes = []
    for adapter in stale:
        try:
            outcome = _retrained(adapter, train, put)
        except NothingNewError as error:
            outcome = Outcome(adapter.name, "kept", _told(error))
        except Exception as error:  # noqa: BLE001  kept and told: the next adapter has its own chance
            outcome = Outcome(adapter.name, "failed", _told(error))
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


def _retrained(
    old: Adapter,
    train: Callable[[Adapter], AbstractContextManager[Candidate]],
    put: Callable[[Candidate], object],
) -> Outcome:
    with train(old) as candidate:
        if reason := _why_not(candidate, old):
            return Outcome(old.name, "kept", reason)
        put(candidate)
    return Outcome(old.name, "replaced", _why(candidate))


def _why_not(candidate: Candidate, old: Adapter) -> str:
    if reason := withdrawn(candidate.adapter):
        return f"the new one may not be used: {reason}"
    if withdrawn(old) is not None:
        return ""
    gate = candidate.against_old
    if gate is None:
        return "the new one was not held against it"
    if gate.passed is None:
        return (
            f"the new one could not be held against it: {gate.detail.get('reason', 'too little was asked')}"
        )
    if not gate.passed:
        return f"the new one is not surely as good: {_difference(gate)}"
    return ""


def _why(candidate: Candidate) -> str:
    gate = candidate.against_old
    if gate is None or gate.passed is None:
        return "passed its gates; the old one was out of service"
    return f"passed its gates; surely not worse than the old one: {_difference(gate)}"


def _difference(gate: Gate) -> str:
    low, high = gate.interval or (math.nan, math.nan)
    return f"{gate.value:+.3f} ({low:+.3f} to {high:+.3f}, bar {gate.bar:+g}) on {gate.detail['questions']} questions"


def _told(error: Exception) -> str:
    if isinstance(error, RagraftError):
        return f"{error}; {error.hint}" if error.hint else str(error)
    return f"{type(error).__name__}: {error}"


def read_interval(text: str) -> float:
    """Return the seconds of an interval such as 30m, 24h or 7d. Raises: UserError if it is none."""
    match = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if match is None or int(match[1]) == 0:
        raise UserError(f"{text!r} is no interval", hint="write minutes, hours or days: 30m, 24h, 7d")
    return int(match[1]) * UNITS[match[2]]


def every(
    seconds: float,
    turn: Callable[[], None],
    *,
    on_failure: Callable[[RagraftError], None],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Do something now, and again so many seconds after each beginning, until Ctrl-C or SIGTERM.

    A turn that takes longer is followed by the next after SHORTEST seconds. One that fails is told and tried again
    at its time. SIGTERM reaches a turn as Ctrl-C does, so that a training saves where it is.
    """
    with _terminated_as_interrupted():
        try:
            while True:
                began = time.monotonic()
                try:
                    turn()
                except RagraftError as error:
                    on_failure(error)
                wait(max(SHORTEST, seconds - (time.monotonic() - began)))
        except KeyboardInterrupt:
            return


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does. Signals reach the main thread alone; in any other, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
