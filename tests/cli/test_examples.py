"""`ragraft examples`: what is printed, and for whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    {
        "question": "How many days of annual leave are there?",
        "answer": "Thirty days.",
        "document": "leave.md",
    },
    {"question": "Who is Irena Pokorná?", "answer": "She leads finance."},
    {"question": "", "answer": "x"},
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS))
    return path


def test_adding_reports_every_row(ragraft: Any, rows: Path) -> None:
    found = ragraft("examples", "add", rows, "--json")
    assert (found["kept"], found["duplicates"]) == (2, 0)
    assert found["rejected"] == [{"row": f"{rows}:3", "reason": "the question is empty"}]
    assert len(found["fingerprint"]) == 16
    assert found["redacted"] == {"PERSON": 1}


def test_what_is_stored_shows_nobodys_name(ragraft: Any, rows: Path) -> None:
    ragraft("examples", "add", rows)
    shown = ragraft("examples", "show", "--all", "--json")
    assert "Pokorn" not in json.dumps(shown, ensure_ascii=False)
    assert len(shown) == 2


def test_the_label_of_an_example_is_its_documents(ragraft: Any, folder: Path, rows: Path) -> None:
    ragraft("add", folder, "--group", "staff")
    ragraft("examples", "add", rows)
    listed = ragraft("examples", "list", "--json", "--as-group", "staff")
    assert [(one["line"], one["groups"]) for one in listed] == [(1, ["staff"])]
    assert listed[0]["made_from"] == [{"document": "leave.md", "revision": 1}]


def test_a_shown_example_marks_what_is_trained_on(ragraft: Any, rows: Path) -> None:
    ragraft("examples", "add", rows)
    name = ragraft("examples", "list", "--json")[0]["id"]
    text = ragraft("examples", "show", name)
    assert "⟦Thirty days.<|im_end|>⟧" in text
    assert "<|im_start|>user\nHow many days" in text
    pieces = ragraft("examples", "show", name, "--json")["pieces"]
    assert [piece["text"] for piece in pieces if piece["trained"]] == ["Thirty days.<|im_end|>"]


def test_evaluation_questions_can_be_kept_out(ragraft: Any, rows: Path, tmp_path: Path) -> None:
    avoid = tmp_path / "test.jsonl"
    avoid.write_text(json.dumps({"id": "q1", **ROWS[0]}))
    found = ragraft("examples", "add", rows, "--avoid", avoid, "--json")
    assert found["rejected"][0]["reason"].startswith("near-duplicate of the evaluation question q1")


def test_examples_are_removed_by_file(ragraft: Any, rows: Path) -> None:
    ragraft("examples", "add", rows)
    assert ragraft("examples", "remove", "--file", rows, "--json") == {"removed": 2}
    assert ragraft("examples", "list", "--json") == []


def test_a_system_message_goes_before_each_row(ragraft: Any, rows: Path) -> None:
    ragraft("examples", "add", rows, "--system", "Answer in one sentence.")
    assert "Answer in one sentence." in ragraft("examples", "show", "--all")


@pytest.mark.parametrize(
    "arguments", [("show",), ("show", "x", "--all"), ("remove",), ("remove", "x", "--file", "y")]
)
def test_either_one_example_or_many_are_named(ragraft: Any, rows: Path, arguments: tuple[str, ...]) -> None:
    ragraft("init")
    ragraft("examples", *arguments, code=2)


def test_somebody_else_may_not_add(ragraft: Any, rows: Path) -> None:
    ragraft("examples", "add", rows, "--as-group", "staff", code=2)
