"""A judge's marks in a report: a table of their own, with what they are worth, and what the judge took."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from judged_world import judged_report
from report_world import made_up_report

from ragraft.compare.judge import JUDGE
from ragraft.compare.report.judged import judge_work, judge_worth, opinions
from ragraft.compare.report.page import report_page
from ragraft.compare.report.text import report_text

REPORT = judged_report()
PAGE = report_page(REPORT)
BARE = made_up_report()


def part_of(page: str, heading: str) -> str:
    """Return a figure of a page, in words."""
    found = page.split(f"<h3>{heading}</h3>", 1)[1].split("</figure>", 1)[0]
    return " ".join(re.sub("<[^>]*>", " ", found).split())


@pytest.mark.parametrize("arm", REPORT.arms, ids=lambda arm: arm.name)
def test_the_marks_of_each_system_stand_beside_those_by_rule(arm: object) -> None:
    name = getattr(arm, "name", "")
    one = next(one for one in opinions(REPORT) if one.system == name)
    marks = [mark for mark in REPORT.marks[name][JUDGE].values() if mark is not None]
    assert one.judged == len(marks)
    assert one.share == pytest.approx(sum(marks) / len(marks))
    assert one.share - one.by_rule == pytest.approx((one.only_judge - one.only_rule) / one.judged)


def test_questions_of_which_the_judge_said_nothing_are_counted_and_not_taken_for_wrong() -> None:
    answerable = sum(one.answerable for one in REPORT.questions)
    assert all(one.judged + one.none == answerable for one in opinions(REPORT))
    assert any(one.none for one in opinions(REPORT))


def test_what_the_marks_are_worth_stands_in_their_table_and_in_the_table_of_all_measures() -> None:
    assert "kappa 0.72 (0.54 to 0.86)" in part_of(PAGE, "What the judge says")
    row = PAGE.split("Right, by the judge, which decides nothing", 1)[1].split("</tr>", 1)[0]
    assert "kappa 0.72 with your labels" in row


def test_the_judge_says_in_its_table_that_it_decides_nothing() -> None:
    assert "Its marks decide nothing." in part_of(PAGE, "What the judge says")


def test_the_judge_has_no_strip_among_the_measures_that_could_be_taken_for_one() -> None:
    assert "<h3>Right, by the judge, which decides nothing</h3>" not in PAGE


def test_what_the_judge_took_is_part_of_how_it_was_measured() -> None:
    method = part_of(PAGE, "The judge")
    told = "asked 612 times: 214,000 prompt tokens (60,000 of them from a cache), 1,900 output tokens."
    assert told in method


def test_what_the_judge_took_has_a_price_where_one_is_given() -> None:
    assert REPORT.prices is not None
    tokens = REPORT.prices.per_million_tokens.model_copy(
        update={
            "judge_prompt": REPORT.prices.hosting_per_month["small"],
            "judge_output": REPORT.prices.per_hour.search,
        }
    )
    prices = REPORT.prices.model_copy(update={"per_million_tokens": tokens})
    assert "1,900 output tokens, 4.28 EUR." in judge_work(replace(REPORT, prices=prices))


def test_no_system_is_charged_with_the_judge() -> None:
    assert all(not arm.use.answer.judge_prompt_tokens for arm in REPORT.arms)


def test_each_answer_that_was_shown_to_the_judge_has_its_mark_in_the_list_of_questions() -> None:
    told = json.loads(PAGE.split('id="answers">', 1)[1].split("</script>", 1)[0])
    for arm, own in zip(REPORT.arms, told["answers"], strict=True):
        for question, said, one in zip(REPORT.questions, REPORT.said[arm.name], own, strict=True):
            mark = REPORT.marks[arm.name][JUDGE][question.id]
            shown = not (said.refused or said.failure) and mark is not None
            assert one.get("judge") == (("right" if mark else "wrong") if shown else None)


def test_the_text_has_the_marks_and_what_they_are_worth() -> None:
    text = report_text(REPORT)
    assert "## What the judge says" in text
    assert "kappa 0.72 (0.54 to 0.86)" in " ".join(text.split())


def test_without_a_judge_there_is_no_table_no_filter_and_no_word_of_it() -> None:
    page = report_page(BARE)
    assert "What the judge says" not in page
    assert 'data-filter="judge"' not in page
    assert (opinions(BARE), judge_work(BARE), judge_worth(BARE)) == ([], "", "")
    assert "What the judge says" not in report_text(BARE)
