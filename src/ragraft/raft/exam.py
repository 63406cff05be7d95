"""What became of rows that a model was asked: right, cited to the right passage, refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragraft.answer.cite import read_claims
from ragraft.raft.recipe import Outcome, outcome_of
from ragraft.tune.wording import REFUSAL
from ragraft.types import Example, Question

__all__ = ["mark_rows"]

MOST_PASSAGES = 99


def mark_rows(rows: Sequence[Example], said: Sequence[str]) -> tuple[Outcome, int]:
    """Return what came of answers to the prompts of rows, and how many name a passage that the row quotes."""
    expected = [row.messages[-1].content for row in rows]
    outcome = outcome_of(zip(map(_question, expected), said, strict=True))
    cited = sum(bool({*_named(right)} & {*_named(text)}) for right, text in zip(expected, said, strict=True))
    return outcome, cited


def _question(expected: str) -> Question:
    """Return the question whose answer a row teaches: the last paragraph without its marks."""
    kind = "unanswerable" if expected == REFUSAL else "reading"
    last = read_claims(expected.rpartition("\n\n")[2], passages=MOST_PASSAGES)
    return Question("", "", " ".join(claim.text for claim in last).strip("“”"), (), (), kind)


def _named(text: str) -> Iterator[int]:
    for claim in read_claims(text, passages=MOST_PASSAGES):
        yield from claim.named
