"""What would change the verdict: questions per month, changes of documents per month, and prices.

Each change is taken to be followed at once: a system that was trained is trained again, which costs its refresh, and
until that is done it is out of date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ragraft.compare.bills import VOLUMES, Bills
from ragraft.compare.choosing import Findings, Month, choose
from ragraft.compare.prices import PriceList, Span
from ragraft.compare.results import Claim, Sensitivity
from ragraft.compare.wording import joined, volume

__all__ = ["CHANGES", "Chooser", "what_would_change"]

CHANGES = (0.0, *(float(f"{10 ** (step / 3):.2g}") for step in range(-3, 10)))
"""Changes of documents per month that are looked at: none, and 0.1 to 1,000, log-spaced."""

HALVINGS = 12
NEVER = 0.01
"""Fewer than so many changes a month are called none."""

NAMES = {
    "training": "an hour of training",
    "search": "an hour of search",
    "prompt": "a million prompt tokens",
    "cached": "a million cached tokens",
    "output": "a million output tokens",
    "embedding": "a million embedded tokens",
    "teacher_prompt": "a million prompt tokens of the teacher",
    "teacher_output": "a million output tokens of the teacher",
    "judge_prompt": "a million prompt tokens of the judge",
    "judge_output": "a million output tokens of the judge",
}


@dataclass(frozen=True, slots=True)
class Chooser:
    """The verdict's own rules at any volumes and prices; without prices volumes matter to freshness alone."""

    findings: Findings
    prices: PriceList | None
    priorities: tuple[str, ...]

    def choice(self, month: Month, *, bills: Bills | None = None) -> str:
        """Return the system that would be chosen, "" if none would be."""
        findings = replace(self.findings, bills=bills or self.at(month.changes))
        return choose(findings, self.priorities, month).system

    def at(self, changes: float | None, prices: PriceList | None = None) -> Bills | None:
        """Return the bills where documents change so often; None without prices.

        Raises: UserError naming every price that is needed and not given.
        """
        prices = prices or self.prices
        if prices is None:
            return None
        if changes is not None:
            prices = prices.model_copy(update={"refreshes_per_month": Span(changes, changes)})
        return Bills.of(self.findings.uses, prices)

    def map(self, month: Month) -> Sensitivity:
        """Return the choice at each number of questions and changes per month; today's are among them, if known."""
        questions = sorted({*VOLUMES, *([] if month.questions is None else [month.questions])})
        changes = sorted({*CHANGES, *([] if month.changes is None else [month.changes])})
        rows = []
        for often in changes:
            bills = self.at(often)
            rows.append(tuple(self.choice(Month(asked, often), bills=bills) for asked in questions))
        known = None
        if month.questions is not None and month.changes is not None:
            known = (month.questions, month.changes)
        return Sensitivity(tuple(questions), tuple(changes), tuple(rows), known)


def what_would_change(chooser: Chooser, drawn: Sensitivity, month: Month, chosen: str) -> Iterator[Claim]:
    """Yield in words what else would be chosen, and from which volume on or at which price."""
    volumes = _around(chooser, drawn, drawn.today) if drawn.today is not None else _regions(drawn, chosen)
    ranges = list(_ranges(chooser.prices)) if chooser.prices else []
    found = [_or(volumes), _or(_prices(chooser, ranges, month, chosen))]
    tried = f"{_span(drawn.questions)} questions a month, {_span(drawn.changes)} changes a month"
    if ranges:
        tried += ", each price at either end of its range"
    if not any(found):
        yield Claim(f"Nothing that was tried would change the choice: {tried}.", "cost")
        return
    yield from (Claim(f"The choice would be {said}.", "cost") for said in found if said)
    if not found[1] and ranges:
        yield Claim("No price within its range would change the choice by itself.", "cost")


