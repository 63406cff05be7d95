"""What a system costs to build, to keep and for each answer, and from how many questions on one is cheaper.

Prices are ranges, and two systems share them: if an hour of training is dear, it is dear for both. A month's
cost is a sum of products of a measured amount, a price and, for refreshes, how often they come, so at a given
number of questions the difference between two systems is greatest and least at corners of the ranges. All
corners are looked at, which is exact; drawing at random (Monte Carlo) would need a guess of how likely each
price is, and would miss the ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ragraft.compare.prices import PriceList, Span
from ragraft.errors import UserError

__all__ = ["BreakEven", "Cost", "SystemUse", "Work", "break_even", "cost_curve", "system_cost"]

Amounts = Mapping[str, float]
Numbers = npt.NDArray[np.float64]
Volumes = tuple[float, float | None]

_PRICED_BY = {
    "training_hours": "per_hour.training",
    "search_seconds": "per_hour.search",
    "prompt_tokens": "per_million_tokens.prompt",
    "cached_tokens": "per_million_tokens.cached",
    "output_tokens": "per_million_tokens.output",
    "embedding_tokens": "per_million_tokens.embedding",
    "teacher_prompt_tokens": "per_million_tokens.teacher_prompt",
    "teacher_output_tokens": "per_million_tokens.teacher_output",
    "judge_prompt_tokens": "per_million_tokens.judge_prompt",
    "judge_output_tokens": "per_million_tokens.judge_output",
}
_REFRESHES = "refreshes_per_month"


@dataclass(frozen=True, slots=True)
class Work:
    """What was measured of one piece of work: hours, seconds and tokens.

    For an answer these are means per question. `prompt_tokens` leave out those that came from the cache.
    """

    training_hours: float = 0.0
    search_seconds: float = 0.0
    prompt_tokens: float = 0.0
    cached_tokens: float = 0.0
    output_tokens: float = 0.0
    embedding_tokens: float = 0.0
    teacher_prompt_tokens: float = 0.0
    teacher_output_tokens: float = 0.0
    judge_prompt_tokens: float = 0.0
    judge_output_tokens: float = 0.0

    def amounts(self, *, times: float = 1.0) -> dict[str, float]:
        """Return how much is used of what is priced, in hours and tokens; nothing that is not used."""
        used = {one.name: float(getattr(self, one.name)) * times for one in fields(self)}
        used["search_seconds"] /= 3600
        return {_PRICED_BY[name]: amount for name, amount in used.items() if amount}


@dataclass(frozen=True, slots=True)
class SystemUse:
    """What a system uses: to be built, for one answer, to be brought up to date once, and where it is hosted.

    `tries` is how many times the work of building and of refreshing is done until the gates let the result
    through: 1 if they did at once, 3 after two failures. `hosting` is a name in the file of prices, or
    empty if the system needs none.
    """

    system: str
    answer: Work
    build: Work = Work()
    refresh: Work = Work()
    tries: float = 1.0
    hosting: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a system costs, in the currency of the prices, each from its lowest to its highest price.

    `build` is paid once, `refresh` each time, `hosting` per month, `answer` per question, and `fixed` is what
    a month costs without any question, the build paid off over the months of the price list.
    """

    system: str
    build: Span
    refresh: Span
    hosting: Span
    answer: Span
    fixed: Span

    def month(self, questions: float) -> Span:
        """Return what a month with so many questions costs."""
        return Span(
            self.fixed.low + questions * self.answer.low, self.fixed.high + questions * self.answer.high
        )


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The questions per month at which `system` is cheaper than `other`, from and to (None: no end).

    `surely` is where it is cheaper whatever the prices in their ranges; outside of `possibly` it is so at
    none of them. None: nowhere.
    """

    system: str
    other: str
    surely: Volumes | None
    possibly: Volumes | None

    @property
    def always(self) -> bool:
        """Whether it is cheaper at every number of questions and at all prices."""
        return self.surely == (0.0, None)

    @property
    def never(self) -> bool:
        """Whether it is cheaper at no number of questions, whatever the prices."""
        return self.possibly is None

    def words(self) -> str:
        """Return the break-even as a sentence without its full stop."""
        lead = f"{self.system} is cheaper than {self.other}"
        if self.possibly is None:
            return f"{self.system} is never cheaper than {self.other}"
        if self.always:
            return f"{lead} at any number of questions"
        if self.surely is None:
            return f"{lead} {_range(self.possibly)} at some of the prices, never at all of them"
        if self.surely == self.possibly:
            return f"{lead} {_range(self.surely)}"
        return f"{lead} {_range(self.surely)} at all prices, and {_range(self.possibly)} at some of them"


def system_cost(use: SystemUse, prices: PriceList) -> Cost:
    """Return what a system costs at these prices.

    Raises: UserError naming every price that is needed and not given.
    """
    units = _needed([use], prices)
    build = _priced(use.build.amounts(times=use.tries), units)
    refresh = _priced(use.refresh.amounts(times=use.tries), units)
    hosting = _priced(_hosting(use), units)
    often = prices.refreshes_per_month
    return Cost(
        system=use.system,
        build=build,
        refresh=refresh,
        hosting=hosting,
        answer=_priced(use.answer.amounts(), units),
        fixed=Span(
            build.low / prices.months + hosting.low + often.low * refresh.low,
            build.high / prices.months + hosting.high + often.high * refresh.high,
        ),
    )


def cost_curve(cost: Cost, questions: Sequence[float]) -> list[tuple[float, float, float]]:
    """Return points (questions per month, lowest cost of the month, highest cost) for a chart."""
    return [(count, cost.month(count).low, cost.month(count).high) for count in questions]


def break_even(system: SystemUse, other: SystemUse, prices: PriceList) -> BreakEven:
    """Return at which numbers of questions per month a system is cheaper than another.

    Both pay the same price at any one time, and their documents change as often. With every corner of the
    ranges fixed, the costs of a month are two straight lines.

    Raises: UserError naming every price that is needed and not given.
    """
    units = _needed([system, other], prices)
    # Amounts are subtracted before they are priced, so that what both use alike leaves nothing behind.
    build = _less(system.build.amounts(times=system.tries), other.build.amounts(times=other.tries))
    refresh = _less(system.refresh.amounts(times=system.tries), other.refresh.amounts(times=other.tries))
    hosting = _less(_hosting(system), _hosting(other))
    answer = _less(system.answer.amounts(), other.answer.amounts())
    often = {_REFRESHES: prices.refreshes_per_month} if refresh else {}
    at = _corners({name: units[name] for name in {**build, **refresh, **hosting, **answer}} | often)
    fixed = _sum(build, at) / prices.months + _sum(hosting, at) + at.get(_REFRESHES, 0.0) * _sum(refresh, at)
    surely, possibly = _cheaper(*np.broadcast_arrays(fixed, _sum(answer, at)))
    return BreakEven(system.system, other.system, surely=surely, possibly=possibly)


def _cheaper(fixed: Numbers, each: Numbers) -> tuple[Volumes | None, Volumes | None]:
    """Return where fixed + questions * each is below zero at every corner, and where at one of them."""
    any_volume = (fixed < 0) | (each < 0)
    if not any_volume.any():
        return None, None
    with np.errstate(all="ignore"):
        crossing = -fixed / each
    starts = np.where(fixed > 0, crossing, 0.0)
    ends = np.where(each > 0, crossing, np.inf)
    possibly = _volumes(starts[any_volume].min(), ends[any_volume].max())
    if not any_volume.all() or starts.max() >= ends.min():
        return None, possibly
    return _volumes(starts.max(), ends.min()), possibly


def _volumes(start: float, end: float) -> Volumes:
    return float(start), None if end == np.inf else float(end)


def _needed(uses: Sequence[SystemUse], prices: PriceList) -> dict[str, Span]:
    """Return the price of one unit of everything; raise UserError if one that is used is not given."""
    units = prices.unit_prices()
    missing = {
        name: use.system
        for use in uses
        for amounts in (use.build.amounts(), use.refresh.amounts(), use.answer.amounts(), _hosting(use))
        for name in amounts
        if name not in units
    }
    if missing:
        said = ", ".join(f"{name} (used by {system})" for name, system in sorted(missing.items()))
        raise UserError(f"prices are missing: {said}", hint="write 0 for what costs you nothing")
    return units


def _hosting(use: SystemUse) -> dict[str, float]:
    return {f"hosting_per_month.{use.hosting}": 1.0} if use.hosting else {}


def _less(amounts: Amounts, others: Amounts) -> dict[str, float]:
    rest = {name: amounts.get(name, 0.0) - others.get(name, 0.0) for name in {**amounts, **others}}
    return {name: amount for name, amount in rest.items() if amount}


def _priced(amounts: Amounts, units: Mapping[str, Span]) -> Span:
    return Span(
        sum((amount * units[name].low for name, amount in amounts.items()), start=0.0),
        sum((amount * units[name].high for name, amount in amounts.items()), start=0.0),
    )


def _corners(spans: Mapping[str, Span]) -> dict[str, Numbers]:
    """Return for each span its value at every corner: at all combinations of the low and the high ends.

    Two systems can meet 13 ranges at most (ten prices, two hosts, refreshes), which are 8,192 corners.
    """
    ranges = sorted(name for name, span in spans.items() if span.low < span.high)
    corner = np.arange(2 ** len(ranges))
    ends = {name: (corner >> place) & 1 for place, name in enumerate(ranges)}
    return {name: np.where(ends.get(name, 0 * corner), span.high, span.low) for name, span in spans.items()}


def _sum(amounts: Amounts, at: Mapping[str, Numbers]) -> Numbers:
    return sum((amount * at[name] for name, amount in amounts.items()), start=np.zeros(1))


def _range(volumes: Volumes) -> str:
    start = math.ceil(volumes[0])
    if volumes[1] is None:
        return f"from {start:,} questions a month" if start else "at any number of questions"
    end = math.floor(volumes[1])
    return f"from {start:,} to {end:,} questions a month" if start else f"up to {end:,} questions a month"
