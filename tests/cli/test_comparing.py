"""`ragraft compare`: what is printed, and where the report goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragraft.compare.report_file import read_report

Run = Callable[..., Any]
QUESTIONS = [
    {"question": "How many days of annual leave has every employee?", "answer": "thirty days",
     "evidence": [{"document": "leave.md", "quote": "Every employee has thirty days of annual leave in a year."}]},
    {"question": "What is the budget of the Hamburg site?", "answer": "nine million euros",
     "evidence": [{"document": "finance/budget.md", "quote": "The budget of the Hamburg site is nine million euros."}]},
    {"question": "Who painted the ceiling of the canteen?", "answer": ""},
]  # fmt: skip


@pytest.fixture
def ready(ragraft: Run, folder: Path) -> Run:
    ragraft("init")
    ragraft("add", folder)
    return ragraft


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, QUESTIONS)))
    return path


def err(ragraft: Run) -> str:
    return str(ragraft.err)  # type: ignore[attr-defined]  # set by each call


def test_the_table_the_verdict_and_the_place_of_the_report_are_printed(ready: Run, questions: Path) -> None:
    told = ready("compare", questions, "--systems", "plain,rag")
    assert "Right, or rightly refused" in told
    assert Path(told.split("report: ")[1].strip()).is_file()


def test_json_has_the_verdict_the_measures_and_the_files(ready: Run, questions: Path, tmp_path: Path) -> None:
    found = ready("compare", questions, "--systems", "plain,rag", "--out", tmp_path / "out", "--json")
    assert set(found) == {"verdict", "measures", "report"}
    assert set(found["measures"]["right"]) == {"plain", "rag"}
    report = read_report(Path(found["report"]["json"]))
    assert [arm.name for arm in report.arms] == ["plain", "rag"]
    assert found["verdict"]["headline"] == report.verdict.headline


def test_fewer_questions_can_be_asked(ready: Run, questions: Path) -> None:
    found = ready("compare", questions, "--systems", "plain,rag", "--limit", "2", "--json")
    assert len(read_report(Path(found["report"]["json"])).questions) == 2


def test_what_is_going_on_is_told_on_standard_error(ready: Run, questions: Path) -> None:
    ready("compare", questions, "--systems", "plain,rag", "--json")
    assert "asking all systems" in err(ready)


def test_labels_without_a_judge_are_refused(ready: Run, questions: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps({"question": QUESTIONS[0]["question"], "answer": "thirty", "right": True}))
    ready("compare", questions, "--systems", "plain,rag", "--labels", labels, code=2)
    assert "[judge] url and name" in err(ready)


def test_a_stranger_that_is_not_in_the_settings_is_refused(ready: Run, questions: Path) -> None:
    ready("compare", questions, "--systems", "rag,stranger:big", code=2)
    assert "[strangers.big]" in err(ready)


def test_only_the_owner_compares(ready: Run, questions: Path) -> None:
    ready("compare", questions, "--systems", "plain,rag", "--as-group", "everyone", code=2)
    assert "only the owner" in err(ready)
