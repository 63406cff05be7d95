"""The benchmark of the statistics: its figures are there, and what it compares with is computed as published."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.significance import measure
from benchmarks.significance_peers import TESTS, bootstraps


def test_a_small_run_gives_every_figure_a_value() -> None:
    report = measure(runs=3)
    assert all(np.isfinite(figure.value) for figure in report.figures)
    assert set(report.detail) == {
        *("five equal systems", "two equal systems", "worse by the margin", "coverage", "200 questions")
    }


@pytest.mark.parametrize(
    ("test", "p"),
    [
        ("McNemar, each question for itself", 0.21875),  # 1 lost, 5 won: 2 * 7 / 64
        ("Obuchowski 1998", 0.157299),  # sums 2, 1, 2, -1: 4 over the root of 4 / 3 * (1 + 0 + 1 + 4)
        ("Durkalski et al. 2003", 0.205903),  # means 1, 0.5, 1, -0.5: 2 over the root of 2.5
    ],
)
def test_the_tests_for_clusters_are_those_of_their_papers(test: str, p: float) -> None:
    values = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, -1.0, 0.0])
    documents = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert TESTS[test](values, documents) == pytest.approx(p, abs=1e-4)


def test_bootstraps_hold_the_mean_they_were_made_from() -> None:
    chance = np.random.default_rng(0)
    sums, sizes = chance.integers(0, 4, size=(2, 30)).astype(float), np.full((2, 30), 4.0)
    for low, high in bootstraps(sums, sizes, chance=chance).values():
        assert np.all(low < sums.sum(1) / sizes.sum(1))
        assert np.all(sums.sum(1) / sizes.sum(1) < high)
