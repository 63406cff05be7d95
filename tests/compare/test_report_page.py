"""The page: it needs nothing else, lets nothing of a document become markup, and says what was not measured."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from report_world import made_up_report

from ragraft.compare.cost import Cost
from ragraft.compare.prices import Span
from ragraft.compare.report.facts import SECTIONS
from ragraft.compare.report.page import report_page
from ragraft.compare.results import Report, Sensitivity, Verdict

REPORT = made_up_report()
PAGE = report_page(REPORT)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'><!--\u2028]]>&lt;b&gt;"
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Reader(HTMLParser):
    """What a browser makes of a page: its elements, their attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.left_open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.left_open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.left_open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.left_open[-1] if self.left_open else ""
        (self.scripts if inside in ("script", "style") else self.text).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


READ = Reader(PAGE)


def answers_in(page: str) -> dict[str, Any]:
    """Return what the page's script is given."""
    found = re.search(r'<script type="application/json" id="answers">(.*?)</script>', page, re.DOTALL)
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


def bare() -> Report:
    """Return a comparison of which nothing but answers was measured."""
    arms = tuple(replace(arm, gates={}, adapter="") for arm in REPORT.arms)
    return replace(
        REPORT, arms=arms, latencies=(), freshness=(), leakage=(), prices=None, costs=(), break_evens=(), strata={},
        comparisons={}, marks={}, notes=(), verdict=Verdict("no_verdict", "", "Nothing can be said.", (), (), {}),
    )  # fmt: skip


def test_every_element_is_closed_in_its_order() -> None:
    assert READ.left_open == []


def test_the_page_loads_nothing() -> None:
    loading = [
        (tag, name, value)
        for tag, attributes in READ.elements
        for name, value in attributes.items()
        if name in ("src", "srcset", "href", "action", "data", "xlink:href", "poster")
        and not (value or "").startswith("#")
    ]
    assert loading == []


def test_the_style_sheet_loads_nothing() -> None:
    style = next(text for text in READ.scripts if ":root" in text)
    assert not re.search(r"url\(|@import", style)


def test_no_attribute_runs_anything_or_has_a_style_of_its_own() -> None:
    names = {name for _, attributes in READ.elements for name in attributes}
    assert {name for name in names if name.startswith("on") or name == "style"} == set()


def test_the_policy_allows_the_page_s_own_script_and_nothing_else() -> None:
    policy = next(
        one["content"] for one in READ.named("meta") if one.get("http-equiv") == "Content-Security-Policy"
    )
    script = PAGE.rsplit("<script>", 1)[1].split("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in (policy or "").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in (policy or "")


def test_what_a_document_says_never_becomes_markup() -> None:
    tame, hostile = made_up_report(questions=12), made_up_report(questions=12, hostile=HOSTILE)
    wanted, found = Reader(report_page(tame)), Reader(report_page(hostile))
    extra = Counter(tag for tag, _ in found.elements) - Counter(tag for tag, _ in wanted.elements)
    # One more note is in the list of notes, and that is all.
    assert extra == Counter({"li": 1})


def test_what_a_document_says_is_shown_letter_by_letter() -> None:
    found = answers_in(report_page(made_up_report(questions=12, hostile=HOSTILE)))
    assert all(question["text"].endswith(HOSTILE) for question in found["questions"])


def test_what_a_document_says_cannot_end_the_data_it_stands_in() -> None:
    page = report_page(made_up_report(questions=12, hostile=HOSTILE))
    inside = page.split('id="answers">', 1)[1].split("</script>", 1)[0]
    assert not re.search("[<>&\u2028\u2029]", inside)


def test_a_hostile_page_has_the_same_policy_and_script() -> None:
    hostile = report_page(made_up_report(hostile=HOSTILE))
    assert hostile.rsplit("<script>", 1)[1] == PAGE.rsplit("<script>", 1)[1]


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "draft"])
def test_every_section_that_a_claim_can_name_is_there(name: str) -> None:
    assert [tag for tag, attributes in READ.elements if attributes.get("id") == name] == ["section"]


def test_every_link_leads_to_a_place_in_the_page() -> None:
    places = {f"#{attributes['id']}" for _, attributes in READ.elements if "id" in attributes}
    assert {str(one.get("href")) for one in READ.named("a")} - places == set()


def test_no_name_of_a_place_is_used_twice() -> None:
    counts = Counter(str(attributes["id"]) for _, attributes in READ.elements if "id" in attributes)
    assert {name for name, count in counts.items() if count > 1} == set()


@pytest.mark.parametrize("claim", REPORT.verdict.reasons, ids=lambda claim: claim.text[:30])
def test_every_reason_of_the_verdict_is_told(claim: Any) -> None:
    assert claim.text in READ.words


def test_every_leak_is_quoted() -> None:
    leaks = [probe.text for one in REPORT.leakage for probe in one.probes if probe.leaked]
    assert leaks
    assert all(text in READ.words for text in leaks)


def test_every_break_even_is_said_in_words() -> None:
    assert all(one.words() in READ.words for one in REPORT.break_evens)


def test_every_chart_says_what_it_shows() -> None:
    charts = [one for one in READ.named("svg") if one.get("aria-hidden") != "true" and one.get("role")]
    assert charts
    assert all(one["role"] == "img" and len(one.get("aria-label") or "") > 20 for one in charts)


def test_every_head_of_a_table_says_what_it_is_the_head_of() -> None:
    assert {one.get("scope") for one in READ.named("th")} == {"col", "row", "rowgroup"}


def test_every_table_has_a_caption() -> None:
    assert len(READ.named("caption")) == len(READ.named("table")) > 10


