"""The page in a browser: its list of questions works, nothing is forbidden by its policy, and it fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_page import BROWSER, BrowserPage, browser_page
from judged_world import judged_report
from report_world import made_up_report

from ragraft.compare.report.facts import HEADLINE
from ragraft.compare.report.page import report_page
from ragraft.compare.results import Said

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")

REPORT = made_up_report(questions=50)
JUDGED = judged_report(questions=50)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)><a href=javascript:alert(3)>x</a>"
ROWS = "document.querySelectorAll('#list > li').length"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    (made / "report.html").write_text(report_page(REPORT), encoding="utf-8")
    hostile = made_up_report(questions=12, hostile=HOSTILE)
    (made / "judged.html").write_text(report_page(JUDGED), encoding="utf-8")
    (made / "hostile.html").write_text(report_page(hostile), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserPage]:
    with browser_page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def opened(browser: BrowserPage, folder: Path) -> BrowserPage:
    browser.open(folder / "report.html")
    return browser


@pytest.fixture
def page(opened: BrowserPage) -> BrowserPage:
    """The report as it is when it has just been opened."""
    opened.run(
        "for (const name of ['search', 'system', 'group']) document.getElementById(name).value = '';"
        "document.querySelector('[data-filter=all]').click()"
    )
    return opened


def press(name: str) -> str:
    return f"document.querySelector('[data-filter={name}]').click()"


def pick(control: str, value: str) -> str:
    return (
        f"(() => {{ const one = document.getElementById('{control}'); one.value = '{value}';"
        " one.dispatchEvent(new Event('change')); })()"
    )


def tally(page: BrowserPage) -> int:
    return int(str(page.run("document.getElementById('tally').textContent")).split()[0])


def count_of(does: str, said: dict[str, Said]) -> bool:
    """Return whether some system's answer to a question is of a kind."""
    ones = list(said.values())
    rights = {REPORT.marks[name][HEADLINE][one.question] == 1 for name, one in said.items()}
    return {
        "all": True,
        "disagree": rights == {True, False},
        "refused": any(one.refused for one in ones),
        "unsupported": any(one.unsupported for one in ones),
        "failed": any(one.failure for one in ones),
    }[does]


def test_a_page_that_is_opened_has_nothing_to_complain_about(page: BrowserPage) -> None:
    assert page.complaints == []


def test_no_more_than_a_screenful_of_questions_is_made_at_first(page: BrowserPage) -> None:
    assert page.run(ROWS) == 40


def test_more_questions_are_shown_until_there_are_no_more(page: BrowserPage) -> None:
    page.run("document.getElementById('more').click()")
    assert page.run(ROWS) == 50
    assert page.run("document.getElementById('more').hidden")


@pytest.mark.parametrize("name", ["all", "disagree", "refused", "unsupported", "failed"])
def test_a_filter_shows_the_questions_it_is_named_for(page: BrowserPage, name: str) -> None:
    page.run(press(name))
    wanted = sum(
        count_of(name, {arm.name: REPORT.said[arm.name][number] for arm in REPORT.arms})
        for number in range(50)
    )
    assert tally(page) == wanted


def test_a_filter_for_one_system_looks_at_its_answers_alone(page: BrowserPage) -> None:
    page.run(press("refused"))
    page.run(pick("system", "rag"))
    assert tally(page) == sum(one.refused for one in REPORT.said["rag"])


def test_a_group_of_questions_is_chosen_from(page: BrowserPage) -> None:
    page.run(pick("group", "unanswerable"))
    assert tally(page) == len(REPORT.strata["unanswerable"])


def test_the_filter_that_is_on_is_said_to_be(page: BrowserPage) -> None:
    page.run(press("wrong"))
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((one) => one.dataset.filter)"
    assert page.run(pressed) == ["wrong"]


def test_a_search_finds_the_questions_with_all_its_words(page: BrowserPage) -> None:
    page.run(
        "(async () => { const one = document.getElementById('search'); one.value = 'PASSWORD graz';"
        " one.dispatchEvent(new Event('input')); await new Promise((done) => setTimeout(done, 300)); })()"
    )
    wanted = [one for one in REPORT.questions if "password" in one.text and "Graz" in one.text]
    assert tally(page) == len(wanted) > 0