def _around(chooser: Chooser, drawn: Sensitivity, today: tuple[float, float]) -> list[str]:
    """Return the first volumes on each side of today's at which the choice is another one."""
    asked, often = today
    row = drawn.choices[drawn.changes.index(often)]
    column = [each[drawn.questions.index(asked)] for each in drawn.choices]
    bills = chooser.at(often)
    return [
        *_turns(
            drawn.questions, row, asked, lambda at: chooser.choice(Month(at, often), bills=bills), "questions"
        ),
        *_turns(drawn.changes, column, often, lambda at: chooser.choice(Month(asked, at)), "changes"),
    ]


def _turns(
    values: Sequence[float], choices: Sequence[str], today: float, choice: Callable[[float], str], noun: str
) -> Iterator[str]:
    """Yield the next other choice above today's value and the one below it, each with where it begins."""
    at = values.index(today)
    for step in (1, -1):
        end = len(values) if step == 1 else -1
        turn = next((place for place in range(at, end, step) if choices[place] != choices[at]), None)
        if turn is None:
            continue
        near, far = _edge(values[turn - step], values[turn], choices[at], choice)
        name = choice(far) or "none"
        if step == 1:
            yield f"{name} from {volume(far)} {noun} a month on"
        elif near < NEVER:
            yield f"{name} if there were no {noun}"
        else:
            yield f"{name} at {volume(far)} {noun} a month or fewer"


def _edge(near: float, far: float, same: str, choice: Callable[[float], str]) -> tuple[float, float]:
    """Return two values close to each other between which the choice changes, the one with the `same` first."""
    for _ in range(HALVINGS):
        middle = math.sqrt(near * far) if near and far else (near + far) / 2
        near, far = (middle, far) if choice(middle) == same else (near, middle)
    return near, far


def _regions(drawn: Sensitivity, chosen: str) -> list[str]:
    """Return where on the map another system is chosen, for somebody who did not say how much is asked and changed."""
    cells = [
        (name, asked, often)
        for often, row in zip(drawn.changes, drawn.choices, strict=True)
        for asked, name in zip(drawn.questions, row, strict=True)
    ]
    found = []
    for other in dict.fromkeys(name for name, _, _ in cells if name != chosen):
        asked = _span([one for name, one, _ in cells if name == other])
        often = _span([one for name, _, one in cells if name == other])
        found.append(
            f"{other or 'none'} in a part of the map ({asked} questions and {often} changes a month)"
        )
    return found


def _prices(
    chooser: Chooser,
    ranges: Sequence[tuple[str, Span, Callable[[float], PriceList]]],
    month: Month,
    chosen: str,
) -> list[str]:
    """Return at which end of which range of prices another system would be chosen, each price by itself."""
    found = []
    for name, span, fixed in ranges:
        for end in (span.low, span.high):
            prices = fixed(end)
            other = chooser.choice(month, bills=chooser.at(month.changes, prices))
            if other != chosen:
                found.append(f"{other or 'none'} if {name} cost {end:g} {prices.currency}")
    return found


def _or(found: Sequence[str]) -> str:
    return joined(found, last="or")


def _ranges(prices: PriceList) -> Iterator[tuple[str, Span, Callable[[float], PriceList]]]:
    """Yield each price that is a range: what it is for, the range, and what sets it to one number."""
    for table in ("per_hour", "per_million_tokens"):
        for name, span in getattr(prices, table):
            if span is not None and span.low < span.high:
                yield NAMES[name], span, partial(_with_price, prices, table, name)
    for name, span in prices.hosting_per_month.items():
        if span.low < span.high:
            yield f"a month of {name}", span, partial(_with_host, prices, name)


def _with_price(prices: PriceList, table: str, name: str, value: float) -> PriceList:
    fixed = getattr(prices, table).model_copy(update={name: Span(value, value)})
    return prices.model_copy(update={table: fixed})


def _with_host(prices: PriceList, name: str, value: float) -> PriceList:
    hosts = {**prices.hosting_per_month, name: Span(value, value)}
    return prices.model_copy(update={"hosting_per_month": hosts})


def _span(values: Sequence[float]) -> str:
    low, high = volume(min(values)), volume(max(values))
    return low if low == high else f"{low} to {high}"
