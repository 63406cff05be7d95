"""Confidence from what a reader makes of the passages, kept in a file; and the words that are missing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from answer_world import passage, stems
from hypothesis import given
from hypothesis import strategies as st

from ragraft.answer.confidence import (
    MOST_LOG_ODDS,
    NEARNESS,
    SIGNALS,
    Confidence,
    load_confidence,
    missing_words,
    save_confidence,
    signals,
)
from ragraft.answer.sentence import Sentence
from ragraft.errors import WorkspaceError
from ragraft.types import Reading

WEIGHTS = tuple(float(at) for at in range(len(SIGNALS)))


def signals_of(
    question: str, *texts: str, relevance: tuple[float, ...] = (), like: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the signals of one-sentence passages, each as relevant and as like the question as said."""
    readings = [Reading(sure, 0.5, 0, 1, 0.5) for sure in relevance or (0.5,) * len(texts)]
    sentences = [
        Sentence(place, 0, len(text), text, (like or {}).get(text, 0.5)) for place, text in enumerate(texts)
    ]
    found = signals(question, readings=readings, sentences=sentences)
    return dict(zip(SIGNALS, found.tolist(), strict=True))


def test_the_passage_that_is_relevant_and_near_at_once_counts() -> None:
    found = signals_of("Soup?", "a", "b", "c", relevance=(0.9, 0.1, 0.5), like={"a": 0.1, "b": 0.9, "c": 0.5})
    assert found["relevant and near"] == pytest.approx(
        max(math.log(9) + 0.1 * NEARNESS, -math.log(9) + 0.9 * NEARNESS, 0.5 * NEARNESS)
    )


@pytest.mark.parametrize(("sure", "odds"), [(0.0, -MOST_LOG_ODDS), (1.0, MOST_LOG_ODDS)])
def test_certainty_is_bounded(sure: float, odds: float) -> None:
    found = signals_of("Soup?", "a", relevance=(sure,), like={"a": 0.0})
    assert found["relevant and near"] == pytest.approx(odds)


def test_a_sentence_without_the_kind_of_thing_that_is_asked_for_is_not_near() -> None:
    like = {"The hotel has rooms.": 0.9, "It has 12 rooms.": 0.4}
    assert signals_of("How many rooms has it?", *like, like=like)["near"] == 0.4
    assert signals_of("Does it have rooms?", *like, like=like)["near"] == 0.9
    assert signals_of("How many rooms has it?", "The hotel has rooms.")["near"] == 0.0


@pytest.mark.parametrize(("question", "asks"), [("How many?", 1.0), ("Why?", 0.0)])
def test_whether_the_question_asks_for_a_thing_is_a_signal(question: str, asks: float) -> None:
    assert signals_of(question, "a")["asks for a thing"] == asks


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
        json.dumps({**GOOD, "weights": {"near": 1.0}}),
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
