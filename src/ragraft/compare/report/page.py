"""report.html: one file that needs nothing else, neither to be seen nor to be searched.

Everything is in it, and a policy in its head lets it load nothing and run nothing but its own script, known by its
digest. Text of documents, questions and models is escaped where the page is written and set as text where the script
writes, so none of it can become markup.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from ragraft.compare.report.answers import (
    abstention_section,
    citations_section,
    draft_section,
    quality_section,
)
from ragraft.compare.report.browser import answers_as_json, questions_section
from ragraft.compare.report.facts import SECTIONS, measures_of
from ragraft.compare.report.freshness import freshness_section
from ragraft.compare.report.latency import latency_section
from ragraft.compare.report.markup import Markup, el, join
from ragraft.compare.report.method import method_section
from ragraft.compare.report.money import cost_section
from ragraft.compare.report.safety import forgetting_section, leakage_section
from ragraft.compare.report.summary import header, systems_section, verdict_section
from ragraft.compare.results import Report

__all__ = ["report_page"]


def report_page(report: Report) -> str:
    """Return the report as a page of HTML."""
    style, script = _own("page.css"), _own("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"ragraft: {report.verdict.headline}"),
        el("style", style),
    )
    body = el(
        "body",
        el("a", "To the verdict", href="#verdict", class_="skip"),
        header(report),
        _contents(report),
        el("main", verdict_section(report), *_sections(report), id="main"),
        el("script", answers_as_json(report), type="application/json", id="answers"),
        el("script", script),
    )
    return join(Markup("<!DOCTYPE html>\n"), el("html", head, body, lang="en"), "\n")


def _sections(report: Report) -> list[Markup]:
    return [
        systems_section(report),
        quality_section(report),
        citations_section(report),
        abstention_section(report),
        draft_section(report),
        freshness_section(report),
        leakage_section(report),
        forgetting_section(report),
        latency_section(report),
        cost_section(report),
        questions_section(report),
        method_section(report),
    ]


def _contents(report: Report) -> Markup:
    names = {"verdict": "Verdict", **SECTIONS, "method": "How it was measured"}
    if not measures_of(report, "draft"):
        del names["draft"]
    links = [el("li", el("a", said, href=f"#{name}")) for name, said in names.items()]
    return el("nav", el("ul", *links), aria_label="Contents")


def _own(name: str) -> Markup:
    """Return a file of the page's own, which holds nothing of anybody else's."""
    text = files("ragraft.compare.report").joinpath(name).read_text(encoding="utf-8")
    return Markup(text)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
