"""Changes files: read, applied to texts, and what they touch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ragraft.compare.changes import Change, Row, changed_text, changes_with_uris, read_changes, untouched
from ragraft.errors import UserError
from ragraft.types import AccessLabel, Evidence, Question

UPDATE = {
    "id": "kasse",
    "kind": "update",
    "document": "travel.md",
    "old": "We pay EUR 0.30\nper kilometre.",
    "new": "We pay EUR 0.38 per kilometre.",
    "question": "What do I get per km?",
    "answer_before": "EUR 0.30",
    "answer_after": "EUR 0.38",
}
DELETE = {
    "kind": "delete",
    "document": "travel.md",
    "old": "Trains go first class.",
    "question": "Which class on trains?",
    "answer_before": "first class",
    "answer_after": "not in the documents",
}
ADD = {
    "kind": "add",
    "document": "travel.md",
    "after": "# Travel",
    "new": "\n\nBook a week ahead.",
    "question": "How early do I book?",
    "answer_after": "A week ahead",
}
TEXT = "# Travel\n\nWe pay EUR 0.30\nper kilometre. Trains go first class.\n"


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "changes.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def change(folder: Path, row: dict[str, Any], **other: Any) -> Change:
    return read_changes(write(folder, row | other))[0]


def question(text: str = "Who?", *evidence: Evidence) -> Question:
    return Question("q", text, "me", (), evidence, "")


def test_each_kind_is_read_with_its_question_before_and_after(tmp_path: Path) -> None:
    update, delete, add = read_changes(write(tmp_path, UPDATE, DELETE, ADD))
    assert (update.before.expected, update.now.expected) == ("EUR 0.30", "EUR 0.38")
    assert (delete.before.expected, delete.now.answerable) == ("first class", False)
    assert (add.before.answerable, add.now.expected) == (False, "A week ahead")
    assert [one.id for one in (update, delete, add)] == ["kasse", "line-2", "line-3"]


def test_further_wordings_and_who_may_read_a_new_document_are_read(tmp_path: Path) -> None:
    found = change(tmp_path, ADD, aliases_after=["seven days"], groups=["travellers"])
    assert "seven days" in found.now.aliases
    assert found.label == AccessLabel(frozenset({"travellers"}))


def test_unknown_keys_and_empty_lines_are_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path, UPDATE | {"note": "by finance"})
    path.write_text("\n" + path.read_text() + "\n\n")
    assert len(read_changes(path)) == 1


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (UPDATE | {"new": ""}, "line 1: an update needs new"),
        (UPDATE | {"old": " ", "answer_after": ""}, "line 1: an update needs old, an update needs answer_after"),
        (UPDATE | {"answer_after": "EUR 0.30"}, "line 1: answer_before and answer_after are the same"),
        (DELETE | {"new": "x"}, "line 1: a delete has no new"),
        (DELETE | {"answer_before": ""}, "line 1: a delete needs answer_before"),
        (ADD | {"old": "x"}, "line 1: an add has no old"),
        (UPDATE | {"kind": "edit"}, "line 1: kind: Input should be 'update', 'delete' or 'add'"),
        (UPDATE | {"document": ""}, "line 1: document: String should have at least 1 character"),
        (ADD | {"groups": ["*"]}, "line 1: groups.0: String should match pattern"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(tmp_path: Path, row: dict[str, Any], fault: str) -> None:
    with pytest.raises(UserError) as caught:
        read_changes(write(tmp_path, row))
    assert fault in str(caught.value)
    assert "docs/reference/changes.md" in (caught.value.hint or "")


def test_ids_that_are_used_twice_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the id 'kasse' is used more than once"):
        read_changes(write(tmp_path, UPDATE, UPDATE))


def test_a_file_without_changes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no changes"):
        read_changes(write(tmp_path))


def test_an_update_puts_the_new_text_in_the_place_of_the_old(tmp_path: Path) -> None:
    changed = changed_text(TEXT, change(tmp_path, UPDATE))
    assert changed == "# Travel\n\nWe pay EUR 0.38 per kilometre. Trains go first class.\n"


def test_a_deletion_takes_the_old_text_out(tmp_path: Path) -> None:
    assert changed_text(TEXT, change(tmp_path, DELETE)) == "# Travel\n\nWe pay EUR 0.30\nper kilometre. \n"


def test_an_addition_stands_behind_its_place(tmp_path: Path) -> None:
    assert changed_text(TEXT, change(tmp_path, ADD)).startswith("# Travel\n\nBook a week ahead.\n\nWe pay")


def test_an_addition_without_a_place_stands_at_the_end(tmp_path: Path) -> None:
    changed = changed_text(TEXT, change(tmp_path, ADD, after=""))
    assert changed.endswith("Trains go first class.\n\nBook a week ahead.")


def test_a_stretch_that_differs_in_white_space_is_found(tmp_path: Path) -> None:
    found = change(tmp_path, UPDATE, old="We pay  EUR 0.30 per kilometre.")
    assert "EUR 0.38" in changed_text(TEXT, found)


def test_signs_of_regular_expressions_are_letters(tmp_path: Path) -> None:
    found = change(tmp_path, UPDATE, old="a. (b)*", new=r"\1 c")
    assert changed_text("abb a. (b)* d", found) == r"abb \1 c d"


def test_a_stretch_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="“We paid” does not stand in it"):
        changed_text(TEXT, change(tmp_path, UPDATE, old="We paid"))


def test_a_stretch_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stands in it 2 times"):
        changed_text(TEXT + TEXT, change(tmp_path, DELETE))


def test_documents_are_named_as_the_library_does(tmp_path: Path) -> None:
    changes = read_changes(write(tmp_path, UPDATE, DELETE | {"document": "other.md"}))
    named = changes_with_uris(changes, {"travel.md": "docs/travel.md"})
    assert [one.document for one in named] == ["docs/travel.md", "other.md"]


@pytest.mark.parametrize(
    ("asked", "stays"),
    [
        (question("Who?", Evidence("travel.md", "Trains go first class.")), True),
        (question("Who?", Evidence("travel.md", "pay EUR 0.30 per kilometre")), False),
        (question("Who?", Evidence("travel.md", "# Travel\n\nWe pay EUR 0.30 per")), False),
        (question("Who?", Evidence("other.md", "We pay EUR 0.30 per kilometre.")), True),
        (question("Who?", Evidence("other.md", "x"), Evidence("travel.md", "EUR 0.30")), False),
        (question("what do i get  per km?"), False),
        (question("What is the Wi-Fi password?"), True),
    ],
)
def test_a_question_is_untouched_unless_a_change_is_about_it(
    tmp_path: Path, asked: Question, *, stays: bool
) -> None:
    assert untouched([asked], [change(tmp_path, UPDATE)]) == ([asked] if stays else [])


def test_every_question_about_a_document_that_goes_is_touched(tmp_path: Path) -> None:
    asked = question("Who?", Evidence("travel.md", "We pay EUR 0.30"))
    assert untouched([asked], [change(tmp_path, DELETE, old="")]) == []


def test_the_handbooks_changes_are_read_and_all_fit_their_pages(shared_data: Path) -> None:
    changes = read_changes(shared_data / "handbook" / "changes.jsonl")
    texts: dict[str, str] = {}
    for one in changes:
        text = texts.get(one.document) or (shared_data / "handbook" / "documents" / one.document).read_text()
        texts[one.document] = changed_text(text, one)
    kinds = [one.kind for one in changes]
    assert [kinds.count(kind) for kind in ("update", "delete", "add")] == [24, 12, 12]


def page() -> str:
    return (Path(__file__).parents[2] / "docs" / "reference" / "changes.md").read_text(encoding="utf-8")


def test_the_example_of_the_reference_is_a_file_with_each_kind(tmp_path: Path) -> None:
    example = page().split("```text\n", 1)[1].split("```", 1)[0]
    path = tmp_path / "changes.jsonl"
    path.write_text(example, encoding="utf-8")
    assert [one.kind for one in read_changes(path)] == ["update", "delete", "add"]


def test_the_reference_names_every_key() -> None:
    named = set(
        re.findall(r"`(\w+)`", "".join(line for line in page().splitlines() if line.startswith("| `")))
    )
    assert set(Row.model_fields) <= named
