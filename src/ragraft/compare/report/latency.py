"""How long answers take, asked one at a time."""

from __future__ import annotations

from ragraft.compare.pace import Pace, noticed, paces
from ragraft.compare.report.draw import interval_bar
from ragraft.compare.report.facts import chance
from ragraft.compare.report.markup import EMPTY, Markup, el, join
from ragraft.compare.report.overview import not_measured
from ragraft.compare.report.parts import (
    absent,
    cell,
    figure,
    section,
    system_name,
    systems_of,
    table,
)
from ragraft.compare.report.scales import Scale, linear
from ragraft.compare.report.words import duration, megabytes, points
from ragraft.compare.results import Report

__all__ = ["latency_section", "ordered_paces", "pace_words"]

MOST = 1.0
"""Where the axis of differences ends at the latest: twice the time."""


NO_DIFFERENCE = "no difference shown"


def latency_section(report: Report) -> Markup:
    """Return how long answers take, one at a time."""
    if not report.latencies:
        return section("latency", absent(not_measured(report)["latency"]))
    places = systems_of(report)
    scale = linear([one.total.p95 for one in report.latencies], low=0.0)
    rows = []
    for one in report.latencies:
        bar = interval_bar(places[one.system], one.total.p50, (one.total.p50, one.total.p95), scale)
        first = f"{duration(one.first_text.p50)}, {duration(one.first_text.p95)}" if one.first_text else "–"
        rows.append(
            (
                system_name(places[one.system], one.system),
                cell(bar, class_="drawn"),
                cell(el("b", duration(one.total.p50)), f", {duration(one.total.p95)}", class_="figures"),
                cell(first, class_="number", label="first words"),
                cell(megabytes(one.memory), class_="number", label="memory"),
                cell(one.asked, class_="number", label="asked"),
            )
        )
    whole = f"Whole answer, 0 to {duration(scale.high)}"
    head = ("System", whole, "Whole: middle, slow end", "First words: middle, slow end", "Memory", "Asked")
    return section(
        "latency",
        figure(
            "One question at a time",
            table(head, rows, caption="Time and memory by system", class_="forest"),
            note="From the middle to the slow end, within which 19 of 20 answers came. Systems took turns, so that a "
            "machine that gets slower is slower for all of them.",
            wide=True,
        ),
        _pairs(report),
    )


def ordered_paces(report: Report) -> list[Pace]:
    """Return each pair of systems that were timed, the faster one first, surest pairs first."""
    found = paces(report.latencies, report.questions)
    once = [one if one.ratio <= 1 else other for one, other in zip(found[::2], found[1::2], strict=True)]
    return sorted(once, key=lambda one: (not one.faster, one.ratio))


def pace_words(report: Report, pace: Pace) -> str:
    """Return what may be said of a pair's times."""
    if not pace.faster:
        return NO_DIFFERENCE
    found = {one.system: one for one in report.latencies}
    counts = noticed(found[pace.system], found[pace.other])
    return "surely faster" if counts else "surely faster, by too little to decide"


def _pairs(report: Report) -> Markup:
    """Return how much less time each system takes than each other one, over the same questions."""
    found = ordered_paces(report)
    if not found:
        return EMPTY
    ends = [min(MOST, end - 1) for one in found for end in (one.ratio, *(one.interval or ()))]
    scale = linear([0.0, *ends])
    return figure(
        "Pair by pair: the whole answer",
        table(
            ("Pair", "Difference in time", "Time", "Questions", "p", "In words"),
            [_pair(report, one, scale) for one in found],
            caption="Differences in time between systems",
            class_="forest",
        ),
        note=f"How the time of the first differs from that of the second, from {points(scale.low)} to {points(scale.high)} "
        f"%: the mean over the same questions, with its interval. p is of an exact test, corrected for {len(found)} "
        f"pair{'s' * (len(found) > 1)}.",
        wide=True,
    )


def _pair(report: Report, one: Pace, scale: Scale) -> tuple[Markup | str, ...]:
    places, words = systems_of(report), pace_words(report, one)
    low, high = one.interval or (0.0, MOST + 1)
    bar = interval_bar(places[one.system], one.ratio - 1, (low - 1, high - 1), scale, zero=0.0)
    within = f" {points(low - 1)} to {points(high - 1)} %" if one.interval else " not known"
    return (
        join(system_name(places[one.system], one.system), el("i", " beside "), one.other),
        cell(bar, class_="drawn"),
        cell(el("b", f"{points(one.ratio - 1)} %"), el("span", within, class_="range"), class_="figures"),
        cell(one.questions, class_="number", label="questions"),
        cell(chance(one.adjusted), class_="number", label="p"),
        cell(words, class_={"surely faster": "surely", NO_DIFFERENCE: "none"}.get(words, "")),
    )
