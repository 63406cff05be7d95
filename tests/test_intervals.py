"""The intervals hold what they promise, by simulation with fixed seeds, and agree with printed tables."""

from __future__ import annotations

import numpy as np
import pytest

from ragraft.intervals import clopper_pearson, cluster_interval, mcnemar, student_quantile


def clustered(chance: np.random.Generator, groups: int, spread: float) -> tuple[list[float], list[str]]:
    """Return marks with mean 0 in expectation: each group has a share of its own, and one to eight marks."""
    values: list[float] = []
    names: list[str] = []
    for group in range(groups):
        shift = chance.normal(0, spread)
        size = int(chance.integers(1, 9))
        values += list(np.clip(shift + chance.normal(0, 0.2, size), -1, 1))
        names += [str(group)] * size
    return values, names


@pytest.mark.parametrize("groups", [6, 15, 40])
def test_the_cluster_interval_covers_the_true_mean_as_often_as_it_says(groups: int) -> None:
    chance = np.random.default_rng(groups)
    hits = 0
    for run in range(300):
        values, names = clustered(chance, groups, spread=0.2)
        _, (low, high) = cluster_interval(values, names, limits=(-1, 1), seed=run)
        hits += low <= 0 <= high
    assert 0.915 <= hits / 300 <= 0.99  # 0.95, give or take 2.8 standard errors below


def test_an_interval_that_takes_grouped_marks_for_independent_covers_too_rarely() -> None:
    chance = np.random.default_rng(5)
    hits = 0
    for run in range(200):
        values, _ = clustered(chance, 20, spread=0.4)
        apart = [str(number) for number in range(len(values))]
        _, (low, high) = cluster_interval(values, apart, limits=(-1, 1), seed=run)
        hits += low <= 0 <= high
    assert hits / 200 < 0.85


def test_an_interval_of_shares_covers_at_the_edge_where_all_agree() -> None:
    chance = np.random.default_rng(1)
    hits = 0
    for run in range(300):
        values = [float(one) for one in chance.random(20) < 0.98]
        _, (low, high) = cluster_interval(values, list(map(str, range(20))), limits=(0, 1), seed=run)
        hits += low <= 0.98 <= high
    assert hits / 300 >= 0.92


def test_groups_that_all_agree_leave_room_for_what_was_not_seen() -> None:
    value, (low, high) = cluster_interval([0.0] * 20, list(map(str, range(20))), limits=(-1, 1))
    assert value == 0
    assert (low, high) == pytest.approx((-0.16843, 0.16843), abs=1e-4)


def test_weights_make_the_mean_that_of_all_tokens() -> None:
    value, _ = cluster_interval([1.0, 0.0], ["a", "b"], limits=(0, 1), weights=[3, 1])
    assert value == 0.75


def test_the_interval_is_the_same_for_the_same_seed() -> None:
    values, names = clustered(np.random.default_rng(0), 9, spread=0.2)
    one = cluster_interval(values, names, limits=(-1, 1), seed=4)
    assert one == cluster_interval(values, names, limits=(-1, 1), seed=4)


def test_the_interval_stays_within_what_a_value_can_be() -> None:
    values = [1.0] * 9 + [0.0]
    _, (_, high) = cluster_interval(values, list(map(str, range(10))), limits=(0, 1))
    assert high == 1.0


def test_one_group_has_no_interval() -> None:
    with pytest.raises(ValueError, match="no spread"):
        cluster_interval([0.1, 0.2], ["a", "a"], limits=(0, 1))


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(0, 20, 0.0, 0.16843), (3, 20, 0.03207, 0.37893), (20, 20, 0.83157, 1.0), (5, 10, 0.18709, 0.81291)],
)
def test_clopper_pearson_agrees_with_printed_tables(hits: int, tries: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, tries) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.37, 0.5])
def test_clopper_pearson_never_covers_less_than_it_says(share: float) -> None:
    drawn = np.random.default_rng(3).binomial(32, share, size=1000)
    known = {int(hits): clopper_pearson(int(hits), 32) for hits in set(drawn)}
    covered = np.mean([known[int(hits)][0] <= share <= known[int(hits)][1] for hits in drawn])
    assert covered >= 0.94  # 0.95 less one and a half standard errors


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no share"):
        clopper_pearson(0, 0)


def test_mcnemar_agrees_with_the_binomial_by_hand() -> None:
    assert mcnemar(1, 9) == pytest.approx(2 * 11 / 1024)


def test_mcnemar_finds_nothing_where_nothing_changed() -> None:
    assert mcnemar(0, 0) == 1.0


def test_mcnemar_rejects_no_more_often_than_its_level() -> None:
    chance = np.random.default_rng(7)
    rejected = 0
    for _ in range(2000):
        changed = int(chance.binomial(60, 0.3))
        lost = int(chance.binomial(changed, 0.5))
        rejected += mcnemar(lost, changed - lost) < 0.05
    assert rejected / 2000 <= 0.05


def test_mcnemar_finds_a_real_difference() -> None:
    assert mcnemar(lost=2, won=14) < 0.01


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (10, 2.2281), (30, 2.0423)],
)
def test_the_quantile_of_student_agrees_with_printed_tables(freedom: int, quantile: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, abs=1e-4)
    assert student_quantile(0.025, freedom) == pytest.approx(-quantile, abs=1e-4)
