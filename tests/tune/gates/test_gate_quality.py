"""Tuned against base on held-out questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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


def reading(number: int, answer: str) -> Example:
    turns = (
        Message("user", f"[1]\n<<\npassage {number}\n>>\n\nquestion {number}"),
        Message("assistant", answer),
    )
    return Example(f"id-{number}", "raft", turns, f"page-{number}")


QUOTED = "“The lamp of room {0} is lit at night, as the keeper likes it.” [1]\n\nRoom {0} has a lamp. [1]"
REFUSED = "The passages do not answer this question."
READ = held_out_from([reading(n, QUOTED.format(n) if n % 3 else REFUSED) for n in range(30)])


def test_of_an_answer_from_passages_the_answer_alone_is_expected() -> None:
    assert READ[1].question.expected == "Room 1 has a lamp."
    assert READ[0].question.answerable is False


def test_an_answer_that_is_a_quotation_is_expected_without_its_marks() -> None:
    (only,) = held_out_from([reading(1, "“The lamp is lit.” [3]")])
    assert only.question.expected == "The lamp is lit."


def test_answers_from_passages_are_right_in_whatever_form() -> None:
    def bare(messages: Sequence[Message]) -> str:
        number = int(messages[-1].content.split()[-1])
        return f"Well: room {number} has a lamp." if number % 3 else "I do not know, it is not stated."

    def quoting(messages: Sequence[Message]) -> str:
        number = int(messages[-1].content.split()[-1])
        return QUOTED.format(number) if number % 3 else REFUSED

    gate = quality_gate(READ, base=bare, tuned=quoting)
    assert (gate.value, gate.detail["base"], gate.detail["tuned"]) == (0.0, 1.0, 1.0)


def test_a_model_that_refuses_everything_is_right_where_nothing_answers() -> None:
    gate = quality_gate(READ, base=lambda _: REFUSED, tuned=lambda _: "Whatever. [1]")
    assert gate.detail["base"] == pytest.approx(1 / 3)
    assert gate.detail["tuned"] == 0.0


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("“No lamp is lit before the keeper comes.” [2]\n\nIt burns 12 hours. [2]", 1.0),
        ("“No lamp is lit before the keeper comes.” [2]\n\nTwelve long hours. [2]", 2 / 3),
        ("It is twelve hours.", 4 / 7),
        ("The keeper knows.", 0.0),
    ],
)
def test_an_answer_from_passages_counts_by_an_alias_or_in_part(said: str, mark: float) -> None:
    row = replace(
        reading(1, "“It burns for half a day.” [1]\n\nFor twelve hours. [1]"), aliases=("12 hours",)
    )
    gate = quality_gate(held_out_from([row]), base=lambda _: "", tuned=lambda _: said)
    assert gate.detail["tuned"] == pytest.approx(mark)
