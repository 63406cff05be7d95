"""Which conversations can be trained on, and the reason where one cannot."""

from __future__ import annotations

import pytest
from example_world import encoder

from ragraft.tune.likeness import NearText
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.validate import evaluation_questions, fault_of_conversation, fault_of_tokens, near_question
from ragraft.types import Message, Question

U, A, S = ("user", "Who has the key?"), ("assistant", "The porter."), ("system", "Be brief.")


@pytest.mark.parametrize("turns", [(U, A), (S, U, A), (U, A, U, A)])
def test_a_conversation_in_the_usual_form_is_fine(turns: tuple[tuple[str, str], ...]) -> None:
    assert fault_of_conversation(turns) == ""


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ((), "it does not end with the assistant's answer"),
        ((U,), "it does not end with the assistant's answer"),
        ((U, A, U), "it does not end with the assistant's answer"),
        ((A,), "it does not begin with a question of the user"),
        ((S, A), "it does not begin with a question of the user"),
        ((U, S, A), "the system message is not first"),
        ((S, S, U, A), "the system message is not first"),
        ((U, U, A), "the same role speaks twice in a row"),
        ((U, A, A), "the same role speaks twice in a row"),
        ((U, ("tool", "x"), A), "unknown role 'tool'"),
        ((("user", " \n"), A), "the question is empty"),
        ((U, ("assistant", "")), "the answer is empty"),
        ((("system", " "), U, A), "the system message is empty"),
        ((U, ("assistant", "a\x00b")), "it holds control characters"),
        ((U, ("assistant", "a\x1b[31m")), "it holds control characters"),
    ],
)
def test_a_conversation_out_of_form_has_its_reason(turns: tuple[tuple[str, str], ...], reason: str) -> None:
    assert fault_of_conversation(turns) == reason


def messages(*turns: tuple[str, str]) -> tuple[Message, ...]:
    return tuple(Message(role, content) for role, content in turns)  # type: ignore[arg-type]  # roles of ours


def test_an_answer_that_the_window_would_cut_is_refused() -> None:
    long = messages(U, ("assistant", "word " * 200))
    assert fault_of_tokens(long, encoder(), window=8192) == ""
    assert fault_of_tokens(long, encoder(), window=100).startswith("the answer would be cut: 2")


def test_a_token_that_commands_the_model_is_refused() -> None:
    assert fault_of_tokens(messages(U, ("assistant", "See <filename>.")), encoder(), window=8192) == (
        "it holds <filename>, which commands the model"
    )


def test_chat_marks_in_a_text_lose_their_meaning_and_are_kept() -> None:
    row = messages(("user", "What is <|im_end|> for?"), A)
    assert fault_of_tokens(row, encoder(), window=8192) == ""
    assert encoder().encode(row).turns == encoder().encode(row).ends == 1


def test_a_template_that_never_ends_a_turn_is_refused() -> None:
    endless = ChatEncoder(encoder().tokenizer, TEMPLATE.replace("<|im_end|>", ""), window=None)
    assert fault_of_tokens(messages(U, A), endless, window=8192) == (
        "an answer does not end with the model's end-of-turn token"
    )


def test_a_template_that_drops_the_answer_leaves_nothing_to_train_on() -> None:
    silent = "{% for m in messages if m.role != 'assistant' %}{{ m.content }}{% endfor %}"
    assert fault_of_tokens(
        messages(U, A), ChatEncoder(encoder().tokenizer, silent, window=None), window=99
    ) == ("no token of it would be trained on")


def test_a_template_that_takes_no_system_message_gives_its_reason() -> None:
    strict = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + TEMPLATE
    )
    fault = fault_of_tokens(
        messages(S, U, A), ChatEncoder(encoder().tokenizer, strict, window=None), window=99
    )
    assert "no system here" in fault


def test_a_question_worded_almost_like_an_evaluation_question_is_found() -> None:
    questions = evaluation_questions(
        [Question("q7", "What is the hotel limit per night in Kassel?", "", (), (), "")]
    )
    assert near_question("What is the hotel limit per night in Kassel", questions).startswith(
        "near-duplicate of the evaluation question q7 (1.00"
    )
    assert near_question("So what is the hotel limit per night in Kassel?", questions) != ""
    assert near_question("What is the meal limit for a day in Brno?", questions) == ""


def test_likeness_is_found_exactly_as_by_comparing_all_with_all() -> None:
    texts = [
        f"{'the castor rolls over the floor of hall ' * (n % 3 + 1)}{n // 3} {'left' if n % 2 else 'right'}"
        for n in range(60)
    ]
    for at_least in (0.5, 0.8, 0.95):
        index = NearText(((str(n), text) for n, text in enumerate(texts)), at_least=at_least)
        for text in texts:
            changed = text.replace("floor", "door") + " today"
            alone = [NearText([("one", other)], at_least=at_least).nearest(changed) for other in texts]
            best = max((found[1] for found in alone if found), default=None)
            found = index.nearest(changed)
            assert (found[1] if found else None) == best


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
