"""How long a run will take, from a few steps tried, and how many steps fit into a budget of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragraft.errors import UserError
from ragraft.tune.plan import Step

__all__ = ["LEAST_STEPS", "Estimate", "Probe", "TooShortError", "cost_of", "fit_steps"]

LEAST_STEPS = 10
BUDGET_USED = 0.95
"""Share of a budget that is planned for, since an estimate errs."""


class TooShortError(UserError):
    """A budget is too small for a run that could teach anything; `minutes` would do."""

    def __init__(self, message: str, *, hint: str, minutes: float) -> None:
        super().__init__(message, hint=hint)
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, said before it begins.

    `seconds` are of the whole call, from loading the model to the saved adapter; `memory` is in bytes, the
    peak of the process (on a GPU: of its memory); `cost` is seconds times the price the user gave.
    """

    seconds: float
    memory: int
    cost: float
    steps: int
    epochs: float


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured before the run: seconds of the steps tried, by their tokens, and of all else.

    `steps` are pairs (padded tokens, seconds). `below` is the seconds that a token takes in the frozen layers, which
    each row passes once. `look` is one look at the held-out rows; `spent` is all that has gone by already.
    """

    steps: tuple[tuple[int, float], ...]
    below: float
    look: float
    spent: float

    def line(self) -> tuple[float, float]:
        """Return seconds per step and seconds per token: the straight line of least squares, never falling.

        The squares are of relative errors, so that long steps do not outweigh the many short ones.
        """
        tokens, seconds = np.array(self.steps, dtype=np.float64).T
        per_token = float(seconds.sum() / tokens.sum())
        if len(self.steps) < 3 or np.ptp(tokens) < 0.2 * tokens.mean():
            return 0.0, per_token
        weighted = np.stack([np.ones_like(tokens), tokens], axis=1) / seconds[:, None]
        start, slope = np.linalg.lstsq(weighted, np.ones_like(seconds), rcond=None)[0]
        return (float(start), float(slope)) if start >= 0 and slope > 0 else (0.0, per_token)


def cost_of(plan: Sequence[Step], probe: Probe, *, lengths: Sequence[int], looks: int) -> list[float]:
    """Return the seconds of the whole call if the run ended after each step of the plan."""
    per_step, per_token = probe.line()
    seen: set[int] = set()
    seconds, ends = probe.spent + looks * probe.look, []
    for step in plan:
        new = {at for part in step.parts for at in part} - seen
        seen |= new
        seconds += per_step + per_token * step.tokens + probe.below * sum(lengths[at] for at in new)
        ends.append(seconds)
    return ends


def fit_steps(ends: Sequence[float], *, minutes: float | None) -> int:
    """Return how many steps end within the budget; all of them if there is none.

    Raises: TooShortError if the budget is too small for a run that could teach anything.
    """
    if minutes is None:
        return len(ends)
    fitting = sum(end <= BUDGET_USED * minutes * 60 for end in ends)
    least = min(LEAST_STEPS, len(ends))
    if fitting < least:
        needed = ends[least - 1] / BUDGET_USED / 60
        raise TooShortError(
            f"{minutes:g} minutes are too few: {least} steps take {needed:.1f} on this machine",
            hint=f"allow --minutes {max(1, round(needed + 0.5))} or more, or give shorter examples",
            minutes=needed,
        )
    return fitting
