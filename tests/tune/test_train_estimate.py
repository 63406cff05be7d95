"""The estimate: a line through what was tried, and what fits into a budget."""

from __future__ import annotations

import pytest

from ragraft.errors import UserError
from ragraft.tune.estimate import Probe, cost_of, fit_steps
from ragraft.tune.plan import Step


def probe(*steps: tuple[int, float], below: float = 0.0, look: float = 0.0, spent: float = 0.0) -> Probe:
    return Probe(steps=steps, below=below, look=look, spent=spent)


def test_line_finds_start_and_slope() -> None:
    assert probe((100, 2.0), (200, 3.0), (400, 5.0)).line() == pytest.approx((1.0, 0.01))


def test_steps_of_one_length_give_seconds_per_token() -> None:
    assert probe((100, 1.0), (101, 1.2), (99, 0.8)).line() == pytest.approx((0.0, 0.01))


def test_line_that_would_fall_is_not_believed() -> None:
    start, slope = probe((100, 5.0), (200, 4.0), (400, 3.0)).line()
    assert start == 0
    assert slope > 0


def test_frozen_layers_are_paid_once_a_row() -> None:
    again = Step(parts=((0, 1),), tokens=20)
    ends = cost_of([again, again], probe((10, 1.0), below=0.5), lengths=[10, 10], looks=0)
    assert ends == pytest.approx([2 + 10, 4 + 10])


def test_looks_and_what_is_spent_are_part_of_it() -> None:
    ends = cost_of([Step(((0,),), 10)], probe((10, 1.0), look=2.0, spent=7.0), lengths=[10], looks=3)
    assert ends == pytest.approx([1 + 7 + 6])


def test_budget_cuts_the_run() -> None:
    assert fit_steps([60.0 * step for step in range(1, 101)], minutes=40) == 38


def test_without_a_budget_all_steps_fit() -> None:
    assert fit_steps([1e9, 2e9], minutes=None) == 2


def test_budget_too_small_says_how_much_is_needed() -> None:
    with pytest.raises(UserError, match=r"1 minutes are too few: 10 steps take 10\.5") as caught:
        fit_steps([60.0 * step for step in range(1, 101)], minutes=1)

    assert "--minutes 11" in str(caught.value.hint)
