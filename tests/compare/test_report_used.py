"""What systems use, in the report: with prices and without them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from report_world import made_up_report

from ragraft.compare.cost import SystemUse, Work
from ragraft.compare.report.latency import ordered_paces, pace_words
from ragraft.compare.report.page import report_page
from ragraft.compare.report.text import report_text
from ragraft.compare.report.used import USED, used_by

REPORT = made_up_report()
FREE = replace(REPORT, prices=None, costs=(), break_evens=())
FULL = Work(
    prompt_tokens=1200.4, cached_tokens=250, output_tokens=34, embedding_tokens=14, search_seconds=0.05
)


def test_all_that_an_answer_takes_is_told_and_how_often_its_model_was_made() -> None:
    use = SystemUse("raft", FULL, build=Work(training_hours=1.5), tries=2)
    told = dict(zip(USED, used_by(replace(REPORT.arms[-1], use=use)), strict=True))
    assert told == {
        "Prompt tokens": "1,200",
        "From a cache": "250",
        "Output tokens": "34",
        "Embedded tokens": "14",
        "Search": "50 ms",
        "Making it, once": "1 h 30 min",
        "Times made": "2",
    }


def test_a_system_that_was_not_made_was_made_no_times() -> None:
    assert used_by(replace(REPORT.arms[0], use=SystemUse("rag", FULL)))[-2:] == ("–", "–")


@pytest.mark.parametrize("report", [REPORT, FREE], ids=["with prices", "without prices"])
def test_it_stands_under_cost_with_and_without_prices(report: object) -> None:
    page = report_page(report)  # type: ignore[arg-type]  # one of two reports
    section = page.split('<section id="cost"', 1)[1].split("</section>", 1)[0]
    assert "What an answer takes" in section
    assert section.count('class="system"') >= len(REPORT.arms)


def test_it_stands_in_the_text_too() -> None:
    assert "## What an answer takes" in report_text(FREE)


def test_each_pair_of_systems_is_timed_against_each_other_the_faster_one_first() -> None:
    found = ordered_paces(REPORT)
    assert len(found) == 10
    assert all(one.ratio <= 1 for one in found)
    assert [one.faster for one in found] == sorted((one.faster for one in found), reverse=True)


def test_a_difference_in_time_is_called_sure_only_if_it_is() -> None:
    found = ordered_paces(REPORT)
    words = {pace_words(REPORT, one) for one in found}
    assert words <= {"surely faster", "surely faster, by too little to decide", "no difference shown"}
    assert all(pace_words(REPORT, one) == "no difference shown" for one in found if not one.faster)
    assert "surely faster" in words


def test_pairs_of_times_stand_in_the_section_and_in_the_text() -> None:
    section = report_page(REPORT).split('<section id="latency"', 1)[1].split("</section>", 1)[0]
    words = " ".join(re.sub("<[^>]*>", " ", section).split())
    assert "Pair by pair: the whole answer" in words
    assert "surely faster" in words
    assert "## Time, pair by pair" in report_text(REPORT)


def test_times_that_were_kept_by_no_question_make_no_pairs() -> None:
    old = replace(REPORT, latencies=tuple(replace(one, seconds={}) for one in REPORT.latencies))
    assert ordered_paces(old) == []
    assert "Time, pair by pair" not in report_text(old)
    assert "Pair by pair: the whole answer" not in report_page(old)
