"""A model asked plainly: what it says is from memory, and nothing of it passes for a citation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ragraft.access.labels import OWNER
from ragraft.answer.plain import PlainSystem
from ragraft.errors import ModelError, UserError
from ragraft.models.fake import FakeChatModel
from ragraft.types import Message, SystemCard
from small_world import STRANGER

CARD = SystemCard("plain", "plain", "fake-chat", "0")
QUESTION = "How long is leave?"


def system(*replies: str, window: int = 4096, text: str = "") -> tuple[PlainSystem, FakeChatModel]:
    model = FakeChatModel(replies or ["Thirty days."], window=window)
    return PlainSystem(card=CARD, model=model, system=text), model


def test_an_answer_says_that_it_is_from_memory() -> None:
    answer = system("Thirty days.")[0].answer(QUESTION, caller=STRANGER)
    assert answer.text == "Thirty days."
    assert answer.reason == "from the model's memory: nothing was looked up, so nothing is cited"
    assert (answer.refused, answer.origin, answer.confidence) == (False, "model", None)


def test_no_citation_is_ever_shown() -> None:
    answer = system("Thirty [1]. See [the policy](https://example.test/x) [2].")[0].answer(
        QUESTION, caller=STRANGER
    )
    assert (answer.citations, answer.verdicts, answer.checks, answer.prompt.passages) == ((), (), (), ())
    assert answer.text == "Thirty. See the policy."
    assert answer.invented == (1, 2)


def test_the_model_is_given_the_question_and_nothing_else() -> None:
    plain, model = system()
    plain.answer(f" {QUESTION} ", caller=OWNER)
    assert model.received == [(Message("user", QUESTION),)]


def test_a_system_text_comes_first() -> None:
    plain, model = system(text="Be brief.")
    plain.answer(QUESTION, caller=OWNER)
    assert model.received[0][0] == Message("system", "Be brief.")


def test_an_answer_that_is_empty_is_a_refusal() -> None:
    answer = system(" [1] ")[0].answer(QUESTION, caller=OWNER)
    assert (answer.text, answer.refused, answer.origin) == ("The model gave no answer.", True, "refusal")


def test_memory_has_no_past() -> None:
    with pytest.raises(UserError, match="a model has one memory"):
        system()[0].answer(QUESTION, caller=OWNER, as_of=datetime(2026, 1, 1, tzinfo=UTC))


def test_an_answer_cut_at_its_budget_says_so() -> None:
    model = FakeChatModel(["one two three four"])
    answer = PlainSystem(card=CARD, model=model, answer_tokens=2).answer(QUESTION, caller=OWNER)
    assert answer.reason.endswith("; cut at the token budget")


def test_several_are_answered_as_each_alone() -> None:
    asked = ["One?", "Two?", "Three?"]
    replies = ["First [1].", " ", "Third."]
    many = system(*replies)[0].answer_many(asked, caller=OWNER)
    alone = system(*replies)[0]
    for question, answer in zip(asked, many, strict=True):
        same = alone.answer(question, caller=OWNER)
        assert (answer.text, answer.refused, answer.invented) == (same.text, same.refused, same.invented)
        assert (answer.question, answer.usage) == (question, same.usage)


def test_one_question_that_does_not_fit_fails_them_all() -> None:
    with pytest.raises(UserError, match="takes 10"):
        system(window=210)[0].answer_many(["Short?", "word " * 50], caller=OWNER)


def test_an_error_of_the_model_comes_out() -> None:
    class Broken(FakeChatModel):
        def generate(self, *_: object, **__: object) -> None:  # type: ignore[override]  # it never returns
            raise ModelError("it broke")

    with pytest.raises(ModelError, match="it broke"):
        PlainSystem(card=CARD, model=Broken()).answer_many(["One?", "Two?"], caller=OWNER)
