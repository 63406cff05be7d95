"""Question by question: what the page's script shows, and the controls that it works with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ragraft.compare.judge import JUDGE
from ragraft.compare.report.draw import SHAPES, style_of
from ragraft.compare.report.facts import OUTCOMES, main_measure, outcome, title
from ragraft.compare.report.markup import Markup, el
from ragraft.compare.report.parts import section
from ragraft.compare.results import Report, Said

__all__ = ["answers_as_json", "questions_section"]

FILTERS = {
    "all": "All",
    "disagree": "Systems disagree",
    "wrong": "Wrong",
    "refused": "Refused",
    "unsupported": "Unsupported",
    "failed": "Failed",
}
"""What can be chosen among: by what some system, or the one chosen, did."""

DISAGREES = {"judge": "Judge disagrees"}
"""The same where a judge marked the answers."""


def questions_section(report: Report) -> Markup:
    """Return the controls of the browser; the list is written by the page's script."""
    buttons = [
        el(
            "button",
            said,
            " ",
            el("span", class_="tally"),
            type="button",
            data_filter=name,
            aria_pressed="false",
        )
        for name, said in (FILTERS | (DISAGREES if report.judge else {})).items()
    ]
    systems = [el("option", "any system", value=""), *(el("option", arm.name) for arm in report.arms)]
    groups = [el("option", "all questions", value=""), *(el("option", name) for name in report.strata)]
    return section(
        "questions",
        el(
            "noscript",
            el("p", "The list of questions is made by a script in this file, and scripts are switched off."),
        ),
        el(
            "form",
            el("div", *buttons, role="group", aria_label="Show questions", class_="filters"),
            el(
                "label",
                "Search ",
                el("input", type="search", id="search", autocomplete="off", spellcheck="false"),
            ),
            el("label", "In ", el("select", *systems, id="system")),
            el("label", "Among ", el("select", *groups, id="group")) if report.strata else None,
            id="controls",
            role="search",
            aria_label="Questions",
        ),
        el("p", id="tally", role="status"),
        el("ol", id="list"),
        el("button", "Show more", type="button", id="more", hidden=True),
        el("p", "Questions that are open on the screen are printed.", class_="aside print-hint"),
    )


def answers_as_json(report: Report) -> Markup:
    """Return everything said, as JSON that cannot end the element it stands in, whatever a document holds."""
    documents: dict[str, int] = {}

    def number(document: str) -> int:
        return documents.setdefault(document, len(documents))

    questions = [
        {
            "id": one.id,
            "text": one.text,
            "expected": one.expected,
            "aliases": one.aliases,
            "kind": one.kind,
            "evidence": [[number(place.document), place.quote] for place in one.evidence],
        }
        for one in report.questions
    ]
    main = main_measure(report)
    answers = []
    for arm in report.arms:
        marks = report.marks.get(arm.name, {})
        said = {one.question: one for one in report.said.get(arm.name, ())}
        own = []
        for question in report.questions:
            one = said.get(question.id) or Said(question.id, failure="it was not asked")
            mark = marks.get(main, {}).get(question.id)
            state = outcome(one, question, mark=mark)
            judged = _judged(one, marks.get(JUDGE, {}).get(question.id))
            own.append(
                {**_answer(one, number), **judged, "outcome": state, "marks": _marks(marks, question.id)}
            )
        answers.append(own)
    places = {one.id: place for place, one in enumerate(report.questions)}
    whole = {
        "systems": [
            {"name": arm.name, "style": style_of(place), "shape": SHAPES[place % len(SHAPES)]}
            for place, arm in enumerate(report.arms)
        ],
        "outcomes": OUTCOMES,
        "measures": [title(name) for name in _measures(report)],
        "questions": questions,
        "answers": answers,
        "strata": {
            name: [places[each] for each in ids if each in places] for name, ids in report.strata.items()
        },
        "documents": list(documents),
    }
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _answer(one: Said, number: Any) -> dict[str, Any]:
    """Return an answer without what is empty: with a thousand questions every key counts."""
    found = {
        "text": one.text,
        "refused": one.refused,
        "reason": one.reason,
        "origin": one.origin if one.origin != "model" else "",
        "draft": one.draft if one.draft.strip() != one.text.strip() else "",
        "citations": [
            [
                cite.marker,
                number(cite.document),
                cite.revision,
                cite.start,
                cite.end,
                cite.quote,
                cite.supported,
            ]
            for cite in one.citations
        ],
        "given": list(dict.fromkeys(number(passage.document) for passage in one.given)),
        "invented": one.invented,
        "unsupported": one.unsupported,
        "sentences": one.sentences,
        "failure": one.failure,
    }
    kept = {key: value for key, value in found.items() if value}
    if one.confidence is not None:
        kept["confidence"] = round(one.confidence, 3)
    return kept


def _judged(one: Said, mark: float | None) -> dict[str, str]:
    """Return what a judge said of an answer; nothing of what it was not shown."""
    if mark is None or one.failure or one.refused:
        return {}
    return {"judge": "right" if mark == 1 else "wrong"}


def _measures(report: Report) -> list[str]:
    return list(dict.fromkeys(name for marks in report.marks.values() for name in marks))


def _marks(marks: Mapping[str, Mapping[str, float | None]], question: str) -> Any:
    """Return the marks that apply, by the place of their measure."""
    found = [marks[name].get(question) for name in marks]
    return [None if mark is None else round(mark, 3) for mark in found]
