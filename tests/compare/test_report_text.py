"""The report as Markdown: aligned tables, all that the verdict says, and nothing of a document that becomes Markdown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from report_world import made_up_report

from ragraft.compare.report.text import report_text
from ragraft.compare.results import Claim, Verdict

REPORT = made_up_report()
TEXT = report_text(REPORT)
WORDS = " ".join(TEXT.split())


def with_headline(headline: str, *reasons: str) -> str:
    """Return a report whose verdict says this."""
    claims = tuple(Claim(text, "quality") for text in reasons)
    return report_text(replace(REPORT, verdict=Verdict("no_verdict", "", headline, claims, (), {})))


def tables(text: str) -> list[list[str]]:
    return [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]


def test_the_headline_comes_first() -> None:
    assert TEXT.splitlines()[0] == f"# {REPORT.verdict.headline}"


@pytest.mark.parametrize("claim", REPORT.verdict.reasons, ids=lambda claim: claim.text[:30])
def test_every_reason_is_told(claim: Claim) -> None:
    assert claim.text in WORDS


def test_every_leak_is_quoted() -> None:
    leaks = [probe.text for one in REPORT.leakage for probe in one.probes if probe.leaked]
    assert leaks
    assert all(text in WORDS for text in leaks)


def test_every_break_even_is_said_in_words() -> None:
    assert all(one.words() in WORDS for one in REPORT.break_evens)


def test_what_was_not_measured_is_said() -> None:
    assert "No document was changed." in report_text(replace(REPORT, freshness=()))


def test_the_columns_of_every_table_stand_below_each_other() -> None:
    found = tables(TEXT)
    assert len(found) >= 3
    for table in found:
        assert len({tuple(match.start() for match in re.finditer(r"\|", line)) for line in table}) == 1


def test_no_line_of_prose_is_too_wide_for_a_terminal() -> None:
    assert max(len(line) for line in TEXT.splitlines() if not line.startswith(("|", "#"))) <= 100


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("see [here](https://example.org)", r"see \[here\](https://example.org)"),
        ("<img src=x>", r"\<img src=x>"),
        ("a*b*", r"a\*b\*"),
        ("`code`", r"\`code\`"),
        ("a|b", r"a\|b"),
        ("&lt;", r"\&lt;"),
        ("_now_", r"\_now\_"),
        ("one\n\n# two", "one # two"),
        ("tuned_rag <0.001 & more", "tuned_rag <0.001 & more"),
    ],
)
def test_what_a_document_says_is_no_markdown(said: str, written: str) -> None:
    assert with_headline(said).splitlines()[0] == f"# {written}"


@pytest.mark.parametrize(
    ("said", "written"), [("# x", r"- \# x"), ("- x", r"- \- x"), ("1. x", r"- 1\. x"), ("> x", r"- \> x")]
)
def test_a_reason_begins_no_heading_list_or_quotation(said: str, written: str) -> None:
    assert f"\n{written} (Answers)\n" in with_headline("x", said)
