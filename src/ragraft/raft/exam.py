"""What became of rows that a model was asked: right, cited to the right passage, refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ragraft.answer.cite import read_claims
from ragraft.raft.recipe import Outcome, outcome_of
from ragraft.tune.wording import REFUSAL
from ragraft.types import Example, Question

__all__ = ["mark_rows"]

MOST_PASSAGES = 99


def mark_rows(
    rows: Sequence[Example], said: Sequence[str], *, questions: Mapping[str, Question]
) -> tuple[Outcome, int]:
    """Return what came of answers to the prompts of rows, and how many name a passage that the row quotes.

    `questions` are what the rows are made from, by the row's id (`Rows.questions`).
    """
    expected = [row.messages[-1].content for row in rows]
    asked = [_as_shown(questions[row.id], right) for row, right in zip(rows, expected, strict=True)]
    cited = sum(bool({*_named(right)} & {*_named(text)}) for right, text in zip(expected, said, strict=True))
    return outcome_of(zip(asked, said, strict=True)), cited


def _as_shown(question: Question, expected: str) -> Question:
    """Return the question as its row shows it: one whose passage is left out has no answer."""
    return replace(question, kind="unanswerable") if expected == REFUSAL else question


def _named(text: str) -> Iterator[int]:
    for claim in read_claims(text, passages=MOST_PASSAGES):
        yield from claim.named
