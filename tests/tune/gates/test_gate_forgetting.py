"""General text, general tasks, following passages and refusing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import pytest

from ragraft.errors import ModelError
from ragraft.models.fake import FakeChatModel
from ragraft.tune.gates.context import (
    GivenPassage,
    context_gate,
    follows,
    given_passages,
    refusal_gate,
    refuses,
    retrieval_frame,
)
from ragraft.tune.gates.forgetting import (
    Task,
    general_tasks,
    general_text,
    general_text_gate,
    tasks_gate,
)
from ragraft.types import Message


def flat(nats: float):
    return lambda texts: [[nats] * len(text.split()) for text in texts]


def plain(question: str, passage: str) -> list[Message]:
    return [Message("user", f"{passage}\n{question}")]


def oracle(messages: Sequence[Message]) -> str:
    """Answers what the passage in the prompt says, and refuses where it says nothing."""
    asked = messages[-1].content
    given = next(one for one in given_passages() if one.passage in asked)
    return given.answer or "The passage does not say."


def worldly(messages: Sequence[Message]) -> str:
    asked = messages[-1].content
    return next(one for one in given_passages() if one.passage in asked).world


def test_forty_paragraphs_of_general_text_ship() -> None:
    assert len(set(general_text())) == 40
    assert all(25 <= len(text.split()) <= 70 for text in general_text())


def test_a_model_that_did_not_change_keeps_general_text() -> None:
    gate = general_text_gate(base=flat(3.0), tuned=flat(3.0))
    assert (gate.passed, gate.value) == (True, 0.0)


def test_a_model_that_finds_general_text_much_less_likely_does_not_pass() -> None:
    gate = general_text_gate(base=flat(3.0), tuned=flat(3.5))
    assert (gate.passed, gate.value) == (False, 0.5)


def test_the_rise_is_the_mean_over_tokens_and_not_over_texts() -> None:
    texts = ["long " * 9, "short", "short", "short", "short"]
    gate = general_text_gate(
        base=flat(1.0),
        tuned=lambda asked: [[1.0 + (text == "short")] * len(text.split()) for text in asked],
        texts=texts,
    )
    assert gate.value == pytest.approx(4 / 13)


def test_a_loss_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ModelError, match="no number"):
        general_text_gate(base=flat(1.0), tuned=flat(math.nan))


def test_models_that_count_other_tokens_are_not_compared() -> None:
    with pytest.raises(ModelError, match="same tokens"):
        general_text_gate(base=flat(1.0), tuned=lambda texts: [[1.0] for _ in texts])


def test_sixty_tasks_ship_of_five_kinds() -> None:
    assert Counter(task.kind for task in general_tasks()) == {
        "sum": 14,
        "capital": 12,
        "opposite": 10,
        "fact": 14,
        "form": 10,
    }
    assert len({task.ask for task in general_tasks()}) == 60


@pytest.mark.parametrize(
    "task", [task for task in general_tasks() if not task.form], ids=lambda task: task.id
)
def test_a_question_does_not_give_its_answer_away(task: Task) -> None:
    assert not task.solved_by(task.ask)


@pytest.mark.parametrize(
    ("number", "right", "wrong"),
    [
        (1, "Blue.", "The word is blue."),
        (2, "Yes", "Yes, ice is cold."),
        (3, "no.", "yes"),
        (4, "7", "seven"),
        (5, "HOUSE", "House"),
        (6, "red, green, blue", "1. red\n2. green"),
        (7, "- apple\n- pear", "apple and pear"),
        (8, '{"name": "Ada"}', 'Here it is: {"name": "Ada"}'),
        (9, "The door is open.", "The door is open. Yes."),
        (10, "abc", "a b c"),
    ],
)
def test_a_form_is_kept_or_not(number: int, right: str, wrong: str) -> None:
    task = next(task for task in general_tasks() if task.id == f"form-{number}")
    assert (task.solved_by(f" {right}\n"), task.solved_by(wrong)) == (True, False)


def test_a_model_that_lost_the_capitals_does_not_pass_and_the_kind_is_named() -> None:
    answers = {task.ask: task.answers[0] if task.answers else "" for task in general_tasks()}
    gate = tasks_gate(
        base=lambda messages: answers[messages[-1].content],
        tuned=lambda messages: "" if "capital" in messages[-1].content else answers[messages[-1].content],
    )
    assert gate.passed is False
    assert gate.detail["kinds"]["capital"] == {"tasks": 12, "base": 12, "tuned": 0}


def test_a_model_that_kept_all_tasks_passes() -> None:
    assert tasks_gate(base=lambda _: "Paris", tuned=lambda _: "Paris").passed is True


def test_twenty_passages_contradict_the_world_and_twenty_do_not_answer() -> None:
    passages = given_passages()
    assert (len(passages), sum(not one.answer for one in passages)) == (40, 20)
    assert len({one.id for one in passages}) == 40


@pytest.mark.parametrize("given", given_passages(), ids=lambda given: given.id)
def test_a_passage_holds_its_answer_and_never_the_worlds(given: GivenPassage) -> None:
    if given.answer:
        assert follows(given.passage, given)
    assert not re.search(rf"\b{re.escape(given.world)}\b", given.passage, re.IGNORECASE)


def test_following_is_not_saying_both() -> None:
    given = GivenPassage("x", "The tower stands in Madrid.", "Where is it?", "Madrid", "Paris")
    assert follows("It stands in Madrid.", given)
    assert not follows("It stands in Madrid, not Paris.", given)


@pytest.mark.parametrize(
    "text",
    [
        "The passage does not say.",
        "The passages don't mention the capital of Spain.",
        "I don’t know.",
        "This cannot be answered from the passages.",
        "There is no information about it.",
        "It is not mentioned in the text.",
        "They do not answer the question.",
    ],
)
def test_a_refusal_is_recognised(text: str) -> None:
    assert refuses(text, GivenPassage("x", "", "", "", "Madrid"))


@pytest.mark.parametrize(
    "text",
    ["Madrid.", "The passage does not say, but it is Madrid.", "The museum is open from nine to five.", ""],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text, GivenPassage("x", "", "", "", "Madrid"))


def test_the_houses_own_refusal_counts_where_it_is_told() -> None:
    given = GivenPassage("x", "", "", "", "Madrid")
    assert not refuses("Kein Treffer.", given)
    assert refuses("Kein Treffer.", given, words=["kein treffer"])


def test_a_model_that_answers_from_the_world_loses_its_context() -> None:
    gate = context_gate(base=oracle, tuned=worldly, frame=plain)
    assert (gate.passed, gate.detail["base"], gate.detail["tuned"]) == (False, 1.0, 0.0)


def test_a_model_that_still_reads_keeps_its_context() -> None:
    assert context_gate(base=oracle, tuned=oracle, frame=plain).passed is True


def test_a_model_that_refuses_no_more_does_not_pass() -> None:
    gate = refusal_gate(base=oracle, tuned=worldly, frame=plain)
    assert (gate.passed, gate.detail["lost"]) == (False, 20)


def test_the_frame_is_the_prompt_that_answers_are_asked_with() -> None:
    messages = retrieval_frame(FakeChatModel())("What is it?", "It is a lamp.")
    assert [turn.role for turn in messages] == ["system", "user"]
    assert "It is a lamp." in messages[-1].content
    assert messages[-1].content.endswith("Question: What is it?")
