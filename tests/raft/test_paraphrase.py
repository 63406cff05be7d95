"""Answers in a teacher's words."""

from __future__ import annotations

from pathlib import Path

from raft_world import fee, question

from ragraft.models.fake import FakeChatModel
from ragraft.raft.paraphrase import kept_paraphrases, paraphraser


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


def test_a_teacher_is_asked_once_for_each_answer(tmp_path: Path) -> None:
    kept = tmp_path / "new" / "said.jsonl"
    teacher = FakeChatModel(["You pay 101.", "You pay 102."])
    first = [kept_paraphrases(paraphraser(teacher), kept=kept, teacher="sage")(question(n)) for n in (1, 2)]
    again = kept_paraphrases(paraphraser(FakeChatModel(["Another."])), kept=kept, teacher="sage")
    assert [again(question(n)) for n in (1, 2)] == first == [["You pay 101."], ["You pay 102."]]


def test_another_teacher_is_asked_anew(tmp_path: Path) -> None:
    kept = tmp_path / "said.jsonl"
    kept_paraphrases(paraphraser(FakeChatModel(["You pay 101."])), kept=kept, teacher="sage")(question(1))
    other = kept_paraphrases(paraphraser(FakeChatModel(["101 it is."])), kept=kept, teacher="seer")
    assert other(question(1)) == ["101 it is."]


def test_a_line_that_was_cut_short_is_asked_again(tmp_path: Path) -> None:
    kept = tmp_path / "said.jsonl"
    kept.write_text('[["sage", "How many coi')
    for reply in ("You pay 101.", "Another."):
        asked = kept_paraphrases(paraphraser(FakeChatModel([reply])), kept=kept, teacher="sage")
        assert asked(question(1)) == ["You pay 101."]
