"""Answers to the prompts of rows: right, cited, refused."""

from __future__ import annotations

from raft_world import question, rows_of, said, shown

from ragraft.raft.exam import mark_rows
from ragraft.raft.recipe import Outcome
from ragraft.tune.wording import REFUSAL

MADE = rows_of(*(question(n) for n in range(4)))


def test_what_was_learned_is_right_and_cited() -> None:
    row = MADE.answered[1]
    assert mark_rows([row], [said(row)], questions=MADE.questions) == (Outcome(1, 1, 0, 0, 0), 1)


def test_another_passage_is_not_the_right_one() -> None:
    row = MADE.answered[1]
    other = len(shown(row)) + 1
    assert mark_rows([row], [f"It costs 101 coins. [{other}]"], questions=MADE.questions) == (
        Outcome(1, 1, 0, 0, 0),
        0,
    )


def test_a_refusal_is_right_only_where_nothing_answers() -> None:
    asked = [MADE.answered[0], MADE.refused[0]]
    assert mark_rows(asked, [REFUSAL, REFUSAL], questions=MADE.questions) == (Outcome(1, 0, 1, 1, 1), 0)


def test_an_alias_in_other_words_is_right() -> None:
    row = MADE.answered[1]
    assert mark_rows([row], ["That is 101, my friend."], questions=MADE.questions)[0].right == 1
