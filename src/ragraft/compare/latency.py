"""How long answers take and how much memory, with one question at a time, as a user would ask."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ragraft.compare.results import Gauge, Latency
from ragraft.errors import RagraftError
from ragraft.protocols import System
from ragraft.types import Caller, Question

__all__ = ["measure_latency"]

WARM_UP = 1
"""Questions that each system is asked before it is timed: the first loads what the others find loaded."""

EVERY = 0.05
"""Seconds between two looks at the memory."""


@dataclass(slots=True)
class Times:
    """What was measured of one system: seconds to the first text, seconds to the end by question, bytes."""

    first: list[float] = field(default_factory=list)
    whole: dict[str, float] = field(default_factory=dict)
    memory: int = 0


def measure_latency(
    systems: Mapping[str, System],
    questions: Sequence[Question],
    *,
    caller: Caller,
    warm_up: int = WARM_UP,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Latency, ...]:
    """Return the latency of each system that answers, asking each question of all systems in turn.

    The first `warm_up` questions are asked and not counted. The first text is that of the draft, as it is streamed to
    a user; an answer for which no model wrote has none. A question on which a system fails is not timed; a system that
    answers none is left out.
    """
    times = {name: Times() for name in systems}
    total = len(questions) * len(systems)
    for turn, question in enumerate(questions):
        for at, (name, system) in enumerate(systems.items(), 1):
            measured = Times() if turn < warm_up else times[name]
            _ask(system, question, caller, measured)
            on_progress(turn * len(systems) + at, total)
    return tuple(
        Latency(
            system=name,
            asked=len(one.whole),
            first_text=_gauge(one.first) if one.first else None,
            total=_gauge(list(one.whole.values())),
            memory=one.memory,
            seconds=one.whole,
        )
        for name, one in times.items()
        if one.whole
    )


def _ask(system: System, question: Question, caller: Caller, times: Times) -> None:
    first: list[float] = []
    began = time.perf_counter()
    with _Peak() as peak:
        try:
            system.answer(
                question.text, caller=caller, on_text=lambda _: first.append(time.perf_counter() - began)
            )
        except RagraftError:
            return
        took = time.perf_counter() - began
    times.first += first[:1]
    times.whole[question.id] = took
    times.memory = max(times.memory, peak.bytes)


def _gauge(seconds: Sequence[float]) -> Gauge:
    middle, slow = np.quantile(seconds, [0.5, 0.95])
    return Gauge(float(middle), float(slow))


class _Peak:
    """The most memory that this program has while a block runs, in `bytes`."""

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while True:
            self.bytes = max(self.bytes, _memory())
            if self._over.wait(EVERY):
                self.bytes = max(self.bytes, _memory())
                return


def _memory() -> int:
    """Return how much memory this program has now; where the system does not tell, the most it ever had."""
    import resource

    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
