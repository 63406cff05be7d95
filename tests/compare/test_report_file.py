"""A report is read as it was written, and a file that is none is refused with a hint."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_world import made_up_report

from ragraft.compare.report_file import FORMAT, SCHEMA, read_report, write_report, write_whole
from ragraft.compare.results import Report
from ragraft.errors import UserError

REPORT = made_up_report(questions=12, systems=3)


def spoilt(path: Path, **changes: Any) -> Path:
    """Write a report with other values at the top of the file."""
    write_report(path, REPORT)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, REPORT)
    assert read_report(path) == REPORT


def test_a_report_read_and_written_again_is_the_same_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_report(first, REPORT)
    write_report(second, read_report(first))
    assert first.read_bytes() == second.read_bytes()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_every_number_survives_to_its_last_digit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "report.json"
    marks = {f"question {place}": number for place, number in enumerate(numbers)}
    write_report(path, replace(small(), marks={"rag": {"f1": marks}}))
    assert read_report(path).marks["rag"]["f1"] == marks


def test_a_number_that_json_does_not_know_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, replace(small(), marks={"rag": {"f1": {"one": math.inf, "two": math.nan}}}))
    read = read_report(path).marks["rag"]["f1"]
    assert read["one"] == math.inf
    assert math.isnan(read["two"] or 0.0)


def test_a_file_with_such_a_number_is_json_for_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, replace(small(), marks={"rag": {"f1": {"one": math.inf}}}))
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_a_comparison_of_which_nothing_but_answers_was_measured_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, small())
    assert read_report(path) == small()


def test_only_the_owner_may_read_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, REPORT)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_report_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(UserError, match="cannot be written"):
        write_whole(path, "half of it \ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.json", "old")]


def test_a_folder_that_is_not_there_is_a_user_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_report(tmp_path / "absent" / "report.json", REPORT)


def test_a_link_in_the_way_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "report.json.draft").symlink_to(other)
    write_report(tmp_path / "report.json", small())
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ('{"format": "ragraft-rep', "not JSON, or was cut short"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no report"),
        ('{"made_at": "2026"}', "no report"),
        (json.dumps({"format": FORMAT, "schema": SCHEMA}), "damaged: report: Field required"),
        (json.dumps({"format": FORMAT, "schema": SCHEMA + 1}), "has schema 2; this version reads 1"),
        (json.dumps({"format": FORMAT}), "has schema None"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_report(path)
    assert caught.value.hint


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_report(tmp_path / "absent.json")


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(UserError, match="cannot be read"):
        read_report(path)


def test_a_damaged_value_is_named_by_its_key_and_not_quoted(tmp_path: Path) -> None:
    path = spoilt(tmp_path / "report.json", report={"made_at": "salaries of the board"})
    with pytest.raises(UserError, match=r"report\.made_at|made_at") as caught:
        read_report(path)
    assert "salaries" not in str(caught.value)


def test_a_key_that_a_later_version_added_does_no_harm(tmp_path: Path) -> None:
    assert read_report(spoilt(tmp_path / "report.json", added_later=1)) == REPORT


def small() -> Report:
    """Return a comparison of which nothing but answers was measured."""
    return replace(
        REPORT,
        latencies=(),
        freshness=(),
        leakage=(),
        prices=None,
        costs=(),
        break_evens=(),
        strata={},
        notes=(),
    )
