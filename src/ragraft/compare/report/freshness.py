"""What systems say after documents have changed, how soon, and what following a change takes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ragraft.compare.report.charts import Axis, Curve, curves
from ragraft.compare.report.draw import Part, stacked_bar
from ragraft.compare.report.markup import Markup, el, join
from ragraft.compare.report.overview import not_measured
from ragraft.compare.report.parts import (
    SHARES,
    absent,
    cell,
    figure,
    folded,
    hidden,
    section,
    system_name,
    systems_of,
    table,
)
from ragraft.compare.report.scales import logarithmic
from ragraft.compare.report.words import duration, percent
from ragraft.compare.results import AFTER, Freshness, Report
from ragraft.compare.wording import counted

__all__ = ["freshness_section"]

AFTERWARDS = {
    "fresh": "says what is so now",
    "stale": "says what was so before",
    "told": "tells what was deleted",
    "refused": "says it does not know",
    "other": "says something else",
    "failed": "failed",
}
"""What can come of a change, in the order of `results.AFTER`."""

CHANGES = {"update": "changed", "delete": "deleted", "add": "added"}


def freshness_section(report: Report) -> Markup:
    """Return what systems say after documents changed, how soon they say it right, and what else broke."""
    found = [one for one in report.freshness if one.outcomes]
    if not found:
        return section("freshness", absent(not_measured(report).get("freshness", "")))
    changes = max(len(one.outcomes) for one in found)
    return section(
        "freshness",
        el("p", f"{counted(changes, 'change')} went into a copy of the library, one after another. Each system was asked "
           "before, right after, and once all changes were in."),
        _afterwards(report, found),
        _over_time(report, found),
        _following(report, found),
        folded("Every change, and what the systems said", _every_change(report, found)),
    )  # fmt: skip


def _afterwards(report: Report, found: Sequence[Freshness]) -> Markup:
    """Return the outcomes of all changes, system by system, and by what was done to the document."""
    places = systems_of(report)
    rows = []
    for one in found:
        counts = [sum(each.after == after for each in one.outcomes) for after in AFTER]
        parts = [Part(after, AFTERWARDS[after], number) for after, number in zip(AFTER, counts, strict=True)]
        shares = [_right(one, kind) for kind in CHANGES]
        rows.append(
            (
                system_name(places[one.system], one.system),
                cell(stacked_bar(parts), class_="drawn"),
                *(cell(number or "–", class_="number") for number in counts),
                *(cell(share, class_="number") for share in shares),
            )
        )
    keys = [el("li", el("span", class_=f"swatch o-{name}"), said) for name, said in AFTERWARDS.items()]
    head = (
        "System",
        "All changes",
        *(join(el("span", class_=f"swatch o-{after}"), hidden(AFTERWARDS[after])) for after in AFTER),
        *(f"right when {done}" for done in CHANGES.values()),
    )
    return figure(
        "What they say once documents have changed",
        el("ul", *keys, class_="legend swatches"),
        table(head, rows, caption="Outcomes after changes, by system", class_="stacked"),
        note="Of what was deleted, the right answer is not to know.",
        wide=True,
    )


def _right(found: Freshness, kind: str) -> str:
    chosen = [one.right for one in found.outcomes if one.kind == kind]
    return f"{sum(chosen)} of {len(chosen)}" if chosen else "–"


def _over_time(report: Report, found: Sequence[Freshness]) -> Markup:
    """Return the share of changes that each system has right, over the time since they were written."""
    places = systems_of(report)
    times = [each.seconds for one in found for each in one.outcomes if each.seconds]
    if not times:
        return figure("How soon they are right", absent("No system had a change right."))
    scale = logarithmic(times)
    lines = [
        Curve(places[one.system], one.system, _steps(one, low=scale.low, high=scale.high)) for one in found
    ]
    across = Axis(scale, [duration(tick) for tick in scale.ticks], "Time since the change was written")
    up = Axis(SHARES, ["0", "25", "50", "75", "100 %"], "Changes that it has right")
    said = "; ".join(f"{line.name}: {percent(line.points[-1][1])} in the end" for line in lines)
    return figure(
        "How soon they are right",
        curves(lines, across=across, up=up, label=said),
        note="Without training anew. A system that remembers stays where it is until it is trained.",
    )


def _steps(found: Freshness, *, low: float, high: float) -> list[tuple[float, float]]:
    whole, reached = len(found.outcomes), 0
    points = [(low, 0.0)]
    for seconds in sorted(one.seconds for one in found.outcomes if one.seconds is not None and one.right):
        points += [(seconds, reached / whole), (seconds, (reached + 1) / whole)]
        reached += 1
    return [*points, (high, reached / whole)]


def _following(report: Report, found: Sequence[Freshness]) -> Markup:
    """Return what following a change takes, and what it did to questions that nothing changed."""
    places = systems_of(report)
    rows = []
    for one in found:
        known = [each.seconds for each in one.outcomes if each.seconds is not None]
        damage = one.damage
        rows.append(
            (
                system_name(places[one.system], one.system),
                cell(duration(one.write_seconds), class_="number"),
                cell(duration(one.refresh_seconds) if one.refresh_seconds else "nothing", class_="number"),
                cell(duration(median(known)) if known else "never right", class_="number"),
                cell(f"{damage.before} → {damage.after} of {damage.asked}", class_="number"),
                cell(f"{damage.lost} lost, {damage.won} won", class_="number"),
            )
        )
    head = ("System", "Write", "Update on top", "First right, middle", "Unchanged, right", "of these")
    missed = {change: reason for one in found for change, reason in one.not_applied.items()}
    left_out = [el("li", el("b", change), f": {reason}") for change, reason in missed.items()]
    return figure(
        "What following takes",
        table(head, rows, caption="What following a change takes, by system", class_="plain"),
        folded(f"{counted(len(missed), 'change')} could not be written", el("ul", *left_out))
        if missed
        else None,
        note="The last columns are questions that no change touches, before and after.",
    )


def _every_change(report: Report, found: Sequence[Freshness]) -> Markup:
    places = systems_of(report)
    by_change: dict[str, list[Markup]] = {}
    asked: dict[str, Markup] = {}
    for one in found:
        for each in one.outcomes:
            asked[each.change] = join(
                el("b", each.change), f" {CHANGES[each.kind]}: ", el("span", each.question, class_="said")
            )
            swatch = el("span", class_=f"swatch o-{each.after}")
            told = join(swatch, AFTERWARDS[each.after], el("q", each.text) if each.text else None)
            by_change.setdefault(each.change, []).append(
                el("li", system_name(places[one.system], one.system), " ", told)
            )
    entries = [el("li", asked[change], el("ul", *lines)) for change, lines in by_change.items()]
    return el("ol", *entries, class_="changes")
