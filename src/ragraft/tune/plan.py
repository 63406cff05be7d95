"""Which examples make which step: drawn from (seed, epoch) alone, so that a resumed run meets the same ones."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Row", "Step", "packed", "plan_steps", "rate_at"]

BUCKET = 32
"""Steps whose examples are sorted by length together: enough to leave little padding, and yet to mix."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example in tokens; `trained` says of each token whether it is learned."""

    ids: tuple[int, ...]
    trained: tuple[bool, ...]

    @property
    def targets(self) -> int:
        """How many tokens are learned. The first cannot be: nothing stands before it."""
        return sum(self.trained[1:])

    @property
    def prompt(self) -> tuple[int, ...]:
        """The tokens before the last turn that is learned."""
        return self.ids[: self._answer_start()]

    @property
    def answer(self) -> tuple[int, ...]:
        """The last stretch of tokens that is learned, and what the template writes after it."""
        return self.ids[self._answer_start() :]

    def _answer_start(self) -> int:
        end = max(at for at, learned in enumerate(self.trained) if learned)
        return max((at for at in range(end) if not self.trained[at]), default=0) + 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimiser: indices of its rows, in parts that are computed one after another.

    `tokens` counts with the padding, as they are computed; `ends_epoch` is set on an epoch's last step.
    """

    parts: tuple[tuple[int, ...], ...]
    tokens: int
    ends_epoch: bool = False


def plan_steps(
    lengths: Sequence[int],
    *,
    replay: range = range(0),
    replay_share: float = 0.0,
    later: Collection[int] = (),
    share: float = 1.0,
    epochs: int,
    rows: int,
    micro_tokens: int,
    seed: int,
) -> list[Step]:
    """Return the steps of all epochs, each of up to `rows` examples of like length.

    `lengths` are of all rows, those to replay included; `replay` says which these are. Each epoch holds every
    other row once, and as many of them, drawn anew, that they make up `replay_share` of it. Rows of `later` wait for
    the second epoch, or if there is one only, for its second half. Of the rows only a `share` is taken, drawn once.
    """
    own = [at for at in range(len(lengths)) if at not in replay]
    if share < 1:
        drawn = random.Random(seed).sample(own, max(1, round(share * len(own))))  # noqa: S311  not a secret
        own = sorted(drawn)
    steps: list[Step] = []
    for number, due in enumerate(_passes(own, later=later, epochs=epochs, seed=seed)):
        chance = random.Random(f"{seed} {number}")  # noqa: S311  an order, not a secret
        old = min(len(replay), round(len(due) * replay_share / (1 - replay_share)))
        order = due + chance.sample(replay, old)
        chance.shuffle(order)
        batches = []
        for start in range(0, len(order), BUCKET * rows):
            bucket = sorted(order[start : start + BUCKET * rows], key=lambda at: lengths[at])
            batches += [bucket[first : first + rows] for first in range(0, len(bucket), rows)]
        chance.shuffle(batches)
        for place, batch in enumerate(batches, 1):
            parts = packed(batch, lengths, tokens=micro_tokens)
            padded = sum(len(part) * max(lengths[at] for at in part) for part in parts)
            steps.append(Step(tuple(parts), padded, ends_epoch=place == len(batches)))
    return steps


def _passes(own: list[int], *, later: Collection[int], epochs: int, seed: int) -> list[list[int]]:
    """Return the rows of each epoch; a single one is parted in two if some of its rows are for later."""
    first = [at for at in own if at not in later]
    if not first or len(first) == len(own):
        return [own] * epochs
    if epochs > 1:
        return [first] + [own] * (epochs - 1)
    drawn = set(random.Random(seed).sample(first, len(first) // 2))  # noqa: S311  an order, not a secret
    return [sorted(drawn), [at for at in own if at not in drawn]]


def rate_at(step: int, *, steps: int, warm_up: float, peak: float) -> float:
    """Return the learning rate of a step, counted from 0: a straight line up to `peak`, then one down to 0.

    Source: Devlin et al. 2018, appendix A.2; the schedule follows from the step alone, so nothing of it is saved.
    """
    rising = max(1, round(warm_up * steps))
    return peak * min((step + 1) / rising, (steps - step) / max(1, steps - rising + 1))


def packed(indices: Iterable[int], lengths: Sequence[int], *, tokens: int) -> list[tuple[int, ...]]:
    """Return rows sorted by length and cut into batches whose padded size does not exceed `tokens`.

    A row longer than that makes a batch of its own.
    """
    parts: list[tuple[int, ...]] = []
    for at in sorted(indices, key=lambda at: (lengths[at], at)):
        if parts and (len(parts[-1]) + 1) * lengths[at] <= tokens:
            parts[-1] = (*parts[-1], at)
        else:
            parts.append((at,))
    return parts