def test_enter_in_the_search_leaves_the_page_where_it_is(page: BrowserPage) -> None:
    page.run("document.getElementById('controls').requestSubmit()")
    assert page.run(ROWS) == 40
    assert page.complaints == []


def test_an_opened_question_shows_all_answers_side_by_side(page: BrowserPage) -> None:
    page.run("document.querySelector('.row').click()")
    shown = page.run("[...document.querySelectorAll('.answer .words')].map((one) => one.textContent)")
    wanted = [REPORT.said[arm.name][0] for arm in REPORT.arms]
    assert [text for text in shown if text in {one.text for one in wanted}] == [
        one.text for one in wanted if one.text
    ]


def test_a_citation_is_shown_with_its_quote_its_document_and_its_place(page: BrowserPage) -> None:
    number = next(at for at, one in enumerate(REPORT.said["raft"][:40]) if one.citations)
    cited = REPORT.said["raft"][number].citations[0]
    page.run(f"document.querySelectorAll('.row')[{number}].click()")
    shown = page.run(
        "[...document.querySelectorAll('.answer.s4 .cites li')].map((one) => one.textContent).join()"
    )
    assert cited.quote in shown
    assert f"{cited.document}, revision 2, characters {cited.start} to {cited.end}" in shown


def test_a_question_opens_and_closes_and_says_which(page: BrowserPage) -> None:
    row = "document.querySelector('.row')"
    page.run(f"{row}.click()")
    assert page.run(f"{row}.getAttribute('aria-expanded')") == "true"
    page.run(f"{row}.click()")
    assert page.run("document.querySelectorAll('.answer').length") == 0


def test_using_everything_brings_no_complaint(page: BrowserPage) -> None:
    page.run(
        "document.querySelectorAll('button').forEach((one) => one.click());"
        "document.querySelectorAll('.row').forEach((one) => one.click());"
        "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
    )
    assert page.complaints == []


def test_what_is_printed_has_pages(page: BrowserPage) -> None:
    assert page.printed().startswith(b"%PDF")


# What follows opens other pages.


def test_what_documents_say_runs_nothing_and_asks_for_nothing(browser: BrowserPage, folder: Path) -> None:
    browser.complaints.clear()
    browser.open(folder / "hostile.html")
    browser.run("document.querySelectorAll('.row').forEach((one) => one.click())")
    assert browser.complaints == []
    assert browser.run("document.querySelectorAll('img, a[href^=javascript]').length") == 0


def test_what_documents_say_stands_in_the_list_letter_by_letter(browser: BrowserPage, folder: Path) -> None:
    browser.open(folder / "hostile.html")
    assert HOSTILE in browser.run("document.querySelector('.asked').textContent")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_no_wider_than_the_screen(browser: BrowserPage, folder: Path, width: int) -> None:
    browser.open(folder / "report.html", width=width)
    browser.run("document.querySelectorAll('.row')[1].click()")
    assert browser.run("document.documentElement.scrollWidth") == width


def test_the_questions_on_which_the_judge_and_the_rule_disagree_can_be_chosen(
    browser: BrowserPage, folder: Path
) -> None:
    browser.complaints.clear()
    browser.open(folder / "judged.html")
    browser.run(press("judge"))
    apart = [
        one.id
        for number, one in enumerate(JUDGED.questions)
        if any(
            JUDGED.marks[arm.name]["judge"][one.id] not in (None, JUDGED.marks[arm.name]["right"][one.id])
            for arm in JUDGED.arms
            if not JUDGED.said[arm.name][number].refused
        )
    ]
    assert 0 < tally(browser) == len(apart)
    browser.run("document.querySelector('.row').click()")
    assert "which decides nothing." in str(browser.run("document.querySelector('.cards').textContent"))
    assert browser.complaints == []


def test_a_page_with_a_judge_is_no_wider_than_a_phone(browser: BrowserPage, folder: Path) -> None:
    browser.open(folder / "judged.html", width=360)
    assert browser.run("document.documentElement.scrollWidth") == 360


def test_dark_and_light_differ(browser: BrowserPage, folder: Path) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    browser.open(folder / "report.html")
    light = browser.run(colour)
    browser.open(folder / "report.html", dark=True)
    assert browser.run(colour) != light