def test_every_system_stands_in_the_answers_with_every_question() -> None:
    found = answers_in(PAGE)
    assert [one["name"] for one in found["systems"]] == [arm.name for arm in REPORT.arms]
    assert {len(own) for own in found["answers"]} == {len(REPORT.questions)}


def test_a_question_that_a_system_was_not_asked_counts_as_failed() -> None:
    said = {**REPORT.said, "rag": REPORT.said["rag"][1:]}
    found = answers_in(report_page(replace(REPORT, said=said)))
    place = [one["name"] for one in found["systems"]].index("rag")
    assert found["answers"][place][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    "name", ["citations", "abstention", "freshness", "leakage", "forgetting", "latency", "cost"]
)
def test_what_was_not_measured_is_said_in_its_section(name: str) -> None:
    page = report_page(bare())
    section = page.split(f'<section id="{name}"', 1)[1].split("</section>", 1)[0]
    assert "Not measured." in section


def test_what_was_not_measured_is_said_at_the_top_as_well() -> None:
    verdict = report_page(bare()).split('id="verdict"', 1)[1].split("</section>", 1)[0]
    assert verdict.count("<li>") == 7


def test_a_page_for_nothing_but_answers_is_whole() -> None:
    assert Reader(report_page(bare())).left_open == []


def test_a_page_for_no_verdict_says_so() -> None:
    assert "Nothing can be said." in Reader(report_page(bare())).words


def test_a_hundred_and_fifty_questions_make_less_than_two_megabytes() -> None:
    assert len(report_page(made_up_report(questions=150)).encode()) < 2_000_000


def test_the_same_report_gives_the_same_page() -> None:
    assert report_page(REPORT) == PAGE


def test_the_best_of_a_measure_is_marked_and_said() -> None:
    assert READ.words.count("(surely better than every other)") >= 1
    assert READ.words.count("(surely worse than the highest)") >= 1


def with_map(*choices: tuple[str, ...]) -> str:
    """Return the page of a report whose map of verdicts has these rows, for more and more changes."""
    map_ = Sensitivity(
        (10.0, 1000.0), tuple(float(row) for row in range(len(choices))), choices, (1000.0, 1.0)
    )
    return report_page(replace(REPORT, verdict=replace(REPORT.verdict, sensitivity=map_)))


def test_the_map_has_a_cell_for_every_volume_and_says_where_one_is_today() -> None:
    page = with_map(("raft", "raft"), ("rag", "raft"))
    table = page.split('class="map"', 1)[1].split("</table>", 1)[0]
    assert re.findall(r'class="heard">([^<]*)<', table) == ["rag", "raft, today", "raft", "raft"]


def test_a_place_of_the_map_where_no_system_may_be_used_is_said() -> None:
    assert "no system" in Reader(with_map(("raft", ""), ("rag", ""))).words


def test_a_map_that_is_the_same_everywhere_is_one_sentence() -> None:
    page = with_map(("raft", "raft"), ("raft", "raft"))
    assert 'class="map"' not in page
    assert (
        "Nothing from 10 to 1k questions and from 0 to 1 changes a month would change it"
        in Reader(page).words
    )


def test_the_judge_is_shown_with_what_its_marks_are_worth() -> None:
    preferred = {"system": "rag", "other": "raft", "won": 3, "lost": 5, "undecided": 2, "failed": 0}
    judge = {"model": "judge-1", "kappa": 0.61, "words": "judge-1 agrees well.", "preferences": [preferred]}
    words = Reader(report_page(replace(REPORT, judge=judge))).words
    assert "judge-1 agrees well." in words
    assert "rag, raft 3 5 2 0" in words


def test_a_measure_that_is_not_known_here_is_shown_under_its_name() -> None:
    comparison = replace(REPORT.comparisons["right"], measure="own")
    page = report_page(replace(REPORT, comparisons={**REPORT.comparisons, "own": comparison}))
    assert ">own<" in page


def test_a_measure_that_only_some_systems_have_leaves_the_others_out() -> None:
    some = REPORT.comparisons["cited_right"]
    kept = tuple(mean for mean in some.means if mean.system != "plain")
    pairs = tuple(one for one in some.differences if "plain" not in (one.system, one.other))
    fewer = replace(some, means=kept, differences=pairs)
    page = report_page(replace(REPORT, comparisons={**REPORT.comparisons, "cited_right": fewer}))
    row = page.split("Right passage cited", 1)[1].split("</tr>", 1)[0]
    assert row.count('class="none"') == 1


def test_drafts_have_a_section_only_if_they_were_marked() -> None:
    draft = replace(REPORT.comparisons["right"], measure="draft_right")
    page = report_page(replace(REPORT, comparisons={**REPORT.comparisons, "draft_right": draft}))
    assert ('<section id="draft"' in page, '<section id="draft"' in PAGE) == (True, False)


def test_a_system_that_costs_nothing_is_drawn_with_the_others() -> None:
    nothing = Span(0.0, 0.0)
    free = Cost("plain", nothing, nothing, nothing, nothing, nothing)
    page = report_page(replace(REPORT, costs=(free, *REPORT.costs[1:])))
    chart = page.split("A month, by the number of questions", 1)[1].split("</figure>", 1)[0]
    assert [name for name in ("plain", "rag") if f">{name}</text>" in chart] == ["plain", "rag"]


def test_costs_of_nothing_at_all_are_drawn_by_no_chart() -> None:
    nothing = Span(0.0, 0.0)
    costs = tuple(Cost(arm.name, nothing, nothing, nothing, nothing, nothing) for arm in REPORT.arms)
    page = report_page(replace(REPORT, costs=costs))
    assert ("A month, by the number" in page, "What it costs, in EUR" in page) == (False, True)
