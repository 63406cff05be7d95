"""The sets that tuning is measured on: what is asked is not taught, and what is taught is what the files say."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.tuning_runs import Candidate, Trial
from benchmarks.tuning_sets import MISSING, Amount, banking, company, handbook

from ragraft.models.files import chat_model_file
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.types import Completion, Message, Usage


class FakeModel:
    """Answers several prompts at once, always alike."""

    def generate_many(self, asked: Sequence[Sequence[Message]], *, max_tokens: int) -> list[Completion]:
        return [Completion("a lamp", Usage(1, min(2, max_tokens)), "stop") for _ in asked]


@pytest.fixture(scope="module")
def encoder() -> ChatEncoder:
    return open_chat_encoder(chat_model_file())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with a handbook of three pages and a bank's messages of two categories."""
    folder = tmp_path_factory.mktemp("data")
    questions = folder / "handbook" / "questions"
    questions.mkdir(parents=True)
    rows = [
        {
            "id": f"q{number}",
            "question": f"What lies in room {number} on the {number} floor?",
            "answer": f"Room {number} has a lamp.",
            "evidence": [{"document": f"page-{number}.md", "quote": "a lamp"}],
            "kind": "lookup",
        }
        for number in range(3)
    ]
    missing = {
        "id": "u",
        "question": "Who won the cup?",
        "answer": MISSING,
        "evidence": [],
        "kind": "unanswerable",
    }
    for split, chosen in (("train", rows[:2]), ("test", [rows[2], missing])):
        (questions / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen))
    term = {"term": "ADR", "meaning": "Architecture Decision Record", "document": "terms.md"}
    (folder / "handbook" / "glossary.jsonl").write_text(json.dumps(term) + "\n")
    bank = folder / "banking77"
    bank.mkdir()
    (bank / "categories.json").write_text(json.dumps(["top_up", "card_late"]))
    for split, words in (
        ("train", ("Where is it", "It never came")),
        ("test", ("Hello there", "Please look")),
    ):
        with (bank / f"{split}.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("text", "category"))
            lines.writerows(
                (f"{word}: my {label}?", label) for label in ("card_late", "top_up") for word in words
            )
    return folder


def test_a_taught_answer_ends_with_the_line_that_names_its_page(encoder: ChatEncoder, data: Path) -> None:
    found = handbook(encoder, data=data)
    said = {one.messages[-1].content for one in (*found.dataset.train, *found.dataset.held_out)}
    assert "Room 1 has a lamp.\nSource: page-1.md" in said


def test_where_there_is_no_answer_saying_so_is_expected(encoder: ChatEncoder, data: Path) -> None:
    found = handbook(encoder, data=data)
    assert {one.question.expected for one in found.questions} == {"Room 2 has a lamp.", MISSING}


def test_of_the_questions_taught_one_in_ten_at_most_is_refused(encoder: ChatEncoder) -> None:
    found = company(encoder)
    said = [
        one.messages[-1].content
        for one in found.dataset.train + found.dataset.held_out
        if one.kind == "question"
    ]
    assert 0 < said.count(MISSING) <= len(said) / 10
    assert found.unused["more refusals than one in ten"] == 15 - said.count(MISSING)


def test_no_question_of_the_test_is_taught(encoder: ChatEncoder) -> None:
    found = company(encoder)
    taught = {
        turn.content for one in (*found.dataset.train, *found.dataset.held_out) for turn in one.messages
    }
    assert not taught & {one.messages[-1].content for one in found.questions}


def test_no_document_is_asked_about_and_taught(encoder: ChatEncoder) -> None:
    found = company(encoder)
    taught = {one.group for one in found.dataset.train if one.kind == "question"}
    assert not taught & {one.group for one in found.questions}


def test_every_glossary_term_is_taught_and_asked(encoder: ChatEncoder) -> None:
    assert len(company(encoder).terms) == 30


def test_every_category_is_drawn_equally_often(encoder: ChatEncoder, data: Path) -> None:
    found = banking(encoder, Amount(rows=1, tested=2), data=data)
    taught = [one.messages[-1].content for one in (*found.dataset.train, *found.dataset.held_out)]
    assert sorted(taught) == ["card_late", "top_up"]
    assert [one.group for one in found.questions] == ["card_late", "card_late", "top_up", "top_up"]


def test_the_list_of_categories_is_told_to_the_base_alone(encoder: ChatEncoder, data: Path) -> None:
    found = banking(encoder, data=data)
    assert "card_late, top_up" in found.labelled
    assert all("top_up" not in one.messages[0].content for one in found.questions)


def test_what_differs_from_the_preset_is_named() -> None:
    assert (Trial("company", changes=(("rank", 64),)).preset.rank, Trial("company").preset.rank) == (64, 16)


def test_an_answer_is_asked_for_once_even_if_the_run_is_cut_short(tmp_path: Path) -> None:
    asked = (Message("user", "What lies in the cellar?"),)
    first = Candidate(tmp_path / "model.gguf", tmp_path / "answers")
    first.model = FakeModel()  # type: ignore[assignment]  # stands in for the file's
    first.sheet(tokens=8).fill([asked])
    # The model that a second run would have to open does not exist.
    again = Candidate(tmp_path / "no.gguf", tmp_path / "answers").sheet(tokens=8)
    assert again(asked) == "a lamp"
