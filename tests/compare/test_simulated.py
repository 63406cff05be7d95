"""What comparisons promise, on a few hundred made-up ones with fixed seeds; benchmarks/significance.py has thousands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.significance_peers import TESTS
from benchmarks.significance_worlds import (
    Marks,
    alike_systems,
    differences,
    fractions,
    scores_of,
    shares,
    sums_and_sizes,
)

from ragraft.compare.clustered import Clustered, flip_test
from ragraft.compare.power import paired_error, reach
from ragraft.compare.statistics import compare_scores


@pytest.mark.parametrize("binary", [True, False])
def test_five_equal_systems_are_told_apart_at_most_once_in_twenty(binary: bool) -> None:
    chance = np.random.default_rng(2)
    marks = alike_systems(chance, runs=150, systems=5, documents=30, alike=0.4, binary=binary)
    found = [compare_scores(scores_of(one)) for one in marks]
    assert sum(any(one.better or one.worse for one in each.differences) for each in found) / 150 <= 0.05
    assert not any(each.winner for each in found)


def test_by_question_two_equal_systems_would_be_told_apart_too_often() -> None:
    chance = np.random.default_rng(3)
    marks = alike_systems(chance, runs=300, systems=2, documents=40, alike=0.5, binary=True)
    by_question = TESTS["McNemar, each question for itself"]
    lost = marks[:, 0] - marks[:, 1]
    apart = [by_question(one[~np.isnan(one)], np.zeros(0)) <= 0.05 for one in lost]
    together = [flip_test(sums) <= 0.05 for sums in np.nansum(lost, axis=-1)]
    assert np.mean(apart) > 0.1
    assert np.mean(together) <= 0.05


@pytest.mark.parametrize("documents", [20, 80])
@pytest.mark.parametrize("alike", [0.0, 0.6])
@pytest.mark.parametrize("world", [shares, fractions])
def test_intervals_hold_the_truth_as_often_as_they_say(
    world: Callable[..., tuple[Marks, float]], documents: int, alike: float
) -> None:
    chance = np.random.default_rng(4)
    marks, truth = world(chance, runs=1000, documents=documents, alike=alike, share=0.6)
    sums, sizes = sums_and_sizes(marks[:, 0])
    ends = [Clustered(*both).interval(limits=(0, 1)) for both in zip(sums, sizes, strict=True)]
    assert 0.93 <= np.mean([low <= truth <= high for low, high in ends]) <= 0.97


def test_intervals_of_a_difference_hold_the_truth_as_often_as_they_say() -> None:
    chance = np.random.default_rng(5)
    marks, truth = differences(chance, runs=1000, documents=40, alike=0.3, won=0.2, lost=0.1)
    sums, sizes = sums_and_sizes(marks[:, 0])
    ends = [Clustered(*both).interval(limits=(-1, 1)) for both in zip(sums, sizes, strict=True)]
    assert 0.93 <= np.mean([low <= truth <= high for low, high in ends]) <= 0.97


def test_ten_points_are_found_in_200_questions_whose_answers_differ_on_a_fifth() -> None:
    marks, _ = differences(
        np.random.default_rng(6), runs=400, documents=200, alike=0, won=0.15, lost=0.05, length=1
    )
    assert np.mean([flip_test(sums) <= 0.05 for sums in sums_and_sizes(marks[:, 0])[0]]) >= 0.8


def test_the_smallest_difference_that_is_said_to_be_seen_is_found_four_times_out_of_five() -> None:
    error = paired_error(200, documents=50, discordance=0.2, alike=0.1)
    told = reach(questions=200, documents=50, error=error, freedom=49, comparisons=1).smallest
    assert told is not None
    marks, _ = differences(
        np.random.default_rng(7), runs=600, documents=50, alike=0.1, won=0.1 + told / 2, lost=0.1 - told / 2, length=4
    )  # fmt: skip
    found = np.mean([flip_test(sums) <= 0.05 for sums in sums_and_sizes(marks[:, 0])[0]])
    assert 0.75 <= found <= 0.88
