"""Confidence from what a reader makes of the passages, kept in a file; and the words that are missing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from answer_world import passage, stems
from hypothesis import given
from hypothesis import strategies as st

from ragraft.answer.confidence import (
    MOST_LOG_ODDS,
    SIGNALS,
    Confidence,
    load_confidence,
    missing_words,
    save_confidence,
    signals,
)
from ragraft.errors import WorkspaceError
from ragraft.types import Reading

WEIGHTS = tuple(float(at) for at in range(len(SIGNALS)))


def signals_of(question: str, *texts: str, answerable: tuple[float, ...] = ()) -> dict[str, float]:
    readings = [Reading(0.5, sure, 0, 1, 0.5) for sure in answerable or (0.5,) * len(texts)]
    found = signals(
        question, passages=[passage(text) for text in texts], readings=readings, near=0.5, terms=stems
    )
    return dict(zip(SIGNALS, found.tolist(), strict=True))


def test_signals_tell_the_best_reading_from_the_second_best() -> None:
    found = signals_of("Soup?", "a", "b", "c", answerable=(0.2, 0.9, 0.5))
    assert (found["answers"], found["second"]) == pytest.approx((math.log(9), 0.0))


def test_without_a_second_passage_its_signal_is_the_lowest() -> None:
    assert signals_of("Soup?", "a")["second"] == -MOST_LOG_ODDS


@pytest.mark.parametrize(("sure", "odds"), [(0.0, -MOST_LOG_ODDS), (1.0, MOST_LOG_ODDS)])
def test_certainty_is_bounded(sure: float, odds: float) -> None:
    assert signals_of("Soup?", "a", answerable=(sure,))["answers"] == pytest.approx(odds)


def test_signals_tell_how_much_of_the_question_one_passage_and_all_of_them_carry() -> None:
    found = signals_of("Does the Kassel hotel serve trout?", "A hotel in Kassel.", "Trouts.")
    assert (found["words"], found["words together"]) == (pytest.approx(2 / 4), pytest.approx(3 / 4))


def test_a_question_of_small_words_is_carried_by_anything() -> None:
    found = signals_of("What is it?", "a")
    assert (found["words"], found["words together"]) == (1.0, 1.0)


@pytest.mark.parametrize(("sum_of", "probability"), [(0.0, 0.5), (1e6, 1.0), (-1e6, 0.0)])
def test_a_probability_is_one_whatever_the_weights(sum_of: float, probability: float) -> None:
    assert Confidence((sum_of,), 0.5, "").probability(np.ones(1)) == probability


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_more_of_a_signal_with_a_positive_weight_is_more_probable(one: float, other: float) -> None:
    low, high = (Confidence((1.0,), 0.5, "").probability(np.array([x])) for x in sorted((one, other)))
    assert 0 < low <= high < 1


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    kept = Confidence(WEIGHTS, 0.25, "7 questions of q.jsonl")
    save_confidence(kept, tmp_path / "confidence.json")
    assert load_confidence(tmp_path / "confidence.json") == kept


def test_saving_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    save_confidence(Confidence(WEIGHTS, 0.25, ""), tmp_path / "confidence.json")
    assert [path.name for path in tmp_path.iterdir()] == ["confidence.json"]


def test_a_write_that_fails_leaves_the_old_confidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "confidence.json"
    old = Confidence(WEIGHTS, 0.25, "old")
    save_confidence(old, path)

    def half(self: Path, text: str, **_: object) -> int:
        with self.open("w") as file:
            file.write(text[: len(text) // 2])
        raise OSError("disk full")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(Path, "write_text", half)
        save_confidence(Confidence(WEIGHTS, 0.75, "new"), path)
    assert load_confidence(path) == old


def test_without_a_file_the_shipped_confidence_is_used(tmp_path: Path) -> None:
    assert load_confidence(tmp_path / "none.json") == load_confidence()
    assert 0 < load_confidence().threshold < 1


GOOD = {"weights": dict.fromkeys(SIGNALS, 1.0), "threshold": 0.5, "fitted_on": "x"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({**GOOD, "weights": {"answers": 1.0}}),
        json.dumps({**GOOD, "weights": dict.fromkeys(SIGNALS, "much")}),
        json.dumps({**GOOD, "weights": dict.fromkeys(SIGNALS, math.nan)}),
        json.dumps({**GOOD, "weights": dict.fromkeys(SIGNALS, math.inf)}),
        json.dumps({**GOOD, "threshold": 2}),
        json.dumps({**GOOD, "threshold": math.nan}),
        json.dumps({**GOOD, "threshold": None}),
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: str) -> None:
    path = tmp_path / "confidence.json"
    path.write_text(content)
    with pytest.raises(WorkspaceError, match="damaged") as caught:
        load_confidence(path)
    assert "ragraft calibrate" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("What may a hotel in Lyon cost?", ["Lyon"]),
        ("What may hotels in Kassel cost?", []),
        ("Darf Lyon Hunde mitbringen?", ["Lyon", "Hunde", "mitbringen"]),
        ("What is it?", []),
        ("What may a Lyon hotel with lyon pool cost?", ["Lyon", "lyon", "pool"]),
    ],
)
def test_missing_words_are_those_that_no_passage_has_in_any_form(question: str, missing: list[str]) -> None:
    passages = [passage("A hotel is 135."), passage("Limits.", context="Kassel > Costs")]
    assert missing_words(question, passages=passages, terms=stems) == missing
