"""Which of two systems is surely the cheaper one: at all prices, or by what was measured where no prices are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from ragraft.compare.cost import Cost, SystemUse, break_even, system_cost
from ragraft.compare.prices import PriceList, Span

__all__ = ["VOLUMES", "WORTH", "Bills", "effort", "uses_less"]

WORTH = 0.1
"""By what share a system must be cheaper before it counts: a tenth."""

VOLUMES = tuple(float(f"{10 ** (step / 3):.2g}") for step in range(3, 19))
"""Questions per month that are looked at where nobody says how many there are: 10 to 1,000,000, log-spaced."""


@dataclass(frozen=True, slots=True)
class Bills:
    """What the systems cost at one list of prices, and at which volumes each is surely cheaper than another."""

    prices: PriceList
    costs: Mapping[str, Cost]
    surely: Mapping[tuple[str, str], tuple[float, float | None] | None]

    @classmethod
    def of(cls, uses: Mapping[str, SystemUse], prices: PriceList) -> Bills:
        """Return the bills of some systems.

        Raises: UserError naming every price that is needed and not given.
        """
        return cls(
            prices,
            {name: system_cost(use, prices) for name, use in uses.items()},
            {
                (one, other): break_even(uses[one], uses[other], prices).surely
                for one, other in permutations(uses, 2)
            },
        )

    def cheaper(self, one: str, other: str, questions: float | None) -> bool:
        """Return whether one is cheaper at all prices, and by a tenth at the middle of them.

        `questions` are those of a month; None: at every volume that is looked at.
        """
        volumes = VOLUMES if questions is None else (questions,)
        span = self.surely[one, other]
        return span is not None and all(
            span[0] <= volume <= (volume if span[1] is None else span[1])
            and self.middle(one, volume) <= (1 - WORTH) * self.middle(other, volume)
            for volume in volumes
        )

    def middle(self, system: str, questions: float) -> float:
        """Return what a month costs at the middle between the lowest and the highest prices."""
        month = self.costs[system].month(questions)
        return (month.low + month.high) / 2

    def month(self, system: str, questions: float) -> Span:
        """Return what a month costs, from the lowest to the highest prices."""
        return self.costs[system].month(questions)

    def thousand(self, system: str) -> Span:
        """Return what a thousand questions add."""
        answer = self.costs[system].answer
        return Span(1000 * answer.low, 1000 * answer.high)


def uses_less(one: SystemUse, other: SystemUse) -> bool:
    """Return whether a system is cheaper whatever the prices: no more of anything, a tenth less of something.

    Where the two are hosted differently, nothing can be said without prices.
    """
    if one.hosting != other.hosting:
        return False
    pairs = [
        (mine.get(name, 0.0), theirs.get(name, 0.0))
        for mine, theirs in zip(_amounts(one), _amounts(other), strict=True)
        for name in {**mine, **theirs}
    ]
    return all(mine <= theirs for mine, theirs in pairs) and any(
        mine <= (1 - WORTH) * theirs for mine, theirs in pairs
    )


def effort(use: SystemUse) -> tuple[float, float, float]:
    """Return hours of training, tokens of an answer and its seconds of search: the less of the first, the cheaper."""
    hours = (use.build.training_hours + use.refresh.training_hours) * use.tries
    tokens = use.answer.prompt_tokens + use.answer.cached_tokens + use.answer.output_tokens
    return hours, tokens, use.answer.search_seconds


def _amounts(use: SystemUse) -> Sequence[Mapping[str, float]]:
    return (use.build.amounts(times=use.tries), use.refresh.amounts(times=use.tries), use.answer.amounts())
