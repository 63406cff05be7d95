"""Tuned against base on held-out questions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragraft.tune.gates.quality import held_out_from, quality_gate
from ragraft.types import Example, Message


def asking(number: int, group: str) -> Example:
    turns = (Message("user", f"question {number}"), Message("assistant", f"Room {number} has a lamp."))
    return Example(f"id-{number}", "question", turns, group)


HELD_OUT = held_out_from([asking(number, f"page-{number % 8}") for number in range(24)])


def knows(messages: Sequence[Message]) -> str:
    return f"Room {messages[-1].content.split()[-1]} has a lamp."


def knows_nothing(_messages: Sequence[Message]) -> str:
    return "Perhaps so."


def test_the_assistants_last_turn_is_expected_and_not_shown_to_the_model() -> None:
    assert HELD_OUT[3].messages == (Message("user", "question 3"),)
    assert HELD_OUT[3].question.expected == "Room 3 has a lamp."


def test_a_model_that_learned_passes_as_better() -> None:
    gate = quality_gate(HELD_OUT, base=knows_nothing, tuned=knows)
    assert (gate.passed, gate.detail["better"]) == (True, True)


def test_a_model_that_lost_its_answers_does_not_pass() -> None:
    assert quality_gate(HELD_OUT, base=knows, tuned=knows_nothing).passed is False


def test_the_base_itself_passes_as_no_better_given_enough_documents() -> None:
    many = held_out_from([asking(number, f"page-{number}") for number in range(80)])
    gate = quality_gate(many, base=knows, tuned=knows)
    assert (gate.passed, gate.value, gate.detail["better"]) == (True, 0.0, False)


def test_documents_are_counted_and_not_their_questions() -> None:
    assert quality_gate(HELD_OUT, base=knows, tuned=knows).detail["groups"] == 8


def test_answers_won_and_lost_are_counted_with_their_test() -> None:
    gate = quality_gate(HELD_OUT, base=knows_nothing, tuned=knows)
    assert gate.detail["holds"] == {
        "base": 0.0,
        "tuned": 1.0,
        "lost": 0,
        "won": 24,
        "p": pytest.approx(2 / 2**24),
    }
