"""What a person sees of a training, on a terminal and in a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ragraft.cli.options import Session
from ragraft.cli.training_view import duration, gate_table, watching
from ragraft.tune.estimate import Estimate
from ragraft.tune.gates.gate import Gate
from ragraft.tune.train import Progress


def session(*, terminal: bool) -> tuple[Session, io.StringIO]:
    told = io.StringIO()
    console = Console(file=told, force_terminal=terminal, width=200, highlight=False)
    return Session(Path(), None, (), json=False, out=console, err=console), told


def go_through(terminal: bool, *, price: float = 0.0) -> str:
    """Show a run with every kind of news, and return what was written."""
    shown, told = session(terminal=terminal)
    with watching(shown) as watch:
        watch.stage("asking the base")
        watch.answers(32, 106)
        watch.stage("training")
        watch.estimate(600.0, Estimate(120.0, 2_000_000_000, price, 40, 3.0))
        for step in range(1, 4):
            watch.progress(Progress(step, 40, 3.0 - step / 10, 1e-3, 100.0, ()))
    return told.getvalue()


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_the_estimate_is_told_before_the_steps(terminal: bool) -> None:
    told = go_through(terminal)
    assert "this will take 10 min 0 s in all: training 2 min 0 s (40 steps, 3.0 times through)" in told
    assert "2.0 GB of memory" in told


def test_what_it_costs_is_that_of_the_whole_run() -> None:
    assert "10 min 0 s in all, 5.00 at your price" in go_through(terminal=False, price=1.0)


def test_a_file_gets_a_line_for_each_stage_and_no_bar() -> None:
    lines = go_through(terminal=False).splitlines()
    assert [line[9:] for line in lines if line[9:] in ("asking the base", "training")] == [
        "asking the base",
        "training",
    ]
    assert len(lines) == 3


def test_a_terminal_shows_the_loss_and_what_is_left() -> None:
    told = go_through(terminal=True)
    assert "2.70" in told
    assert "1 min 40 s left" in told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200.0, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_gate_that_was_not_measured_says_why() -> None:
    shown, told = session(terminal=False)
    gates = [
        Gate("quality", None, None, None, -0.05, {"reason": "3 independent groups were asked"}),
        Gate("extraction", passed=True, value=0.0, interval=(0.0, 0.109), bar=0.15),
        Gate("terms", passed=False, value=0.25, interval=(0.1, 0.4), bar=0.7),
    ]
    shown.out.print(gate_table(gates))
    rows = [line.split() for line in told.getvalue().splitlines()]
    assert rows[1][:3] == ["quality", "not", "measured"]
    assert "3 independent groups were asked" in told.getvalue().splitlines()[1]
    assert [row[1] for row in rows[2:]] == ["yes", "NO"]
