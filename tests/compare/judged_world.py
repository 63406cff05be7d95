"""The made-up comparison with a judge, who mostly agrees with the rule. Nothing in it was measured."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from report_world import made_up_report

from ragraft.compare.judge import JUDGE, Judged
from ragraft.compare.labels import Agreement
from ragraft.compare.marks import compare_marks, with_marks
from ragraft.compare.results import Report
from ragraft.types import Usage

__all__ = ["judged_report"]


def judged_report(**more: Any) -> Report:
    """Return a comparison whose answers a judge has marked; `more` is for `made_up_report`."""
    report = made_up_report(**more)
    luck = random.Random(7)
    judged = Judged(
        model="judge-1",
        marks={arm.name: _marks(report, arm.name, luck) for arm in report.arms},
        agreement=Agreement(0.72, (0.54, 0.86), 41, 45, 8, 6, 4),
        preferences=(),
        asked=612,
        failures=9,
        turned=14,
        usage=Usage(214_000, 1_900, 60_000),
    )
    marks = with_marks(report.marks, JUDGE, judged.marks, report.questions)
    own = {name: {JUDGE: each[JUDGE]} for name, each in marks.items()}
    found = compare_marks(own, answers=report.said, questions=report.questions)
    return replace(
        report, marks=marks, comparisons={**report.comparisons, **found}, judge=judged.record(), notes=()
    )


def _marks(report: Report, system: str, luck: random.Random) -> dict[str, float | None]:
    """Return marks of questions that the documents answer: those by rule, a tenth of them otherwise or missing."""
    found: dict[str, float | None] = {}
    for question, said in zip(report.questions, report.said[system], strict=True):
        if not question.answerable:
            continue
        rule = report.marks[system]["right"][question.id] or 0.0
        shown = not (said.refused or said.failure)
        found[question.id] = luck.choice([1 - rule, None]) if shown and luck.random() < 0.1 else rule
    return found
