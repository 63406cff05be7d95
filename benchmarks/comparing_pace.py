"""How far something is and how long it takes yet, said on standard error every so often."""

from __future__ import annotations

import time

from benchmarks.figures import say

__all__ = ["Pace", "told"]

EVERY = 20.0
"""Seconds between two lines."""


class Pace:
    """Says how far a stage is. What was done before the first step, by an earlier run, took no time in this one."""

    def __init__(self, *, every: float = EVERY) -> None:
        self._every = every
        self.stage("")

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._name = name
        self._first: tuple[int, float] | None = None
        self._said = time.monotonic()
        if name:
            say(name)

    def steps(self, done: int, total: int) -> None:
        """Say that so many steps of so many are done, unless that was said a moment ago."""
        now = time.monotonic()
        self._first = self._first or (done, now)
        if now - self._said >= self._every:
            self._said = now
            before, began = self._first
            each = (now - began) / (done - before) if done > before else None
            left = "" if each is None else f", {told(each * (total - done))} left"
            say(f"{self._name}: {done} of {total}{left}")


def told(seconds: float) -> str:
    """Return a time as people say it."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
