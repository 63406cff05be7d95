"""Files of access questions: what they may hold, and whether the library agrees with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ragraft.access.labels import read_access_file
from ragraft.compare.access_questions import AccessQuestion, read_access_questions, require_labels
from ragraft.errors import UserError
from ragraft.types import AccessLabel, Caller, Document, Question

COMPANY = Path(__file__).parents[2] / "examples" / "company"
ROW = {
    "question": "What is offered?",
    "answer": "Forty-one francs.",
    "document": "merger.md",
    "groups_allowed": ["board"],
    "groups_denied": ["everyone", "staff"],
}


def file_of(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "access.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


def test_a_row_becomes_a_question_with_its_groups(tmp_path: Path) -> None:
    (found,) = read_access_questions(file_of(tmp_path, {**ROW, "answer_aliases": ["CHF 41"], "id": 7}))
    question = Question("7", "What is offered?", "Forty-one francs.", ("CHF 41",), (), "access")
    assert found == AccessQuestion(question, "merger.md", ("board",), ("everyone", "staff"))


def test_a_row_without_an_id_has_its_line(tmp_path: Path) -> None:
    found = read_access_questions(file_of(tmp_path, ROW, "", ROW))
    assert [one.question.id for one in found] == ["access-1", "access-3"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "line 2: Invalid JSON"),
        ({**ROW, "question": ""}, "line 2: question: "),
        ({key: value for key, value in ROW.items() if key != "document"}, "line 2: document: Field required"),
        ({**ROW, "groups_denied": [""]}, "line 2: groups_denied.0: "),
        ({**ROW, "groups_denied": ["board"]}, "line 2: allowed and denied at once: board"),
        (
            {**ROW, "groups_allowed": [], "groups_denied": []},
            "line 2: groups_allowed and groups_denied are both",
        ),
        ({**ROW, "id": "access-1"}, "the id 'access-1' is used more than once"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, row: Any, fault: str) -> None:
    with pytest.raises(UserError) as caught:
        read_access_questions(file_of(tmp_path, ROW, row))
    assert fault in str(caught.value)
    assert "groups_allowed" in str(caught.value.hint)


@pytest.mark.parametrize("text", [b"", b"\n\n", b"\xff\xfe"])
def test_a_file_without_questions_is_an_error(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "access.jsonl").write_bytes(text)
    with pytest.raises(UserError):
        read_access_questions(tmp_path / "access.jsonl")


def labelled(*groups: str) -> dict[str, Document]:
    label = AccessLabel(frozenset(groups))
    return {"merger.md": Document("merger.md", "Merger", label, 1, 1, datetime(2026, 1, 1, tzinfo=UTC))}


def require(questions: Sequence[AccessQuestion], documents: dict[str, Document]) -> None:
    require_labels(questions, documents, caller_of=lambda groups: Caller("x", frozenset(groups)))


def test_labels_that_agree_are_let_through(tmp_path: Path) -> None:
    require(read_access_questions(file_of(tmp_path, ROW)), labelled("board", "lawyers"))


@pytest.mark.parametrize(
    ("documents", "fault"),
    [
        ({}, "there is no document 'merger.md' in the library"),
        (labelled("lawyers"), "merger.md is to be read by board, and is not"),
        (labelled("board", "staff"), "merger.md is not to be read by staff, and is"),
        (labelled("everyone"), "merger.md is not to be read by everyone, staff, and is"),
    ],
)
def test_labels_that_do_not_agree_are_an_error(
    tmp_path: Path, documents: dict[str, Document], fault: str
) -> None:
    with pytest.raises(UserError) as caught:
        require(read_access_questions(file_of(tmp_path, ROW)), documents)
    assert str(caught.value).endswith(fault)


def test_the_example_company_s_questions_agree_with_its_access_file() -> None:
    require_agreement(COMPANY / "access_questions.jsonl", COMPANY / "access.json")


@pytest.mark.data
def test_the_handbook_s_questions_agree_with_its_access_file(shared_data: Path) -> None:
    handbook = shared_data / "handbook"
    require_agreement(handbook / "access_questions.jsonl", handbook / "access.json")


def require_agreement(questions: Path, access_file: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    labels = read_access_file(access_file)
    found = read_access_questions(questions)
    require(found, {uri: Document(uri, uri, label, 1, 1, at) for uri, label in labels.items()})
    assert len(found) >= 20
