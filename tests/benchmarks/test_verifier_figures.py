"""The verifier's benchmark: its measures are right, and a verifier without judgement is seen to have none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks.figures import Figure, Report
from benchmarks.grounded import Grounded, as_passage
from planted import OneMindedVerifier

from benchmarks import verifier
from ragraft.verify.verifier import Verifier

SENTENCE = "A hotel in Kassel must cost no more than 135 euros before March 2026."
PASSAGE = f"This is the policy of Anna Novak. {SENTENCE} The limit in Brno is 90 euros."
OTHERS = ("The canteen opens at eleven.", "Peter Brandt orders the paint.")
ITEM = Grounded(
    "written", SENTENCE, PASSAGE, tuple(as_passage(text) for text in (PASSAGE, *OTHERS)), others=OTHERS
)
CASES = [
    verifier.Case("The room costs 135 euros.", "A room costs 135 euros.", supported=True),
    verifier.Case("The room costs 153 euros.", "A room costs 135 euros.", supported=False),
    verifier.Case("The desk opens at eight.", "The travel desk opens at eight.", supported=True),
    verifier.Case("The desk opens at nine.", "The travel desk opens at eight.", supported=False),
]


def tally_of(judge: Verifier | OneMindedVerifier) -> verifier.Tally:
    """Return what a verifier makes of the item and its alterations, which are the same each time."""
    tally = verifier.Tally()
    verifier._check(ITEM, tally, judge, random.Random(1))
    return tally


def test_an_item_is_altered_and_its_passage_is_taken_away() -> None:
    assert {"true", "verbatim", "away", "number", "name", "negation", "modality"} <= set(
        tally_of(OneMindedVerifier("supported")).all
    )


def test_a_verifier_that_supports_everything_catches_nothing() -> None:
    tally = tally_of(OneMindedVerifier("supported"))
    assert {kind: tally.share(kind) for kind in tally.all} == {
        kind: float(kind in ("true", "verbatim")) for kind in tally.all
    }


def test_a_verifier_that_supports_nothing_gives_nothing_but_false_alarms() -> None:
    tally = tally_of(OneMindedVerifier("not_found"))
    assert (tally.share("true", "verbatim"), tally.share("number", "away")) == (0.0, 1.0)


def test_what_came_out_wrong_is_kept_with_its_claim() -> None:
    misses = tally_of(OneMindedVerifier("supported")).misses["number"]
    assert [set(miss) for miss in misses] == [{"set", "claim", "found", "why"}]
    assert misses[0]["claim"] != SENTENCE


def test_the_shipped_verifier_is_better_than_either() -> None:
    tally = tally_of(Verifier(terms=verifier.stems))
    assert tally.share("verbatim") == 1.0
    assert tally.share("number", "away") == 1.0


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (Verifier(terms=verifier.stems), 1.0),
        (OneMindedVerifier("supported"), 0.5),
        (OneMindedVerifier("not_found"), 0.5),
    ],
    ids=["shipped", "supports all", "supports none"],
)
def test_balanced_accuracy_of_a_verifier_without_judgement_is_a_half(
    judge: Verifier, expected: float
) -> None:
    report = Report()
    verifier._judged(report, "written", CASES, judge)
    found = {figure.name: figure.value for figure in report.figures}
    assert found == {"written ROC AUC": expected, "written balanced accuracy": expected}


@pytest.mark.parametrize(
    ("scores", "area"), [((0.9, 0.8, 0.2, 0.1), 1.0), ((0.1, 0.2, 0.8, 0.9), 0.0), ((0.5,) * 4, 0.5)]
)
def test_the_area_is_the_chance_of_ranking_right(scores: Sequence[float], area: float) -> None:
    assert verifier.auc(np.array([True, True, False, False]), np.array(scores)) == area


def test_rows_of_one_page_are_in_one_fold() -> None:
    pages = [f"page {at // 3}" for at in range(90)]
    folds = verifier.folds_of(pages)
    assert len(set(folds.tolist())) == verifier.FOLDS
    assert all(len(set(folds[at : at + 3].tolist())) == 1 for at in range(0, 90, 3))


def test_cross_validation_finds_no_skill_in_values_that_say_nothing_of_the_label() -> None:
    chance = np.random.default_rng(0)
    labels = np.arange(400) % 2 == 0
    scores = verifier.cross_validated(
        chance.normal(size=(400, 3)), labels, verifier.folds_of([str(at) for at in range(400)])
    )
    assert 0.4 < verifier.auc(labels, scores) < 0.6


def test_cross_validation_finds_the_value_that_tells_the_label() -> None:
    labels = np.arange(400) % 2 == 0
    values = np.column_stack([np.random.default_rng(0).normal(size=400), labels.astype(float)])
    scores = verifier.cross_validated(values, labels, verifier.folds_of([str(at) for at in range(400)]))
    assert verifier.balanced(labels, scores > 0) == 1.0


def test_an_interval_is_wider_where_rows_come_in_groups() -> None:
    labels = np.arange(200) % 2 == 0
    told = labels ^ np.repeat(np.random.default_rng(1).random(20) < 0.3, 10)
    low, high = verifier.interval(labels, told, [str(at) for at in range(200)])
    lowest, highest = verifier.interval(labels, told, [str(at // 10) for at in range(200)])
    assert highest - lowest > 1.5 * (high - low)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.usefixtures("shared_data")
def test_a_small_run_has_every_figure_and_target() -> None:
    report = verifier.measure(verifier.Scale(sentences=2, rows=24, likeness=False))
    found: dict[str, Figure] = {figure.name: figure for figure in report.figures}
    assert {name for name, figure in found.items() if figure.target is not None} == {
        "a sentence against 5 passages",
        "wice balanced accuracy",
        "altered numbers, dates, units caught",
        "altered names, negations and the rest caught",
        "unaltered, reworded: false alarms",
    }
    shares = [figure.value for figure in report.figures if figure.unit == ""]
    assert all(0 <= share <= 1 for share in shares)
    assert found["wice balanced accuracy"].reference == "11 plain features"
    assert {"begin wow ROC AUC", "halueval qa ROC AUC"} <= found.keys()
