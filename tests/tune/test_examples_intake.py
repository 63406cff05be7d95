"""From files to kept examples: every row is accounted for, and nothing personal is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_world import intake, lines, question, store

from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError
from ragraft.systems import Workbench
from ragraft.types import Question
from small_world import add_files, label, member


def test_every_row_is_kept_or_rejected_with_its_place_and_reason(bench: Workbench, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "rows.jsonl",
        question(1),
        "{broken",
        {"question": "And?", "answer": " "},
        {"colour": "grey"},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hello"}]},
        {"question": {"not": "a text"}, "answer": "x"},
        question(2),
        question(1),
    )
    report = intake(bench).add([path], caller=OWNER)
    reasons = {one.row.rpartition(":")[2]: one.reason for one in report.rejected}
    assert report.kept + len(report.rejected) == 8
    assert (report.kept, report.duplicates) == (2, 1)
    assert list(reasons) == ["2", "3", "4", "5", "6", "8"]
    assert reasons["3"] == "the answer is empty"
    assert reasons["5"] == "it does not end with the assistant's answer"
    assert reasons["6"] == "question: input should be a valid string"
    assert reasons["8"] == f"duplicate of {path.as_posix()}:1"


def test_a_reason_never_quotes_the_row(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", {"question": ["Geheimnis"], "answer": "Geheimnis"})
    report = intake(bench).add([path], caller=OWNER)
    assert "Geheimnis" not in report.rejected[0].reason


def test_adding_again_adds_what_is_new(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", question(1))
    first = intake(bench).add([path], caller=OWNER)
    lines(path, question(1), question(2))
    second = intake(bench).add([path], caller=OWNER)
    assert (second.kept, second.duplicates) == (1, 1)
    assert first.fingerprint != second.fingerprint
    assert intake(bench).add([path], caller=OWNER).fingerprint == second.fingerprint


def test_a_row_that_asks_an_evaluation_question_is_rejected(bench: Workbench, tmp_path: Path) -> None:
    avoid = [Question("q1", question(1)["question"], "", (), (), "")]
    report = intake(bench).add(
        [lines(tmp_path / "rows.jsonl", question(1), question(27))], caller=OWNER, avoid=avoid
    )
    assert [one.reason for one in report.rejected] == ["near-duplicate of the evaluation question q1 (1.00)"]


def test_a_row_longer_than_the_window_is_rejected(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", {"question": "And?", "answer": "word " * 100}, question(1))
    report = intake(bench, window=80).add([path], caller=OWNER)
    assert report.kept == 1
    assert "the window has 80" in report.rejected[0].reason


def test_a_term_is_one_row_and_several_examples(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "terms.jsonl", {"term": "PT services", "meaning": "physical therapy services"})
    report = intake(bench).add([path], caller=OWNER)
    assert (report.kept, report.examples, report.kinds) == (1, 12, {"term": 12})


def test_personal_data_is_replaced_before_anything_is_stored(bench: Workbench, tmp_path: Path) -> None:
    row = {
        "question": "Who is Irena Pokorná?",
        "answer": "Pokorná leads finance: irena.pokorna@firm.example.",
    }
    report = intake(bench, redact=True).add([lines(tmp_path / "rows.jsonl", row)], caller=OWNER)
    (kept,) = store(bench).examples(OWNER)
    text = " ".join(turn.content for turn in kept.example.messages).casefold()
    assert "irena" not in text
    assert "pokorn" not in text
    assert {"EMAIL_ADDRESS", "PERSON"} <= set(report.redacted)


def test_without_redaction_examples_are_kept_as_they_are(bench: Workbench, tmp_path: Path) -> None:
    row = {"question": "Who is Irena Pokorná?", "answer": "She leads finance."}
    intake(bench).add([lines(tmp_path / "rows.jsonl", row)], caller=OWNER)
    assert store(bench).examples(OWNER)[0].example.messages[0].content == "Who is Irena Pokorná?"


def test_terms_of_the_files_and_titles_of_documents_are_no_persons(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# Anna Manual\n\nHow to use it."}, "everyone")
    words: list[str] = []
    asking = intake(bench)
    asking._open_redactor = lambda allow: words.extend(allow)  # type: ignore[assignment,func-returns-value]  # noted only
    asking.add([lines(tmp_path / "t.jsonl", {"term": "Emma", "meaning": "Emergency manual"})], caller=OWNER)
    assert {"Emma", "Emergency manual", "Anna Manual"} <= set(words)


def test_an_interrupted_addition_leaves_nothing(bench: Workbench, tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        intake(bench).add(
            [lines(tmp_path / "rows.jsonl", *map(question, range(3)))], caller=OWNER, on_row=stop
        )
    assert store(bench).examples(OWNER) == []


def test_a_document_that_the_library_lacks_is_named(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", question(1, document="gone.md"))
    assert intake(bench).add([path], caller=OWNER).unknown_documents == ("gone.md",)


def test_only_the_owner_adds(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotAllowedError):
        intake(bench).add([lines(tmp_path / "rows.jsonl", question(1))], caller=member("finance"))
    assert store(bench).examples(OWNER) == []


def test_what_was_added_is_on_record_without_a_name(bench: Workbench, tmp_path: Path) -> None:
    intake(bench).add([lines(tmp_path / "secret-name.jsonl", question(1))], caller=OWNER, groups=label("hr"))
    entry = bench.audit.entries(limit=1)[0]
    assert entry.action == "examples added"
    assert "secret-name" not in str(entry.detail)
