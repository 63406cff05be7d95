"""`ragraft calibrate`: from your own questions to a threshold, a picture, and what it would have cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Run = Callable[..., Any]

WORDS = [
    "alder",
    "birch",
    "cedar",
    "fir",
    "hazel",
    "larch",
    "maple",
    "oak",
    "pine",
    "rowan",
    "spruce",
    "willow",
]


def err(ragraft: Run) -> str:
    """Return what the last command wrote to standard error."""
    return str(ragraft.err)  # type: ignore[attr-defined]


@pytest.fixture
def ragraft(ragraft: Run, tmp_path: Path) -> Run:
    """Run commands in a workspace with a document for each wood."""
    woods = tmp_path / "woods"
    woods.mkdir()
    for number, word in enumerate(WORDS):
        (woods / f"{word}.md").write_text(f"# {word}\n\nThe {word} board costs {number + 10} francs.\n")
    ragraft("add", woods, "--group", "everyone")
    return ragraft


def rows(answerable: int = 12, unanswerable: int = 10) -> list[dict[str, str]]:
    return [
        *(
            {"question": f"What does the {word} board cost?", "answer": f"{number + 10} francs"}
            for number, word in enumerate(WORDS[:answerable])
        ),
        *(
            {"question": f"Who painted zebra {at} yellow in Lyon?", "answer": ""}
            for at in range(unanswerable)
        ),
    ]


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return written(tmp_path / "questions.jsonl", rows())


def test_calibrating_has_its_shape(ragraft: Run, questions: Path) -> None:
    found = ragraft("calibrate", questions, "--json")
    assert set(found) == {
        "questions", "unanswerable", "refitted", "threshold", "refused", "wrongly_refused", "coverage", "risk", "picture",
    }  # fmt: skip
    assert (found["questions"], found["unanswerable"]) == (22, 10)
    assert found["refused"] == 1.0
    assert found["wrongly_refused"] <= 0.1


def test_the_next_question_is_judged_by_what_was_found(ragraft: Run, questions: Path) -> None:
    threshold = ragraft("calibrate", questions, "--json")["threshold"]
    unknown = ragraft("ask", "Who painted zebra 99 yellow in Lyon?", "--json")
    known = ragraft("ask", "What does the oak board cost?", "--json")
    assert unknown["confidence"] < threshold <= known["confidence"]
    assert (unknown["refused"], unknown["draft"], known["refused"]) == (True, "", False)


def test_a_csv_will_do(ragraft: Run, tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_text("question,answer\n" + "".join(f"{row['question']},{row['answer']}\n" for row in rows()))
    assert ragraft("calibrate", path, "--json")["questions"] == 22


def test_calibrating_twice_gives_the_same_files(ragraft: Run, questions: Path) -> None:
    picture = Path(ragraft("calibrate", questions, "--json")["picture"])
    kept = {path: path.read_bytes() for path in (picture, picture.with_name("confidence.json"))}
    ragraft("calibrate", questions)
    assert kept == {path: path.read_bytes() for path in kept}
    assert ElementTree.fromstring(kept[picture]).tag.endswith("svg")


def test_the_words_say_what_the_json_says(ragraft: Run, questions: Path) -> None:
    found = ragraft("calibrate", questions, "--json")
    out = ragraft("calibrate", questions)
    assert "22 questions, 10 of them unanswerable" in out
    assert f"refuses below confidence  {found['threshold']:.2f}" in out
    assert f"picture: {found['picture']}" in out


def test_the_setting_outranks_what_was_found(ragraft: Run, questions: Path) -> None:
    ragraft("calibrate", questions)
    Path("ragraft.toml").write_text("[answer]\nrefuse_below = 0.0\n")
    assert ragraft("ask", "Who painted zebra 99 yellow in Lyon?", "--json")["draft"] != ""


@pytest.mark.parametrize(("answerable", "unanswerable"), [(9, 10), (12, 9), (12, 0), (0, 12)])
def test_too_few_questions_are_the_users_to_mend(
    ragraft: Run, tmp_path: Path, answerable: int, unanswerable: int
) -> None:
    path = written(tmp_path / "few.jsonl", rows(answerable, unanswerable))
    ragraft("calibrate", path, code=2)
    assert f"{answerable} answerable and {unanswerable} unanswerable" in err(ragraft)
    assert "at least 10 of each" in err(ragraft)


def test_every_fault_of_a_file_is_named(ragraft: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text('{"question": ""}\n{\n{"question": "Why?", "answer": 1}\n')
    ragraft("calibrate", path, code=2)
    for words in ("line 1: question", "line 2: Invalid JSON", "line 3: answer"):
        assert words in err(ragraft)


def test_a_file_that_fails_leaves_the_confidence_there_was(
    ragraft: Run, questions: Path, tmp_path: Path
) -> None:
    picture = Path(ragraft("calibrate", questions, "--json")["picture"])
    before = {path.name: path.read_bytes() for path in picture.parent.glob("*.*") if path.is_file()}
    ragraft("calibrate", written(tmp_path / "few.jsonl", rows(3, 3)), code=2)
    assert before == {path.name: path.read_bytes() for path in picture.parent.glob("*.*") if path.is_file()}


def test_a_damaged_confidence_says_how_to_mend_it(ragraft: Run, questions: Path) -> None:
    kept = Path(ragraft("calibrate", questions, "--json")["picture"]).with_name("confidence.json")
    kept.write_text("{")
    ragraft("ask", "Why?", code=2)
    assert "delete it; `ragraft calibrate` makes a new one" in err(ragraft)
    kept.unlink()
    ragraft("calibrate", questions)
    ragraft("ask", "Why?")


def test_only_the_owner_may_calibrate(ragraft: Run, questions: Path) -> None:
    ragraft("calibrate", questions, "--as-group", "everyone", code=2)
    assert "only the owner" in err(ragraft)


def test_an_empty_library_is_the_users_to_mend(ragraft: Run, questions: Path) -> None:
    ragraft("remove", *(f"{word}.md" for word in WORDS))
    ragraft("calibrate", questions, code=2)
    assert "the library is empty" in err(ragraft)


def test_all_may_be_refused_and_then_nothing_is_answered(ragraft: Run, questions: Path) -> None:
    found = ragraft("calibrate", questions, "--wrongly-refused", 1, "--json")
    assert (found["threshold"], found["coverage"], found["risk"]) == (1.0, 0.0, 0.0)
