"""The figures of a library of one size, and how times are taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from benchmarks.figures import Figure, Report, Target, number, percentile

__all__ = ["Costs", "timed"]

T = TypeVar("T")
WARM_UP = 10


class Costs:
    """Adds the figures of one size to the report, the size before each name; `values` has them by name."""

    def __init__(self, report: Report, size: int, targets: Mapping[str, Target]) -> None:
        self.values: dict[str, float] = {}
        self._report = report
        self._size = size
        self._targets = targets

    def value(self, name: str, value: float, unit: str = "", **more: Any) -> None:
        """Add one figure."""
        self.values[name] = value
        target = self._targets.get(name)
        self._report.add(Figure(f"{self._size:,}: {name}", value, unit, target=target, **more))

    def times(self, name: str, seconds: Sequence[float], **more: Any) -> None:
        """Add the median of times in milliseconds, the 95th percentile beside it."""
        note = f"p95 {number(percentile(seconds, 0.95) * 1000)} ms"
        self.values[f"{name}, p95"] = percentile(seconds, 0.95) * 1000
        self.value(name, percentile(seconds, 0.5) * 1000, "ms", note=note, **more)


def timed(action: Callable[[T], object], inputs: Iterable[T]) -> list[float]:
    """Return the seconds that `action` takes on each input, after a warm-up on the first ones."""
    given = list(inputs)
    for one in given[:WARM_UP]:
        action(one)
    seconds = []
    for one in given:
        began = time.perf_counter()
        action(one)
        seconds.append(time.perf_counter() - began)
    return seconds
