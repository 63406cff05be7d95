"""The bar of long work that goes through stages, on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["StageBar", "stage_bar"]


class StageBar:
    """A bar with the name of its stage, how far that is, and what else is to be told of it.

    Where there is no terminal no bar is drawn, and each stage is a line with the time of day.
    """

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=None, told="")

    def begin(self, stage: str) -> None:
        """Begin a stage; how long it is, the first step says."""
        self._bar.reset(self._task, total=None, description=stage, told="")
        if not self._console.is_terminal:
            self._console.print(f"{time.strftime('%H:%M:%S')} {stage}", markup=False)

    def show(self, done: int, total: int, told: str) -> None:
        """Draw the bar up to `done` of `total`, with `told` behind it."""
        self._bar.update(self._task, completed=done, total=total, told=told)


@contextmanager
def stage_bar(console: Console) -> Iterator[StageBar]:
    """Yield a bar that is drawn on a console, and gone afterwards."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        yield StageBar(console, bar)
