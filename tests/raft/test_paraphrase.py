"""Answers in a teacher's words."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from raft_world import fee, question

from ragraft.errors import ModelError, UserError
from ragraft.models.fake import FakeChatModel
from ragraft.raft.paraphrase import kept_paraphrases, paraphraser
from ragraft.raft.rows import Paraphrase
from ragraft.tune.unfinished import discard_unfinished, training_folder
from ragraft.types import Question


def reworded(reply: str, *, count: int = 3) -> list[str]:
    return list(paraphraser(FakeChatModel([reply]), count=count)(question(1)))


def test_each_line_is_a_wording() -> None:
    assert reworded("You pay 101 coins.\n\n  That is 101 coins. ") == [
        "You pay 101 coins.",
        "That is 101 coins.",
    ]


def test_numbering_is_no_part_of_it() -> None:
    assert reworded("1. You pay 101.\n- 101, that is.\n3) It is 101.") == [
        "You pay 101.",
        "101, that is.",
        "It is 101.",
    ]


def test_what_is_said_twice_or_was_known_counts_once() -> None:
    assert reworded("It costs 101 coins.\nYou pay 101.\nYou pay 101.") == ["You pay 101."]


def test_there_are_no_more_than_asked_for() -> None:
    assert reworded("101 a.\n101 b.\n101 c.", count=2) == ["101 a.", "101 b."]


def test_no_document_is_sent() -> None:
    teacher = FakeChatModel(["You pay 101."])
    paraphraser(teacher)(question(1))
    [sent] = teacher.received
    assert not any(fee(1) in turn.content for turn in sent)
    assert "It costs 101 coins." in sent[-1].content


def worded(folder: Path, teacher: Paraphrase, *questions: Question, name: str = "sage") -> list[list[str]]:
    """Return the wordings of answers, as a training asks for them."""
    with kept_paraphrases(teacher, folder=folder, teacher=name) as paraphrase:
        return [list(paraphrase(one)) for one in questions]


def failing(*at: int) -> Paraphrase:
    """A teacher that fails at the calls of these numbers, and else words each answer alike."""
    calls = iter(range(99))

    def paraphrase(_: Question) -> list[str]:
        if next(calls) in at:
            raise ModelError("it is out")
        return ["You pay."]

    return paraphrase


def test_a_teacher_is_asked_once_for_each_answer(tmp_path: Path) -> None:
    asked = (question(1), question(2))
    first = worded(tmp_path, paraphraser(FakeChatModel(["You pay 101.", "You pay 102."])), *asked)
    again = worded(tmp_path, paraphraser(FakeChatModel(["Another."])), *asked)
    assert again == first == [["You pay 101."], ["You pay 102."]]


def test_another_teacher_is_asked_anew(tmp_path: Path) -> None:
    worded(tmp_path, paraphraser(FakeChatModel(["You pay 101."])), question(1))
    other = worded(tmp_path, paraphraser(FakeChatModel(["101 it is."])), question(1), name="seer")
    assert other == [["101 it is."]]


def test_a_line_that_was_cut_short_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").write_bytes('[["sage", "Combien coûte'.encode()[:-4])
    for reply in ("You pay 101.", "Another."):
        assert worded(tmp_path, paraphraser(FakeChatModel([reply])), question(1)) == [["You pay 101."]]


def test_a_question_with_a_line_separator_is_asked_once(tmp_path: Path) -> None:
    odd = question(1, text="How many coins\u2028for the bridge?")
    worded(tmp_path, paraphraser(FakeChatModel(["You pay 101."])), odd)
    assert worded(tmp_path, paraphraser(FakeChatModel(["Another."])), odd) == [["You pay 101."]]


def test_an_answer_at_which_the_teacher_failed_is_not_worded_later_either(tmp_path: Path) -> None:
    with kept_paraphrases(failing(0), folder=tmp_path, teacher="sage") as paraphrase:
        with pytest.raises(ModelError):
            paraphrase(question(1))
        paraphrase(question(2))
    assert worded(tmp_path, failing(), question(1), question(2)) == [[], ["You pay."]]


def test_a_teacher_that_is_out_of_service_is_given_up_and_asked_again_later(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="again and again"),
        kept_paraphrases(failing(0, 1, 2), folder=tmp_path, teacher="sage") as paraphrase,
    ):
        for number in range(3):
            with suppress(ModelError):
                paraphrase(question(number))
    assert worded(tmp_path, failing(), question(0)) == [["You pay."]]


def test_nobody_deletes_what_is_being_asked(tmp_path: Path) -> None:
    folder = training_folder(tmp_path, "@wordings")
    with kept_paraphrases(failing(), folder=folder, teacher="sage") as paraphrase:
        paraphrase(question(1))
        assert discard_unfinished(tmp_path).running
    discard_unfinished(tmp_path)
    assert not folder.exists()
