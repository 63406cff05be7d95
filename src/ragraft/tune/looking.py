"""Looks at held-out rows between the steps of a training: their loss, and how well some of them are answered."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

from ragraft.questions import token_f1
from ragraft.tune.curves import Look, marked_look
from ragraft.tune.feed import BATCH_TOKENS, Feed
from ragraft.tune.plan import Row, packed
from ragraft.tune.student import Student
from ragraft.types import Question

__all__ = ["LOOK_ROWS", "HeldOutRows", "sampled"]

LOOK_ROWS, LOOK_ANSWERS, ANSWER_TOKENS = 48, 16, 40
"""Held-out rows whose loss is taken at a look, those that are answered, and how long an answer may get."""
LOOK_PROMPTS = 8192
"""Tokens of prompts that are answered at a look, or it would take longer than what it looks at."""
FEWEST_ANSWERS = 5
"""As for the gates: of fewer nothing can be told, and answering takes longer than all else of a look."""

T = TypeVar("T")


class HeldOutRows:
    """The held-out rows among those of a feed, `places`, and what a student makes of them."""

    def __init__(
        self,
        student: Student,
        feed: Feed,
        rows: Sequence[Row],
        places: range,
        *,
        decode: Callable[[list[int]], str],
        seed: int,
    ) -> None:
        self._student, self._feed, self._decode = student, feed, decode
        self.places = places
        self._targets = sum(rows[at].targets for at in places)
        self._answered = _answered([rows[at] for at in sampled(places, LOOK_ANSWERS, seed=seed)])

    def __bool__(self) -> bool:
        return bool(self.places)

    def look(self, step: int) -> Look:
        """Return what is seen after so many steps."""
        parts = packed(self.places, self._feed.lengths, tokens=BATCH_TOKENS)
        total = sum(self._student.loss_seen(*self._feed.batch(part)) for part in parts)
        return marked_look(step, loss=total / self._targets, marks=self._marks())

    def _marks(self) -> list[float]:
        """Return the F1 of greedy answers."""
        if not self._answered:
            return []
        said = self._student.answers([row.prompt for row in self._answered], tokens=ANSWER_TOKENS)
        return [
            token_f1(self._decode(one), Question("", "", self._decode(list(row.answer)), (), (), ""))
            for one, row in zip(said, self._answered, strict=True)
        ]


def sampled(items: Sequence[T], count: int, *, seed: int) -> list[T]:
    """Return `count` of the items, or all if there are fewer: the same ones for the same seed."""
    return random.Random(seed).sample(items, min(count, len(items)))  # noqa: S311  an order, not a secret


def _answered(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that there is time to answer; none if they are too few to tell anything."""
    read = accumulate(len(row.prompt) for row in rows)
    fit = list(rows[: sum(tokens <= LOOK_PROMPTS for tokens in read)])
    return fit if len(fit) >= FEWEST_ANSWERS else []
