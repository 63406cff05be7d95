"""Everything that a comparison measured as rows of a table, systems side by side; and what it did not measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ragraft.compare.judge import JUDGE
from ragraft.compare.report.facts import (
    Standing,
    margin,
    measure_hint,
    measures_of,
    standing,
    title,
)
from ragraft.compare.report.judged import judge_worth
from ragraft.compare.report.words import between, duration, megabytes, percent, percents
from ragraft.compare.results import Report
from ragraft.compare.wording import counted

__all__ = ["Cell", "Group", "Row", "not_measured", "overview"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one system has in one row: a value, its interval or range, and how it stands."""

    value: str
    interval: str = ""
    standing: Standing = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, of all systems; a cell is None where it does not apply."""

    title: str
    hint: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows about the same, and the section that holds their numbers."""

    section: str
    rows: tuple[Row, ...]


def overview(report: Report) -> list[Group]:
    """Return everything measured, systems side by side, without what was not measured."""
    groups = [
        Group(section, tuple(_measured(report, name) for name in measures_of(report, section)))
        for section in ("quality", "citations", "abstention", "draft")
    ]
    groups += [
        Group("freshness", tuple(_freshness(report))),
        Group("leakage", tuple(_leakage(report))),
        Group("forgetting", tuple(_gates(report))),
        Group("latency", tuple(_latency(report))),
        Group("cost", tuple(_cost(report))),
    ]
    return [group for group in groups if group.rows]


def not_measured(report: Report) -> dict[str, str]:
    """Return for each section of which nothing was measured one line: that it was not, and how it would be."""
    tuned = any(arm.adapter for arm in report.arms)
    lines = {
        "citations": "No answer could be held against its evidence. Give questions with evidence.",
        "abstention": "Nothing could be said about refusals. Give questions that the documents do not answer.",
        "freshness": "No document was changed. Give a file of changes with --changes.",
        "leakage": "Nobody asked for what he may not know. Give a file of such questions with --access.",
        "forgetting": "No gates are on record for the adapters. Tune them anew."
        if tuned
        else "No tuned system took part, so there was nothing to forget.",
        "latency": "No question was asked one at a time.",
        "cost": "No prices were given. Give a file of prices with --prices.",
    }
    there = {group.section for group in overview(report)}
    return {section: line for section, line in lines.items() if section not in there}


def _measured(report: Report, measure: str) -> Row:
    comparison, spare = report.comparisons[measure], margin(report)
    means = {mean.system: mean for mean in comparison.means}
    cells = tuple(
        Cell(
            percent(means[arm.name].value),
            percents(means[arm.name].interval),
            standing(comparison, arm.name, margin=spare),
        )
        if arm.name in means
        else None
        for arm in report.arms
    )
    hint = judge_worth(report) if measure == JUDGE else measure_hint(measure)
    return Row(
        title(measure), f"{hint}; {counted(comparison.reach.questions, 'question')}".removeprefix("; "), cells
    )


def _by_system(report: Report, found: Sequence[Any]) -> list[Any]:
    """Return what was found in the order of the systems, None where there is none."""
    names = {one.system: one for one in found}
    return [names.get(arm.name) for arm in report.arms]


def _freshness(report: Report) -> Iterator[Row]:
    found = _by_system(report, report.freshness)
    if not any(one and one.outcomes for one in found):
        return
    shares = [None if one is None else one.right for one in found]
    changes = max(len(one.outcomes) for one in found if one)
    yield Row(
        "Right after a change",
        counted(changes, "change"),
        tuple(None if share is None else Cell(percent(share)) for share in shares),
    )
    old = [
        one and sum(each.after in ("stale", "told") for each in one.outcomes) / len(one.outcomes)
        for one in found
    ]
    yield Row(
        "Tells what is no longer so",
        "changed or deleted, and still told",
        tuple(None if share is None else Cell(percent(share)) for share in old),
    )
    yield Row(
        "Bringing it up to date",
        "on top of writing the change into the library",
        tuple(
            one and Cell(duration(one.refresh_seconds) if one.refresh_seconds else "nothing") for one in found
        ),
    )


def _leakage(report: Report) -> Iterator[Row]:
    found = _by_system(report, report.leakage)
    if not any(found):
        return
    yield Row(
        "Attempts that brought something out",
        "by callers who may not know",
        tuple(one and Cell(f"{one.leaks} of {len(one.probes)}") for one in found),
    )
    if any(one and one.allowed for one in found):
        yield Row(
            "Served to those who may know",
            "the right answer to who may have it",
            tuple(one and Cell(f"{one.served} of {one.allowed}") for one in found),
        )


def _gates(report: Report) -> Iterator[Row]:
    if not any(arm.gates for arm in report.arms):
        return
    cells = []
    for arm in report.arms:
        passed = sum(isinstance(gate, dict) and gate.get("passed") is True for gate in arm.gates.values())
        cells.append(Cell(f"{passed} of {len(arm.gates)}") if arm.gates else None)
    yield Row("Gates passed", "of the adapter", tuple(cells))


def _latency(report: Report) -> Iterator[Row]:
    found = _by_system(report, report.latencies)
    if not any(found):
        return
    yield Row(
        "Whole answer",
        "middle, and 95 of 100 within",
        tuple(one and Cell(duration(one.total.p50), f"to {duration(one.total.p95)}") for one in found),
    )
    if any(one and one.first_text for one in found):
        yield Row(
            "First words",
            "middle, and 95 of 100 within",
            tuple(
                one
                and one.first_text
                and Cell(duration(one.first_text.p50), f"to {duration(one.first_text.p95)}")
                for one in found
            ),
        )
    yield Row("Memory", "at its peak", tuple(one and Cell(megabytes(one.memory)) for one in found))


def _cost(report: Report) -> Iterator[Row]:
    found = _by_system(report, report.costs)
    if not any(found) or report.prices is None:
        return
    currency = report.prices.currency
    yield Row(
        "1,000 answers", currency, tuple(one and Cell(between(one.answer, times=1000)) for one in found)
    )
    yield Row("Building it", f"{currency}, once", tuple(one and Cell(between(one.build)) for one in found))
    yield Row(
        "A month without a question",
        f"{currency}; hosting, refreshes, the build over {report.prices.months:g} months",
        tuple(one and Cell(between(one.fixed)) for one in found),
    )
