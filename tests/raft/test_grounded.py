"""The script that makes the adapter for grounded reading: what does not need a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from raft_world import question, rows_of, said, shown
from training.grounded import answered, read_rows, write_rows

from ragraft.errors import UserError
from ragraft.raft.recipe import Outcome
from ragraft.raft.rows import Rows
from ragraft.tune.wording import REFUSAL
from ragraft.types import Completion, Message, Usage

MADE = rows_of(*(question(n) for n in range(4)))


class Replies:
    """Says one thing to everything."""

    name, window = "replies", 8192

    def __init__(self, text: str) -> None:
        self.text = text

    def count_tokens(self, messages: list[Message]) -> int:
        return len(messages)

    def generate(self, messages: list[Message], **_: object) -> Completion:
        assert messages[-1].role == "user"
        return Completion(self.text, Usage(1, 1), "stop")


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", MADE)
    assert read_rows(tmp_path / "rows.jsonl") == Rows(MADE.answered, MADE.refused, {})


def test_rows_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        read_rows(tmp_path / "none.jsonl")


def test_what_was_learned_is_right_and_cited() -> None:
    row = MADE.answered[1]
    assert answered(Replies(said(row)), [row]) == (Outcome(1, 1, 0, 0, 0), 1)


def test_another_passage_is_not_the_right_one() -> None:
    row = MADE.answered[1]
    other = len(shown(row)) + 1
    assert answered(Replies(f"It costs 101 coins. [{other}]"), [row]) == (Outcome(1, 1, 0, 0, 0), 0)


def test_a_refusal_is_right_only_where_nothing_answers() -> None:
    asked = [MADE.answered[0], MADE.refused[0]]
    assert answered(Replies(REFUSAL), asked) == (Outcome(1, 0, 1, 1, 1), 0)
