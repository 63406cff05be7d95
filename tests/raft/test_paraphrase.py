"""Answers in a teacher's words."""

from __future__ import annotations

from raft_world import fee, question

from ragraft.models.fake import FakeChatModel
from ragraft.raft.paraphrase import paraphraser


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
