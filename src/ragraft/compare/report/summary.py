"""The top of the page: which system to use, what that rests on, and everything measured in one table."""

from __future__ import annotations

from ragraft.compare.report.draw import marker
from ragraft.compare.report.facts import SECTIONS, SIGNS, excluded, main_measure
from ragraft.compare.report.markup import EMPTY, Markup, el, join
from ragraft.compare.report.overview import Cell, not_measured, overview
from ragraft.compare.report.parts import cell, folded, section, sign, strip, system_name, systems_of, table
from ragraft.compare.results import Report, Verdict
from ragraft.compare.wording import counted

__all__ = ["header", "systems_section", "verdict_section"]


def header(report: Report) -> Markup:
    """Return what was compared, and when."""
    asked, arms = counted(len(report.questions), "question"), counted(len(report.arms), "system")
    made = report.made_at.strftime("%-d %B %Y, %H:%M %Z").strip()
    return el(
        "header",
        el("p", "ragraft compare", class_="over"),
        el("h1", f"{arms}, {asked}"),
        el("p", f"{made} · {report.questions_file} · version {report.version}", class_="made"),
    )


def verdict_section(report: Report) -> Markup:
    """Return the verdict, what it rests on with links to the numbers, and what was not measured."""
    verdict, places = report.verdict, systems_of(report)
    mark = EMPTY
    if verdict.system in places:
        mark = el("svg", marker(places[verdict.system], y=14), class_="crest", aria_hidden="true")
    left_out = excluded(report)
    barred = [
        el("li", system_name(places.get(name, 0), name), f" may not be used: {why}")
        for name, why in left_out.items()
    ]
    ordered = (
        f"By your priorities, in this order: {', '.join(verdict.priorities)}." if verdict.priorities else None
    )
    main = main_measure(report)
    return el(
        "section",
        el("p", "Verdict", class_="over"),
        el("h2", mark, verdict.headline, id="verdict-heading"),
        el("div", strip(report, main), class_="glance") if main else None,
        _reasons(verdict),
        el("ul", *barred, class_="excluded") if barred else None,
        el("p", ordered, class_="aside") if ordered else None,
        _unmeasured(report),
        id="verdict",
        aria_labelledby="verdict-heading",
        class_="verdict",
    )


def _reasons(verdict: Verdict) -> Markup:
    """Return what the verdict rests on, by the sections that hold the numbers, each with a link to it."""
    if not verdict.reasons:
        return EMPTY
    by_section: dict[str, list[Markup]] = {}
    for claim in verdict.reasons:
        known = claim.section if claim.section in SECTIONS else "systems"
        by_section.setdefault(known, []).append(el("p", claim.text))
    entries = [
        join(el("dt", el("a", SECTIONS[name], href=f"#{name}")), el("dd", *claims))
        for name, claims in by_section.items()
    ]
    return join(el("h3", "What it rests on"), el("dl", *entries, class_="claims"))


def _unmeasured(report: Report) -> Markup:
    lines = [el("li", note) for note in report.notes]
    lines += [
        el("li", el("a", SECTIONS[name], href=f"#{name}"), f": {line}")
        for name, line in not_measured(report).items()
    ]
    if not lines:
        return EMPTY
    return el("div", el("h3", "What to know, and what was not measured"), el("ul", *lines), class_="notes")


def systems_section(report: Report) -> Markup:
    """Return the table of systems by measures, and what each system is made of."""
    places = systems_of(report)
    head = ["Measure", *(system_name(place, name) for name, place in places.items())]
    groups = [
        (
            el("a", SECTIONS[group.section], href=f"#{group.section}"),
            [
                (join(row.title, el("small", row.hint)), *(_cell(one) for one in row.cells))
                for row in group.rows
            ],
        )
        for group in overview(report)
    ]
    signs = [
        el("li", el("span", shown, class_=f"sign {name}"), f" {said}")
        for name, (shown, said) in SIGNS.items()
    ]
    return section(
        "systems",
        el(
            "p",
            "Under each share stands where it lies with 95 % confidence. Signs tell each measure's highest from the "
            "others, by an exact test over documents, corrected for the number of pairs.",
        ),
        table(head, [], groups=groups, caption="Systems by measures", class_="overview"),
        el("ul", *signs, class_="legend"),
        _made_of(report),
    )


def _cell(found: Cell | None) -> Markup:
    if found is None:
        return cell("–", class_="none")
    below = el("small", found.interval) if found.interval else None
    return cell(el("b", found.value), sign(found.standing), below)


def _made_of(report: Report) -> Markup:
    """Return what the systems are made of, who may use them, and how often they failed."""
    places = systems_of(report)
    rows = [
        (
            system_name(places[arm.name], arm.name),
            arm.card.kind,
            arm.card.model,
            arm.adapter or "–",
            arm.label,
            cell(sum(bool(one.failure) for one in report.said.get(arm.name, ())), class_="number"),
            el("code", arm.card.settings_hash),
        )
        for arm in report.arms
    ]
    head = ("System", "Kind", "Model", "Adapter", "Who may use it", "Failed answers", "Settings")
    return folded("What each system is made of", table(head, rows, caption="What each system is made of"))
