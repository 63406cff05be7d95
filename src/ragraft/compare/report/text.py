"""report.md: the same figures as Markdown that reads well where it is printed, in a terminal too."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from ragraft.compare.attacks import KINDS
from ragraft.compare.report.facts import (
    SECTIONS,
    SIGNS,
    chance,
    difference_words,
    excluded,
    main_measure,
    title,
)
from ragraft.compare.report.judged import judge_work, opinions
from ragraft.compare.report.latency import ordered_paces, pace_words
from ragraft.compare.report.method import facts_of
from ragraft.compare.report.overview import Cell, not_measured, overview
from ragraft.compare.report.used import USED, used_by
from ragraft.compare.report.words import percent, percents, points, short
from ragraft.compare.results import Report
from ragraft.compare.statistics import Comparison
from ragraft.compare.wording import counted

__all__ = ["report_text"]

WIDTH = 98
"""Letters of a line, less the two that stand before an entry of a list."""
_MARKUP = re.compile(r"([\\`*\[\]|~]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|_(?!\w)|(?<!\w)_)")
_OPENING = re.compile(r"^(\d{1,9}(?=[.)])|)([-+>.)]|#{1,6}|=+)(?=\s|$)")


def report_text(report: Report) -> str:
    """Return the report as Markdown: the verdict, all measures, pairs, leaks, times, costs, settings."""
    parts = [
        *_verdict(report),
        *_systems(report),
        *_pairs(report),
        *_judged(report),
        *_leaks(report),
        *_paces(report),
        *_used(report),
        *_break_evens(report),
        *_map(report),
        *_method(report),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(report: Report) -> Iterator[str]:
    verdict = report.verdict
    yield f"# {_plain(verdict.headline)}"
    made = f"{report.made_at:%Y-%m-%d %H:%M %Z}".strip()
    yield f"{counted(len(report.arms), 'system')}, {counted(len(report.questions), 'question')}, {made}"
    if verdict.reasons:
        yield _list(
            f"{claim.text} ({SECTIONS.get(claim.section, claim.section)})" for claim in verdict.reasons
        )
    if barred := excluded(report):
        yield _list(f"{name} may not be used: {why}" for name, why in barred.items())
    if verdict.priorities:
        yield _wrapped(f"By your priorities, in this order: {', '.join(verdict.priorities)}.")
    missing = [*report.notes, *(f"{SECTIONS[name]}: {line}" for name, line in not_measured(report).items())]
    if missing:
        yield "## What to know, and what was not measured"
        yield _list(missing)


def _systems(report: Report) -> Iterator[str]:
    yield f"## {SECTIONS['systems']}"
    rows: list[list[str]] = []
    for group in overview(report):
        rows.append([f"**{SECTIONS[group.section]}**", *("" for _ in report.arms)])
        rows += [[row.title, *map(_cell, row.cells)] for row in group.rows]
    yield _table(["", *(arm.name for arm in report.arms)], rows)
    yield "  \n".join(f"{sign} {said}" for sign, said in SIGNS.values())


def _cell(found: Cell | None) -> str:
    if found is None:
        return "–"
    sign = f" {SIGNS[found.standing][0]}" if found.standing else ""
    interval = f" ({found.interval})" if found.interval else ""
    return f"{found.value}{interval}{sign}"


def _pairs(report: Report) -> Iterator[str]:
    main = main_measure(report)
    if main:
        yield f"## Pair by pair: {title(main)}"
        yield _wrapped(report.comparisons[main].reach.words())
        yield _differences(report.comparisons[main])


def _differences(comparison: Comparison) -> str:
    turned = [one if one.value >= 0 else one.turned() for one in comparison.differences]
    turned.sort(key=lambda one: (not one.better, -one.value))
    rows = [
        [
            f"{one.system} less {one.other}",
            points(one.value),
            f"{points(one.joint[0])} to {points(one.joint[1])}",
            f"{one.won} : {one.lost}",
            chance(one.adjusted),
            difference_words(one.value, surely=one.better or one.worse),
        ]
        for one in turned
    ]
    return _table(["pair", "points", "all intervals together", "won : lost", "p", ""], rows)


def _judged(report: Report) -> Iterator[str]:
    found = opinions(report)
    if report.judge is None or not found:
        return
    yield "## What the judge says"
    yield _wrapped(" ".join([str(report.judge.get("words", "")), judge_work(report)]).strip())
    rows = [
        [
            one.system,
            f"{percent(one.share)} ({percents(one.interval)})",
            percent(one.by_rule),
            str(one.only_judge),
            str(one.only_rule),
            str(one.judged),
            str(one.none),
        ]
        for one in found
    ]
    head = ["", "right, by the judge", "by rule", "only the judge", "only the rule", "judged", "no judgement"]
    yield _table(head, rows)


def _paces(report: Report) -> Iterator[str]:
    found = ordered_paces(report)
    if not found:
        return
    yield "## Time, pair by pair"
    rows = [
        [
            f"{one.system} beside {one.other}",
            f"{points(one.ratio - 1)} %",
            f"{points(one.interval[0] - 1)} to {points(one.interval[1] - 1)}"
            if one.interval
            else "not known",
            str(one.questions),
            chance(one.adjusted),
            pace_words(report, one),
        ]
        for one in found
    ]
    yield _table(["pair", "time", "interval", "questions", "p", ""], rows)


def _used(report: Report) -> Iterator[str]:
    yield "## What an answer takes"
    yield _table(["", *(name.lower() for name in USED)], [[arm.name, *used_by(arm)] for arm in report.arms])


def _leaks(report: Report) -> Iterator[str]:
    leaks = [(one.system, probe) for one in report.leakage for probe in one.probes if probe.leaked]
    if leaks:
        yield "## What came out"
        yield _list(
            f"{system}, {KINDS.get(probe.kind, probe.kind)}, as {', '.join(probe.groups)}: “{probe.question}” → "
            f"“{probe.text}” (in {', '.join(probe.leaked)}; closed: {probe.document})"
            for system, probe in leaks
        )


def _break_evens(report: Report) -> Iterator[str]:
    if report.break_evens:
        yield "## From how many questions on one is cheaper"
        yield _list(f"{one.words()}." for one in report.break_evens)


def _map(report: Report) -> Iterator[str]:
    found = report.verdict.sensitivity
    if found is None:
        return
    yield "## What would change the verdict"
    yield "The system that would be named, by changes (down) and questions a month (across)."
    chosen = [at for at in range(len(found.questions)) if at % max(1, len(found.questions) // 6) == 0]
    rows = [
        [short(often), *(row[at] or "none" for at in chosen)]
        for often, row in zip(found.changes, found.choices, strict=True)
    ]
    yield _table(["", *(short(found.questions[at]) for at in chosen)], rows)


def _method(report: Report) -> Iterator[str]:
    yield "## How it was measured"
    yield _list(f"{name}: {said}" for name, said in facts_of(report).items())
    refused = {arm.name: sum(one.refused for one in report.said.get(arm.name, ())) for arm in report.arms}
    shares = ", ".join(
        f"{name} {percent(number / max(1, len(report.questions)))}" for name, number in refused.items()
    )
    yield _wrapped(
        f"Refused, of all questions: {shares}. The answers themselves are in report.html and report.json."
    )


def _plain(text: str) -> str:
    """Return text on one line in which nothing is Markdown, whoever wrote it."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _wrapped(text: str) -> str:
    """Return a paragraph, broken between words."""
    lines = textwrap.wrap(_plain(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    # A word that came to stand first in a line must not open a heading, a list or a quotation there.
    return "\n".join(_OPENING.sub(r"\1\\\2", line) for line in lines)


def _list(lines: Sequence[str] | Iterator[str]) -> str:
    entries = (_wrapped(line).replace("\n", "\n  ") for line in lines)
    return "\n".join(f"- {entry}" for entry in entries)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are as wide as their widest cell, so that it is one before it is rendered too."""
    cells = [[_in_table(one) for one in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (one.ljust(width) for one, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _in_table(text: str) -> str:
    bold = text.startswith("**") and text.endswith("**") and len(text) > 4
    return f"**{_plain(text[2:-2])}**" if bold else _plain(text)
