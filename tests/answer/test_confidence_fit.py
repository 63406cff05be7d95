"""Fitting the confidence: thresholds keep their promise, folds keep documents whole, figures are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.answer.calibrate import (
    FOLDS,
    Judged,
    _folds,
    calibrate_confidence,
    choose_threshold,
    risk_coverage,
    told_apart,
)
from ragraft.answer.confidence import SIGNALS, Confidence

START = Confidence((0.5, *(0.0 for _ in SIGNALS[1:])), 0.3, "nothing")


def judged(count: int = 60, *, seed: int = 0, telling: float = 3.0, groups: int = 20) -> list[Judged]:
    """Return questions, every third without an answer, whose first signal tells how far one is from it."""
    random = np.random.default_rng(seed)
    made = []
    for at in range(count):
        answerable = at % 3 > 0
        values = random.normal(size=len(SIGNALS))
        values[0] += telling * (1 if answerable else -1)
        values[-1] = 1.0
        made.append(Judged(values, answerable, answerable and at % 5 > 0, f"document {at % groups}"))
    return made


chances = st.lists(st.integers(0, 20).map(lambda n: n / 21), min_size=1, max_size=30)


@given(chances=chances, others=chances, eighths=st.integers(0, 8))
def test_a_threshold_refuses_as_many_of_the_answerable_as_it_may_and_no_more(
    chances: list[float], others: list[float], eighths: int
) -> None:
    confidences, kept = np.array(chances + others), np.array(chances)
    answerable = np.arange(len(confidences)) < len(chances)
    threshold = choose_threshold(confidences, answerable, most_wrongly_refused=eighths / 8)
    assert np.sum(kept < threshold) <= len(kept) * eighths / 8
    if (answered := kept[kept >= threshold]).size:
        assert np.sum(kept <= answered.min()) > len(kept) * eighths / 8


def test_a_threshold_lies_between_two_questions() -> None:
    confidences, answerable = np.array([0.1, 0.3, 0.6, 0.9]), np.array([False, False, True, True])
    assert choose_threshold(confidences, answerable, most_wrongly_refused=0) == pytest.approx(0.45)


def test_where_all_may_be_refused_all_are() -> None:
    assert choose_threshold(np.array([0.5]), np.array([True]), most_wrongly_refused=1) == 1.0


def test_risk_grows_as_less_sure_questions_are_answered() -> None:
    curve = risk_coverage(np.array([0.9, 0.1, 0.5, 0.7]), np.array([True, False, False, True]))
    assert np.array(curve) == pytest.approx(np.array([(0.25, 0), (0.5, 0), (0.75, 1 / 3), (1, 1 / 2)]))


@given(st.lists(st.integers(0, 12).map(str), min_size=1, max_size=60))
def test_no_document_is_in_two_folds(groups: list[str]) -> None:
    folds = _folds(groups)
    assert all(len(set(folds[[group == one for group in groups]])) == 1 for one in set(groups))
    assert set(folds) <= set(range(FOLDS))


def test_folds_are_even() -> None:
    sizes = np.bincount(_folds([str(at) for at in range(50)]))
    assert sizes.tolist() == [10] * FOLDS


def test_signals_that_tell_the_questions_apart_are_found() -> None:
    found = calibrate_confidence(judged(), start=START, most_wrongly_refused=0.1, name="q.jsonl")
    assert (found.refused, found.wrongly_refused) == (1.0, pytest.approx(0.1))
    assert found.confidence.weights[0] > max(map(abs, found.confidence.weights[1:]))


def test_figures_are_those_of_questions_not_fitted_on() -> None:
    """With signals that tell nothing, a fit on the questions themselves would look better than chance."""
    aside = [
        calibrate_confidence(
            judged(60, seed=seed, telling=0.0), start=START, most_wrongly_refused=0.1, name=""
        ).refused
        for seed in range(12)
    ]
    assert np.mean(aside) < 0.25


def test_the_same_questions_give_the_same_confidence() -> None:
    one, other = (
        calibrate_confidence(judged(), start=START, most_wrongly_refused=0.1, name="q.jsonl")
        for _ in range(2)
    )
    assert one == other
    assert one.confidence.fitted_on == "60 questions of q.jsonl"


def test_coverage_and_risk_at_the_threshold_lie_on_the_curve() -> None:
    found = calibrate_confidence(judged(telling=1.0), start=START, most_wrongly_refused=0.2, name="")
    assert any(found.chosen == pytest.approx(point) for point in found.curve)


def test_the_curve_before_is_that_of_the_confidence_there_was() -> None:
    questions = judged(telling=1.0)
    right = np.array([one.right for one in questions])
    sure = np.array([START.probability(one.signals) for one in questions])
    found = calibrate_confidence(questions, start=START, most_wrongly_refused=0.1, name="")
    assert np.array(found.before) == pytest.approx(np.array(risk_coverage(sure, right)))


@pytest.mark.parametrize("kept", [True, False])
def test_questions_of_one_kind_alone_fit_nothing(kept: bool) -> None:
    questions = [one for one in judged() if one.answerable is kept]
    with pytest.raises(ValueError, match="both answerable and unanswerable"):
        calibrate_confidence(questions, start=START, most_wrongly_refused=0.1, name="")


def test_all_questions_about_one_document_leave_the_weights_as_they_were_out_of_fold() -> None:
    found = calibrate_confidence(judged(groups=1), start=START, most_wrongly_refused=0.1, name="")
    assert found.curve == found.before


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), telling=st.sampled_from([-8.0, 0.0, 8.0, 50.0]), count=st.integers(3, 40))
def test_a_fit_never_runs_away(seed: int, telling: float, count: int) -> None:
    found = calibrate_confidence(
        judged(count, seed=seed, telling=telling), start=START, most_wrongly_refused=0.1, name=""
    )
    assert np.isfinite(found.confidence.weights).all()
    assert max(map(abs, found.confidence.weights)) < 20
    assert 0 <= found.confidence.threshold <= 1


def test_weights_that_tell_the_questions_apart_as_well_as_new_ones_are_kept() -> None:
    """Signals that tell nothing beside the first: whatever a fit makes of sixty questions is noise."""
    good = Confidence((5.0, *(0.0 for _ in SIGNALS[1:])), 0.3, "good")
    found = calibrate_confidence(judged(telling=8.0), start=good, most_wrongly_refused=0.1, name="q.jsonl")
    assert (found.refitted, found.confidence.weights) == (False, good.weights)
    assert found.curve == found.before
    assert found.confidence.threshold != good.threshold


def test_weights_that_tell_nothing_are_fitted_anew() -> None:
    blind = Confidence((0.0,) * len(SIGNALS), 0.3, "blind")
    assert calibrate_confidence(judged(), start=blind, most_wrongly_refused=0.1, name="").refitted


def test_how_well_questions_are_told_apart_is_the_share_of_pairs_in_the_right_order() -> None:
    confidences, answerable = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    assert told_apart(confidences, answerable) == pytest.approx(3.5 / 4)
