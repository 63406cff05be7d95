"""What an answer tells about a fact that has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragraft.compare.changes import Change, read_changes
from ragraft.compare.results import Said
from ragraft.compare.telling import after_change, told_by


def says(text: str, *, refused: bool = False) -> Said:
    return Said("change", text, refused=refused)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def update(folder: Path, old: str, new: str, before: str, now: str, **other: Any) -> Change:
    return row(
        folder, kind="update", old=old, new=new, answer_before=before, answer_after=now, **other
    )  # fmt: skip


def row(folder: Path, **values: Any) -> Change:
    path = folder / "changes.jsonl"
    path.write_text(json.dumps({"document": "a.md", "question": "What?"} | values))
    return read_changes(path)[0]


def hours(folder: Path) -> Change:
    return update(
        folder, "You can receive 4 hours of leave", "You can receive 8 hours of leave", "4 hours", "8 hours"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("You get 8 hours. [1]", "now"),
        ("You get 4 hours.", "before"),
        ("It is 8 hours, and no longer 4 hours.", "before"),
        ("You get 18 hours.", "other"),
        ("You get 8 days.", "other"),
        ("The documents do not say.", "nothing"),
    ],
)
def test_a_number_is_told_as_it_was_or_as_it_is(folder: Path, text: str, told: str) -> None:
    assert told_by(says(text), hours(folder)) == told


def test_a_refusal_tells_nothing_whatever_it_quotes(folder: Path) -> None:
    assert told_by(says("None of the passages mentions “8 hours”.", refused=True), hours(folder)) == "nothing"


def test_numbers_of_citations_are_no_part_of_an_answer(folder: Path) -> None:
    guests = row(folder, kind="add", new="\nAt most 25 guests.", answer_after="25")
    assert told_by(says("Ask your administrator. [25]"), guests) == "other"
    assert told_by(says("At most 25 guests. [1]"), guests) == "now"


@pytest.mark.parametrize(
    ("text", "told"),
    [("It lasts 10 days a year.", "now"), ("It lasts 10 days.", "before"), ("It lasts a year.", "other")],
)
def test_an_answer_that_holds_the_old_one_is_the_new_one(folder: Path, text: str, told: str) -> None:
    longer = update(folder, "It lasts 10 days.", "It lasts 10 days a year.", "10 days", "10 days a year")
    assert told_by(says(text), longer) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [("It lasts 10 days a year.", "before"), ("It lasts 10 days.", "now")],
)
def test_an_answer_that_is_part_of_the_old_one_is_the_new_one_alone(
    folder: Path, text: str, told: str
) -> None:
    shorter = update(folder, "It lasts 10 days a year.", "It lasts 10 days.", "10 days a year", "10 days")
    assert told_by(says(text), shorter) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [("It lasts 10 days, no longer 7 days. [1]", "now"), ("It lasts 7 days.", "before")],
)
def test_a_new_text_that_names_the_old_answer_may_be_quoted(folder: Path, text: str, told: str) -> None:
    named = update(folder, "It lasts 7 days.", "It lasts 10 days, no longer 7 days.", "7 days", "10 days")
    assert told_by(says(text), named) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Yes. [1]", "now"),
        ("Yes, you may.", "now"),
        ("“No.” [1]", "before"),
        ("You may use a Personal Meeting ID (PMI) for meetings. [1]", "now"),
        ("“Do not use a Personal Meeting ID (PMI) for meetings.” [1]", "before"),
        ("There is no meeting ID.", "other"),
        ("Meetings have an ID, yes.", "other"),
    ],
)
def test_yes_and_no_count_where_an_answer_begins_with_them_or_quotes_what_changed(
    folder: Path, text: str, told: str
) -> None:
    rule = "use a Personal Meeting ID (PMI) for meetings."
    assert told_by(says(text), update(folder, f"Do not {rule}", f"You may {rule}", "No", "Yes")) == told


def test_a_yes_that_was_one_before_needs_its_condition(folder: Path) -> None:
    narrower = update(
        folder,
        "Visitors may park here.",
        "Visitors may park here on Sundays.",
        "Yes",
        "Yes, but only on Sundays",
    )
    assert told_by(says("Yes."), narrower) == "other"
    assert told_by(says("Visitors may park here on Sundays. [1]"), narrower) == "now"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The deadline is October 31.", "now"),
        ("please make a selection no later than October 31st [1]", "now"),
        ("no later than November 15th", "before"),
        ("no later than November 16th", "other"),
    ],
)
def test_the_documents_own_wording_is_as_good_as_the_files(folder: Path, text: str, told: str) -> None:
    dates = update(
        folder,
        "make a selection no later than November 15th.",
        "make a selection no later than October 31st.",
        "November 15",
        "October 31",
    )
    assert told_by(says(text), dates) == told


def test_words_of_an_answer_with_others_between_them_are_found_in_a_quotation(folder: Path) -> None:
    headset = row(
        folder,
        kind="add",
        new="You can request one new headset every three years.",
        answer_after="One every three years",
    )
    assert told_by(says("You can request one new headset every three years. [1]"), headset) == "now"
    assert told_by(says("One headset a year, and three years of warranty."), headset) == "other"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Three", "You can have 3 programs."),
        ("Four to six weeks", "Between 4 to 6 weeks before."),
        ("8 hours", "You get eight hours."),
        ("12", "Twelve of them."),
    ],
)
def test_a_number_may_be_a_word_or_digits(folder: Path, answer: str, text: str) -> None:
    assert told_by(says(text), row(folder, kind="add", new="Something new.", answer_after=answer)) == "now"


def test_a_wording_that_the_file_adds_counts(folder: Path) -> None:
    change = row(
        folder, kind="add", new="Book a week ahead.", answer_after="A week", aliases_after=["seven days"]
    )
    assert told_by(says("Seven days before."), change) == "now"


@pytest.mark.parametrize(
    ("kind", "text", "after"),
    [
        ("update", "It is blue.", "fresh"),
        ("update", "It is red.", "stale"),
        ("update", "I do not know.", "refused"),
        ("update", "It is large.", "other"),
        ("delete", "It is red.", "told"),
        ("delete", "The passages do not answer this.", "refused"),
        ("delete", "It is large.", "other"),
        ("add", "It is blue.", "fresh"),
        ("add", "I do not know.", "refused"),
        ("add", "It is red.", "other"),
    ],
)
def test_each_kind_of_change_has_its_outcomes(folder: Path, kind: str, text: str, after: str) -> None:
    rows = {
        "update": {"old": "red", "new": "blue", "answer_before": "red", "answer_after": "blue"},
        "delete": {"old": "red", "answer_before": "red"},
        "add": {"new": "blue", "answer_after": "blue"},
    }
    assert after_change(says(text), row(folder, kind=kind, **rows[kind])) == after


def test_a_deleted_rule_is_told_by_quoting_it(folder: Path) -> None:
    rule = (
        "Please note: no public official shall refer a relative to another public official for appointment."
    )
    gone = row(folder, kind="delete", old=rule, answer_before="No")
    assert told_by(says("no public official shall refer a relative [1]"), gone) == "before"
    assert told_by(says("You can refer friends to a public official."), gone) == "other"


def test_a_failure_is_no_answer(folder: Path) -> None:
    assert after_change(Said("change", failure="ModelError: the model has gone"), hours(folder)) == "failed"


def test_the_handbooks_changed_texts_tell_what_their_files_say(shared_data: Path) -> None:
    """Quoting the document as it was tells what was so, as it is what is so."""
    wrong = []
    for change in read_changes(shared_data / "handbook" / "changes.jsonl"):
        if change.kind != "add" and told_by(says(change.old), change) != "before":
            wrong.append((change.id, "old", told_by(says(change.old), change)))
        if change.kind != "delete" and told_by(says(change.new), change) != "now":
            wrong.append((change.id, "new", told_by(says(change.new), change)))
    assert wrong == []
