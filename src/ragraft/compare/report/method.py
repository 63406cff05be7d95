"""How a comparison was made: what is needed to judge it, and to make it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ragraft.compare.marks import document_of
from ragraft.compare.report.facts import margin
from ragraft.compare.report.judged import judge_work
from ragraft.compare.report.markup import Markup, el
from ragraft.compare.report.parts import figure, folded, table
from ragraft.compare.report.words import points
from ragraft.compare.results import Report
from ragraft.compare.wording import counted

__all__ = ["facts_of", "method_section"]


def facts_of(report: Report) -> dict[str, str]:
    """Return what a comparison was made with, as names and words."""
    documents = len({document_of(one) for one in report.questions if one.evidence})
    unanswerable = sum(not one.answerable for one in report.questions)
    asked = counted(len(report.questions), "question")
    return {
        "Questions": f"{report.questions_file}: {asked} from {counted(documents, 'document')}, {unanswerable} of them "
        "unanswerable",
        "Digest of what was compared": report.fingerprint,
        "Library": report.library or "not named",
        "Made": f"{report.made_at:%Y-%m-%d %H:%M %Z} by ragraft {report.version}".strip(),
        "Not worse means": f"by {points(margin(report)).lstrip('+')} points of 100 at most, surely",
    }


def _settings(values: Mapping[str, Any], *, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings by their names, those of a table with the table's name before theirs."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _settings(value, within=f"{within}{name}.")
        else:
            yield f"{within}{name}", _said(value)


def method_section(report: Report) -> Markup:
    """Return how it was measured, in words and as settings."""
    rows = [(name, said) for name, said in facts_of(report).items()]
    return el(
        "section",
        el("h2", "How it was measured", id="method-heading"),
        el(
            "p",
            "All systems were asked the same questions, and are compared question by question. Those of one document tend "
            "to be right or wrong together, so whole documents are counted: differences are tested exactly by their "
            "signs, corrected for the number of pairs by Holm's method. A failed answer counts as wrong. Intervals hold "
            "with 95 % confidence.",
        ),
        _judge(report.judge, judge_work(report))
        if report.judge
        else el("p", "No judge model took part: every mark is by rule.", class_="aside"),
        table(("What", "With"), rows, caption="What the comparison was made with", class_="plain facts"),
        folded(
            "Settings",
            table(
                ("Setting", "Value"),
                list(_settings(report.settings)),
                caption="Settings",
                class_="plain facts",
            ),
        )
        if report.settings
        else None,
        el("p", "This file quotes documents. It is for those who may read all of them.", class_="aside"),
        id="method",
        aria_labelledby="method-heading",
    )


def _judge(judge: Mapping[str, Any], work: str) -> Markup:
    """Return how far the judge model agrees with the user's labels, which answers it preferred, and what it took."""
    kept = dict(judge)
    words, pairs = str(kept.pop("words", "")), kept.pop("preferences", ())
    head = ("Pair", "First better", "Second better", "Undecided", "No judgement")
    preferred = [
        (
            f"{one['system']}, {one['other']}",
            *(str(one[name]) for name in ("won", "lost", "undecided", "failed")),
        )
        for one in pairs
    ]
    return figure(
        "The judge",
        el("p", words) if words else None,
        el("p", work) if work else None,
        table(head, preferred, caption="Which answers the judge preferred", class_="plain")
        if preferred
        else None,
        folded(
            "Its figures",
            table(
                ("What", "Found"), list(_settings(kept)), caption="The judge's figures", class_="plain facts"
            ),
        ),
        note="A judge model never decides alone; kappa tells how far it agrees with your labels, beyond chance.",
    )


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
