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
from ragraft.tune.likeness import NearText
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


def test_two_hundred_tasks_ship_of_five_kinds() -> None:
    assert Counter(task.kind for task in general_tasks()) == {
        "sum": 40,
        "capital": 40,
        "opposite": 36,
        "fact": 48,
        "form": 36,
    }


def test_no_task_is_there_twice() -> None:
    tasks = general_tasks()
    assert len({task.id for task in tasks}) == len(tasks)
    assert len({" ".join(task.ask.casefold().split()) for task in tasks}) == len(tasks)


@pytest.mark.parametrize(
    "task", [task for task in general_tasks() if not task.form], ids=lambda task: task.id
)
def test_each_answer_of_a_task_solves_it(task: Task) -> None:
    assert task.answers
    assert all(task.solved_by(f"It is {answer}.") for answer in task.answers)


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
        (11, "green", "Green is a color."),
        (12, "Thanks!", "Thanks for asking."),
        (13, "Yes.", "Fire is hot."),
        (14, "No", "No, it is made of rock."),
        (15, "yes", "no"),
        (16, "No.", "A horse cannot."),
        (17, "True", "Snow is white."),
        (18, "False.", "false, they have two"),
        (19, "B", "a dog"),
        (20, "12", "twelve"),
        (21, "three", "3"),
        (22, "CAT", "cat"),
        (23, "table", "TABLE"),
        (24, "cat, dog", "cat and dog"),
        (25, "Monday, Tuesday, Wednesday, and Sunday.", "Monday, Tuesday, Sunday"),
        (26, "- leek\n- pea\n- kale", "- leek\n- pea"),
        (27, "1. tea\n2. milk", "1. tea\n2. milk\n3. juice"),
        (28, '{"city": "Rome"}', "Rome"),
        (29, '{"age": 30}', "age: 30"),
        (30, "The cat sleeps.", "The cat sleeps. Good night."),
        (31, "Two plus two is four.", "2 + 2 = 4"),
        (32, "xyz", "x y z"),
        (33, "1, 2, 3", "1 2 3"),
        (34, "yes yes yes", "yes yes"),
        (35, "Hello!", "Hello"),
        (36, "[sun]", "sun"),
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
    assert gate.detail["kinds"]["capital"] == {"tasks": 40, "base": 40, "tuned": 0}


def test_a_model_that_kept_all_tasks_passes() -> None:
    assert tasks_gate(base=lambda _: "Paris", tuned=lambda _: "Paris").passed is True


def test_seventy_passages_contradict_the_world_and_thirty_do_not_answer() -> None:
    passages = given_passages()
    assert (len(passages), sum(not one.answer for one in passages)) == (100, 30)


def test_no_passage_is_there_twice() -> None:
    passages = given_passages()
    assert len({one.id for one in passages}) == len(passages)
    assert len({one.question for one in passages}) == len(passages)
    for at, one in enumerate(passages):
        before = NearText(((other.id, other.passage) for other in passages[:at]), at_least=0.5)
        assert before.nearest(one.passage) is None, one.id


@pytest.mark.parametrize("given", given_passages(), ids=lambda given: given.id)
def test_a_passage_holds_its_answer_and_never_the_worlds(given: GivenPassage) -> None:
    if given.answer:
        assert follows(given.passage, given)
    assert not re.search(rf"\b{re.escape(given.world)}\b", given.passage, re.IGNORECASE)


@pytest.mark.parametrize("given", given_passages(), ids=lambda given: given.id)
def test_a_question_about_a_passage_gives_no_answer_away(given: GivenPassage) -> None:
    for said in filter(None, (given.answer, given.world)):
        assert not re.search(rf"\b{re.escape(said)}\b", given.question, re.IGNORECASE)


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
    assert (gate.passed, gate.detail["lost"]) == (False, 30)


def test_the_frame_is_the_prompt_that_answers_are_asked_with() -> None:
    messages = retrieval_frame(FakeChatModel())("What is it?", "It is a lamp.")
    assert [turn.role for turn in messages] == ["system", "user"]
    assert "It is a lamp." in messages[-1].content
    assert messages[-1].content.endswith("Question: What is it?")
