"""What the systems cost, from which volume on one is cheaper than another, and what would change the verdict."""

from __future__ import annotations

import math

from ragraft.compare.cost import BreakEven, cost_curve
from ragraft.compare.prices import PriceList, Span
from ragraft.compare.report.charts import Axis, Curve, curves
from ragraft.compare.report.draw import marker, range_bar, style_of
from ragraft.compare.report.markup import EMPTY, Markup, el, join
from ragraft.compare.report.overview import not_measured
from ragraft.compare.report.parts import absent, cell, figure, hidden, section, system_name, systems_of, table
from ragraft.compare.report.scales import Scale, logarithmic
from ragraft.compare.report.used import used_figure
from ragraft.compare.report.words import between, short
from ragraft.compare.results import Report, Sensitivity

__all__ = ["cost_section"]

VOLUMES = (10.0, 1_000_000.0)
"""Questions per month that are drawn, unless a break-even lies beyond."""


def cost_section(report: Report) -> Markup:
    """Return costs, break-evens and the map of verdicts."""
    prices = report.prices
    if prices is None or not report.costs:
        return section("cost", absent(not_measured(report).get("cost", "")), used_figure(report))
    scale = _volumes(report)
    often = prices.refreshes_per_month
    return section(
        "cost",
        el(
            "p",
            f"At your prices of {prices.dated:%-d %B %Y}, in {prices.currency}. What was built is paid off over "
            f"{prices.months:g} months; documents change so that systems must follow {_times(often)} a month.",
        ),
        _table(report, prices),
        _month(report, prices, scale),
        _break_evens(report, scale) if report.break_evens else None,
        used_figure(report),
        _map(report, report.verdict.sensitivity) if report.verdict.sensitivity else None,
    )


def _times(often: Span) -> str:
    if often.low == often.high:
        return "once" if often.low == 1 else f"{often.low:g} times"
    return f"{often.low:g} to {often.high:g} times"


def _volumes(report: Report) -> Scale:
    """Return an axis of questions per month that has every break-even on it, as far as it can be read."""
    ends = [
        end for one in report.break_evens for span in (one.surely, one.possibly) for end in span or () if end
    ]
    inside = [min(max(end, 1.0), 1e8) for end in ends]
    return logarithmic([*VOLUMES, *inside])


def _table(report: Report, prices: PriceList) -> Markup:
    places = systems_of(report)
    rows = [
        (
            system_name(places[one.system], one.system),
            cell(between(one.build), class_="number"),
            cell(between(one.refresh), class_="number"),
            cell(between(one.hosting), class_="number"),
            cell(between(one.answer, times=1000), class_="number"),
            *(cell(between(one.month(volume)), class_="number") for volume in (1000, 100_000)),
        )
        for one in report.costs
    ]
    head = (
        "System",
        "Build, once",
        "One refresh",
        "Hosting",
        "1,000 answers",
        "Month of 1,000",
        "Month of 100,000",
    )
    return figure(
        f"What it costs, in {prices.currency}",
        table(head, rows, caption=f"Cost by system, in {prices.currency}", class_="plain"),
        note="From the lowest to the highest of your prices.",
        wide=True,
    )


def _month(report: Report, prices: PriceList, scale: Scale) -> Markup:
    """Return a month's cost over questions per month, as bands from the lowest to the highest prices."""
    places = systems_of(report)
    volumes = [scale.low * (scale.high / scale.low) ** (step / 60) for step in range(61)]
    lines = []
    for cost in report.costs:
        band = cost_curve(cost, volumes)
        middle = [(volume, math.sqrt(low * high)) for volume, low, high in band]
        lines.append(Curve(places[cost.system], cost.system, middle, band))
    # What costs nothing has no place on an axis of powers, and is drawn at its lower end.
    paid = [value for line in lines for _, low, high in line.band for value in (low, high) if value]
    if not paid:
        return EMPTY
    up = logarithmic(paid)
    across = Axis(scale, [short(tick) for tick in scale.ticks], "Questions a month")
    told = Axis(up, [short(tick) for tick in up.ticks], f"{prices.currency} a month")
    said = "; ".join(
        f"{cost.system}: {between(cost.month(1000))} at 1,000 questions, {between(cost.month(100_000))} at 100,000"
        for cost in report.costs
    )
    return figure(
        "A month, by the number of questions",
        curves(lines, across=across, up=told, label=said, height=320),
        note="Bands go from the lowest to the highest prices. All systems pay the same price at a time, so bands that "
        "overlap may still have a surely cheaper one: see below.",
        wide=True,
    )


def _break_evens(report: Report, scale: Scale) -> Markup:
    places = systems_of(report)
    rows = [_break_even(one, places, scale) for one in report.break_evens]
    span = f"{short(scale.low)} to {short(scale.high)} questions a month"
    return figure(
        "From how many questions on one is cheaper",
        table(
            ("Cheaper", span, "In words"),
            rows,
            caption="Break-even of each pair of systems",
            class_="forest worded",
        ),
        note="Full: cheaper at all prices within your ranges. Light: at some of them.",
        wide=True,
    )


def _break_even(one: BreakEven, places: dict[str, int], scale: Scale) -> tuple[Markup, ...]:
    return (
        join(system_name(places[one.system], one.system), el("i", " than "), one.other),
        cell(range_bar(places[one.system], one.surely, one.possibly, scale), class_="drawn"),
        cell(f"{one.words()}."),
    )


def _map(report: Report, found: Sensitivity) -> Markup:
    """Return which system the verdict would name at other volumes: a table, so that it can be read aloud."""
    places = systems_of(report)
    rows = [
        (
            short(often),
            *(
                _choice(name, places, today=found.today == (asked, often))
                for asked, name in zip(found.questions, row, strict=True)
            ),
        )
        for often, row in zip(reversed(found.changes), reversed(found.choices), strict=True)
    ]
    head = (
        el("span", "Changes a month ↑", el("br"), "Questions a month →"),
        *map(short, found.questions),
    )
    names = dict.fromkeys(name for row in found.choices for name in row)
    keys = [el("li", system_name(places[name], name) if name in places else "· no system") for name in names]
    heading = "What would change the verdict"
    if len(names) == 1:
        return figure(
            heading,
            note=f"{_over(found)} would change it: the same rules name {next(iter(names)) or 'none'}.",
        )
    today = " The cell with a frame is where you are today." if found.today else ""
    return figure(
        heading,
        el("ul", *keys, class_="legend"),
        table(
            head,
            rows,
            caption="The system that would be chosen, by questions and changes a month",
            class_="map",
        ),
        note=f"Which system the same rules would name if more or fewer questions were asked, or documents changed more or "
        f"less often.{today}",
        wide=True,
    )


def _over(found: Sensitivity) -> str:
    """Return what was looked at, where it is all the same."""
    return (
        f"Nothing from {short(found.questions[0])} to {short(found.questions[-1])} questions and from "
        f"{short(found.changes[0])} to {short(found.changes[-1])} changes a month"
    )


def _choice(name: str, places: dict[str, int], *, today: bool) -> Markup:
    framed = " today" if today else ""
    if name not in places:
        return cell("·", hidden("no system"), class_=f"choice{framed}")
    mark = el("svg", marker(places[name], y=8), class_="key", aria_hidden="true")
    told = f"{name}, today" if today else name
    return cell(mark, hidden(told), class_=f"choice {style_of(places[name])}{framed}", title=name)
