"""Which rows make which step, at which rate."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ragraft.tune.plan import Row, Step, packed, plan_steps, rate_at

LENGTHS = [10 + 7 * number % 50 for number in range(100)]


def plan(**changed: Any) -> list[Step]:
    return plan_steps(LENGTHS, **{"epochs": 1, "rows": 8, "micro_tokens": 4096, "seed": 0, **changed})


def rows_of(steps: list[Step]) -> list[int]:
    return [at for step in steps for part in step.parts for at in part]


def test_epoch_holds_every_row_once() -> None:
    assert sorted(rows_of(plan())) == list(range(100))


def test_equal_seeds_give_equal_plans() -> None:
    assert plan(epochs=2) == plan(epochs=2)


def test_other_seed_gives_another_order() -> None:
    assert plan() != plan(seed=1)


def test_epochs_differ_in_order() -> None:
    steps = plan(epochs=2)
    assert steps[: len(steps) // 2] != steps[len(steps) // 2 :]


def test_longer_run_begins_like_a_shorter_one() -> None:
    assert plan(epochs=3)[: len(plan())] == plan()


def test_rows_of_a_step_are_of_like_length() -> None:
    padded = sum(step.tokens for step in plan())
    assert padded < 1.1 * sum(LENGTHS)


def test_no_part_exceeds_the_tokens_allowed() -> None:
    parts = [part for step in plan(micro_tokens=100) for part in step.parts]
    assert max(len(part) * max(LENGTHS[at] for at in part) for part in parts) <= 100


def test_replayed_rows_make_up_their_share() -> None:
    drawn = rows_of(plan(replay=range(60, 100), replay_share=0.25))
    assert Counter(at >= 60 for at in drawn) == {False: 60, True: 20}


def test_each_epoch_replays_other_rows() -> None:
    steps = plan(replay=range(60, 100), replay_share=0.25, epochs=2)
    half = len(steps) // 2
    first, second = ({at for at in rows_of(part) if at >= 60} for part in (steps[:half], steps[half:]))
    assert first != second


def test_rows_for_later_come_from_the_second_epoch_on() -> None:
    steps = plan(later=range(80, 100), epochs=2)
    end = [step.ends_epoch for step in steps].index(True) + 1
    assert sorted(rows_of(steps[:end])) == list(range(80))
    assert sorted(rows_of(steps[end:])) == list(range(100))


def test_in_a_single_epoch_they_come_in_its_second_half() -> None:
    steps = plan(later=range(80, 100))
    end = [step.ends_epoch for step in steps].index(True) + 1
    assert sorted(rows_of(steps)) == list(range(100))
    assert len(rows_of(steps[:end])) == 40
    assert max(rows_of(steps[:end])) < 80


def test_where_all_rows_are_for_later_none_waits() -> None:
    assert plan(later=range(100)) == plan()


def test_a_share_of_the_rows_is_the_same_in_every_epoch() -> None:
    first, second = rows_of(plan(share=0.5)), rows_of(plan(share=0.5, epochs=2))
    assert len(first) == 50
    assert Counter(second) == Counter(first + first)


def test_only_the_last_step_of_an_epoch_ends_it() -> None:
    assert [step.ends_epoch for step in plan()] == [False] * 12 + [True]


def test_row_longer_than_allowed_makes_a_batch_of_its_own() -> None:
    assert packed([0, 1, 2], [5, 50, 6], tokens=20) == [(0, 2), (1,)]


def test_rate_rises_to_its_peak_and_falls_to_almost_nothing() -> None:
    rates = [rate_at(step, steps=100, warm_up=0.1, peak=1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 9
    assert rates[-1] == pytest.approx(1 / 91)


def test_answer_of_a_row_is_its_last_learned_turn() -> None:
    row = Row((1, 2, 3, 4, 5, 6, 7), (False, True, True, False, False, True, True))
    assert (row.prompt, row.answer) == ((1, 2, 3, 4, 5), (6, 7))


def test_first_token_is_no_target() -> None:
    assert Row((1, 2, 3), (True, True, True)).targets == 2
