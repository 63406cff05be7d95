"""How long answers take, asked one at a time."""

from __future__ import annotations

from ragraft.compare.report.draw import interval_bar
from ragraft.compare.report.markup import Markup, el
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
from ragraft.compare.report.scales import linear
from ragraft.compare.report.words import duration, megabytes
from ragraft.compare.results import Report

__all__ = ["latency_section"]


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
    )
