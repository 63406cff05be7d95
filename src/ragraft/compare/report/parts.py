"""What the sections of the page are put together from: headings, tables, figures, names of systems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ragraft.compare.report.draw import interval_bar, marker
from ragraft.compare.report.facts import SECTIONS, SIGNS, Standing, margin, measure_hint, standing, title
from ragraft.compare.report.markup import EMPTY, Markup, Part, el, join
from ragraft.compare.report.scales import Scale
from ragraft.compare.report.words import percent
from ragraft.compare.results import Report
from ragraft.compare.wording import counted

__all__ = [
    "SHARES",
    "absent",
    "cell",
    "figure",
    "folded",
    "hidden",
    "is_cell",
    "section",
    "sign",
    "strip",
    "system_name",
    "systems_of",
    "table",
]

FITTING = ("strip", "forest")
"""Classes of tables that fit every screen; others scroll, and can be scrolled by keys."""

SHARES = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))


def section(name: str, *parts: Part) -> Markup:
    """Return a section under its heading, which is what claims link to."""
    return el(
        "section",
        el("h2", SECTIONS.get(name, name), id=f"{name}-heading"),
        *parts,
        id=name,
        aria_labelledby=f"{name}-heading",
    )


def absent(line: str) -> Markup:
    """Return the line that stands where something was not measured."""
    return el("p", el("strong", "Not measured. "), line, class_="absent")


def table(
    head: Sequence[Part],
    rows: Iterable[Sequence[Part]],
    *,
    caption: str,
    class_: str = "",
    groups: Sequence[tuple[Part, Iterable[Sequence[Part]]]] = (),
) -> Markup:
    """Return a table whose first column names the rows; it scrolls by itself where the screen is too narrow.

    Roles are said, for a style sheet that shows rows as blocks takes them away.

    `groups` are more rows, each group under a line of its own.
    """
    columns = el("tr", *(el("th", part, scope="col", role="columnheader") for part in head), role="row")
    bodies = [_body(rows)] if rows else []
    for name, own in groups:
        named = el("th", name, scope="rowgroup", role="rowheader", colspan=len(head))
        line = el("tr", named, class_="group", role="row")
        bodies.append(_body(own, first=line))
    written = el(
        "table",
        el("caption", caption),
        el("thead", columns, role="rowgroup"),
        *bodies,
        class_=class_ or None,
        role="table",
    )
    if class_.startswith(FITTING):
        return el("div", written, class_="scroll")
    return el("div", written, class_="scroll", tabindex=0, role="group", aria_label=caption)


def _body(rows: Iterable[Sequence[Part]], *, first: Markup = EMPTY) -> Markup:
    lines = []
    for row in rows:
        cells = (part if is_cell(part) else cell(part) for part in row[1:])
        lines.append(el("tr", el("th", row[0], scope="row", role="rowheader"), *cells, role="row"))
    return el("tbody", first, *lines, role="rowgroup")


def is_cell(part: Part) -> bool:
    """Return whether a part is a cell of a table already."""
    return isinstance(part, Markup) and part.startswith("<td")


def cell(*parts: Part, class_: str = "", title: str = "", label: str = "") -> Markup:
    """Return a cell with a class of its own.

    `title` appears on pointing at it, `label` before it where a row is shown as a block and has no column.
    """
    return el("td", *parts, class_=class_ or None, title=title or None, data_label=label or None, role="cell")


def figure(heading: str, *parts: Part, note: str = "", wide: bool = False) -> Markup:
    """Return a chart or a small table with its heading and what must be known to read it."""
    return el(
        "figure",
        el("figcaption", el("h3", heading), el("p", note) if note else None),
        *parts,
        class_="wide" if wide else None,
    )


def folded(summary: str, *parts: Part) -> Markup:
    """Return what is shown when it is asked for."""
    return el("details", el("summary", summary), *parts)


def hidden(text: str) -> Markup:
    """Return words that are read aloud and not shown."""
    return el("span", text, class_="heard")


def systems_of(report: Report) -> dict[str, int]:
    """Return the systems with their places, by which they are coloured."""
    return {arm.name: place for place, arm in enumerate(report.arms)}


def system_name(place: int, name: str) -> Markup:
    """Return a system's name with its mark."""
    key = el("svg", marker(place, y=8), class_="key", aria_hidden="true")
    return el("span", key, name, class_="system")


def sign(found: Standing) -> Markup:
    """Return the sign of how a system stands, with its words for those who cannot see it."""
    if not found:
        return EMPTY
    shown, said = SIGNS[found]
    return join(
        " ", el("span", shown, class_=f"sign {found}", title=said, aria_hidden="true"), hidden(f" ({said})")
    )


def strip(report: Report, measure: str) -> Markup:
    """Return one measure of all systems, best first: a bar with its interval, and how each stands."""
    comparison, places, spare = report.comparisons[measure], systems_of(report), margin(report)
    rows = []
    for mean in comparison.means:
        found = standing(comparison, mean.system, margin=spare)
        low, high = mean.interval
        rows.append(
            (
                system_name(places[mean.system], mean.system),
                cell(interval_bar(places[mean.system], mean.value, mean.interval, SHARES), class_="drawn"),
                cell(
                    el("b", percent(mean.value)),
                    sign(found),
                    el("span", f" {100 * low:.0f} to {percent(high)}", class_="range"),
                    class_="figures",
                ),
            )
        )
    asked = counted(comparison.reach.questions, "question")
    note = f"{measure_hint(measure)}; {asked}".removeprefix("; ")
    head = ("System", "From 0 to 100 %", "Mean, standing and 95 % interval")
    return figure(title(measure), table(head, rows, caption=title(measure), class_="strip"), note=note)
