from __future__ import annotations

import numpy as np
import pytest

from ragraft.verify.features import FEATURES
from ragraft.verify.weights import Weights, shipped_weights

RECORD = {
    "plain": {"weights": {FEATURES[0]: 2.0}, "bias": -1.0},
    "likeness": {"weights": {FEATURES[0]: 0.0}, "bias": 0.0},
    "thresholds": {"supported": 0.6, "undecided": 0.2, "partly": 0.4},
}


def values(first: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([first, *[0.0] * (len(FEATURES) - 1)])


def test_the_thresholds_that_ship_are_in_order() -> None:
    shipped = shipped_weights()
    assert 0 < shipped.undecided < shipped.partly < shipped.supported < 1


def test_more_of_the_wording_never_counts_against_a_claim() -> None:
    shipped = shipped_weights()
    at = [
        FEATURES.index(name) for name in ("cover", "cover with headings", "cover by all windows", "quotation")
    ]
    assert all(weights[at].min() >= 0 for weights in (shipped.plain, shipped.likeness))


@pytest.mark.parametrize(("first", "score"), [(0.5, 0.5), (1.0, 0.731), (0.0, 0.269)])
def test_the_score_is_that_of_a_logistic_regression(first: float, score: float) -> None:
    assert Weights.from_json(RECORD).score(values(first), likeness=False) == pytest.approx(score, abs=0.001)


def test_likeness_has_weights_of_its_own() -> None:
    assert Weights.from_json(RECORD).score(values(1.0), likeness=True) == 0.5


def test_a_score_stays_within_bounds() -> None:
    assert 0 <= Weights.from_json(RECORD).score(values(1e9), likeness=False) <= 1
