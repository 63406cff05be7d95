from __future__ import annotations

import pytest

from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReranker
from ragraft.types import Message

PASSAGES = (
    "[1] Orders ship in three days. Express is faster.\n[2] Returns:\nRefunds take thirty days! No fee.\n"
)


def answer(prompt: str, *, system: str = "") -> str:
    return FakeChatModel().generate([Message("system", system), Message("user", prompt)], max_tokens=50).text


def test_it_answers_with_the_sentence_closest_to_the_question_and_cites_it() -> None:
    assert answer(f"{PASSAGES}\nQuestion: How long do refunds take?") == "Refunds take thirty days [2]!"


def test_without_a_label_the_last_line_is_the_question() -> None:
    assert answer(f"{PASSAGES}\nWhen do orders ship?") == "Orders ship in three days [1]."


def test_a_question_before_the_passages_is_found_by_its_label() -> None:
    assert answer(f"Question: When do orders ship?\n\n{PASSAGES}") == "Orders ship in three days [1]."


def test_passages_in_the_system_message_count() -> None:
    assert answer("When do orders ship?", system=PASSAGES) == "Orders ship in three days [1]."


def test_of_equally_close_sentences_the_first_is_taken() -> None:
    assert answer("[3] Cats sleep.\n[1] Cats sleep.\nQuestion: cats?") == "Cats sleep [3]."


def test_a_passage_that_says_nothing_of_it_is_not_cited() -> None:
    assert answer(f"{PASSAGES}\nQuestion: bicycles") == "I do not know."


def test_without_passages_it_does_not_know() -> None:
    assert answer("How long do refunds take?") == "I do not know."


def test_earlier_answers_are_no_passages() -> None:
    turns = [Message("assistant", "[1] Refunds take ten days."), Message("user", "How long do refunds take?")]
    assert FakeChatModel().generate(turns, max_tokens=50).text == "I do not know."


def test_scripted_replies_come_in_turn_and_the_last_one_stays() -> None:
    model = FakeChatModel(["one", "two"])
    assert [model.generate([], max_tokens=9).text for _ in range(3)] == ["one", "two", "two"]


def test_it_keeps_what_it_was_asked() -> None:
    model, prompt = FakeChatModel(["one"]), [Message("user", "hello")]
    model.generate(prompt, max_tokens=9)
    assert model.received == [tuple(prompt)]


def test_it_counts_words_and_marks() -> None:
    assert FakeChatModel().count_tokens([Message("user", "zwei Äpfel!")]) == 3 + 4


def test_it_counts_bytes_if_told_to() -> None:
    assert FakeChatModel(count_by="bytes").count_tokens([Message("user", "zwei Äpfel!")]) == 12 + 4


def test_a_long_reply_is_cut_between_tokens() -> None:
    assert FakeChatModel(["one, two three"]).generate([], max_tokens=3).text == "one, two"


def test_equal_texts_get_equal_vectors_in_another_embedder() -> None:
    assert (FakeEmbedder().embed(["a dog ran"]) == FakeEmbedder().embed(["a dog ran"])).all()


def test_texts_that_share_words_are_closer() -> None:
    dog, same, other = FakeEmbedder().embed(["a dog ran home", "the dog ran", "orders ship soon"])
    assert dog @ same > dog @ other


def test_dimensions_can_be_chosen() -> None:
    assert FakeEmbedder(dimensions=8).embed(["a"]).shape == (1, 8)


def test_words_past_the_window_do_not_count() -> None:
    long, cut = FakeEmbedder(max_tokens=2).embed(["a dog ran home", "a dog"])
    assert long @ cut == pytest.approx(1)


def test_the_reranker_scores_the_share_of_the_querys_words() -> None:
    assert FakeReranker().rerank("long refunds", ["Refunds!", "long refunds", "cat"]) == [0.5, 1.0, 0.0]
