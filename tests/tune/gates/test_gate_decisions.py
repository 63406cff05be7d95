"""A gate passes only if the end of the interval that speaks against the adapter is on the right side."""

from __future__ import annotations

import json

import numpy as np

from ragraft.tune.gates.gate import gate_above, gate_below, paired_gate


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_a_mean_surely_above_the_bar_passes() -> None:
    assert gate_above("style", [1.0] * 30, names(30), bar=0.8, limits=(0, 1)).passed is True


def test_a_mean_above_the_bar_that_is_not_sure_does_not_pass() -> None:
    gate = gate_above("style", [1.0] * 9 + [0.0], names(10), bar=0.8, limits=(0, 1))
    assert (gate.value, gate.passed) == (0.9, False)


def test_a_value_surely_below_the_most_passes_and_is_told_with_its_own_sign() -> None:
    gate = gate_below("exposure", [1.0, 1.5, 2.0] * 8, names(24), bar=3.0, limits=(0, 8))
    assert (gate.passed, gate.value, gate.bar) == (True, 1.5, 3.0)
    assert gate.interval is not None
    assert 1.0 < gate.interval[0] < 1.5 < gate.interval[1] < 2.0


def test_a_value_that_may_be_above_the_most_does_not_pass() -> None:
    assert gate_below("exposure", [1.0, 8.0] * 8, names(16), bar=5.0, limits=(0, 8)).passed is False


def test_too_few_groups_are_not_measured() -> None:
    gate = gate_above("quality", [1.0] * 40, ["a", "b", "c", "d"] * 10, bar=0.5, limits=(0, 1))
    assert (gate.passed, gate.value, gate.interval) == (None, None, None)
    assert gate.detail["reason"] == "4 independent groups were asked, 5 are the fewest"


def test_nothing_asked_is_not_measured() -> None:
    assert paired_gate("quality", [], [], [], margin=0.1).passed is None


def test_equal_models_are_neither_better_nor_worse() -> None:
    gate = paired_gate("tasks", [1.0, 0.0] * 30, [1.0, 0.0] * 30, names(60), margin=0.1)
    assert (gate.passed, gate.detail["better"], gate.detail["worse"]) == (True, False, False)


def test_a_model_better_everywhere_is_called_better() -> None:
    assert paired_gate("quality", [0.1] * 30, [0.6] * 30, names(30), margin=0.05).detail["better"] is True


def test_a_model_worse_by_more_than_the_margin_does_not_pass_and_is_called_worse() -> None:
    gate = paired_gate("tasks", [1.0] * 60, [1.0, 0.0] * 30, names(60), margin=0.1)
    assert (gate.passed, gate.detail["worse"]) == (False, True)


def test_a_model_at_the_margin_passes_rarely() -> None:
    chance = np.random.default_rng(2)
    passed = 0
    for run in range(1500):
        drawn = chance.random(60)
        base = [0.0 if one > 0.95 else 1.0 for one in drawn]
        # Worse by exactly the margin: a tenth of the questions is lost.
        tuned = [0.0 if one > 0.85 else 1.0 for one in drawn]
        passed += paired_gate("tasks", base, tuned, names(60), margin=0.1, seed=run).passed is True
    assert passed / 1500 <= 0.07  # 0.053 by counting: it passes where at most 2 of 60 are lost


def test_the_record_of_a_gate_is_json() -> None:
    gate = paired_gate("tasks", [1.0, 0.0] * 5, [0.0, 1.0] * 5, names(10), margin=0.1, lost=5, won=5)
    told = json.loads(json.dumps(gate.record()))
    assert told["passed"] is False
    assert told["bar"] == -0.1
    assert told["won"] == 5
    assert len(told["interval"]) == 2
