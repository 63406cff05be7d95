"""Question files: both forms, every fault by its line; and when an answer holds what was expected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.errors import UserError
from ragraft.questions import holds_answer, is_answer, read_questions, says_no_answer, token_f1
from ragraft.types import Evidence, Question


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def lines(path: Path, *rows: object) -> Path:
    return written(path / "q.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def expecting(answer: str, *aliases: str) -> Question:
    return Question("1", "What?", answer, aliases, (), "")


def test_a_line_gives_a_question(tmp_path: Path) -> None:
    row = {
        "id": 7, "question": "What may a hotel cost?", "answer": "EUR 135", "answer_aliases": ["135 euros"],
        "evidence": [{"document": "travel.md", "quote": "EUR 135"}], "kind": "number", "split": "test",
    }  # fmt: skip
    assert read_questions(lines(tmp_path, row)) == [
        Question(
            "7",
            "What may a hotel cost?",
            "EUR 135",
            ("135 euros",),
            (Evidence("travel.md", "EUR 135"),),
            "number",
        )
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Why?"},
        {"question": "Why?", "answer": " "},
        {"question": "Why?", "answer": "Because.", "answer_aliases": ["so"], "kind": "unanswerable"},
    ],
)
def test_a_question_without_an_answer_is_unanswerable(tmp_path: Path, row: dict[str, object]) -> None:
    (found,) = read_questions(lines(tmp_path, row))
    assert (found.answerable, found.expected, found.aliases) == (False, "", ())


def test_a_csv_gives_questions(tmp_path: Path) -> None:
    text = '\ufeffquestion,answer,note\r\n"What, then?","EUR 1,500",x\r\n"Two\r\nlines?",\r\nWhy?\r\n'
    found = read_questions(written(tmp_path / "q.CSV", text))
    assert [(one.text, one.expected, one.answerable) for one in found] == [
        ("What, then?", "EUR 1,500", True),
        ("Two\nlines?", "", False),
        ("Why?", "", False),
    ]


def test_a_question_without_an_id_is_named_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", '\n{"question": "One?"}\n\n{"question": "Two?", "id": "b"}')
    assert [one.id for one in read_questions(path)] == ["line-2", "b"]


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    text = "\n".join(
        ['{"question": "One?"}', "", "{", '{"question": "", "answer": 7}', "[]", '{"answer": "x"}']
    )
    with pytest.raises(UserError) as caught:
        read_questions(written(tmp_path / "q.jsonl", text))
    for word in (
        "line 3: Invalid JSON",
        "line 4: question:",
        "line 4: answer:",
        "line 5:",
        "line 6: question",
    ):
        assert word in str(caught.value)
    assert "line 1" not in str(caught.value)
    assert "question" in (caught.value.hint or "")


def test_a_fault_in_a_csv_is_named_by_the_line_of_the_file(tmp_path: Path) -> None:
    text = 'question,answer\n"one\ntwo?",x\n,x\n'
    with pytest.raises(UserError, match="line 4: question"):
        read_questions(written(tmp_path / "q.csv", text))


def test_the_same_id_twice_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the id 'a' is used more than once"):
        read_questions(lines(tmp_path, {"id": "a", "question": "x"}, {"id": "a", "question": "y"}))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.jsonl", b"", "has no questions"),
        ("q.jsonl", b"\n \n", "has no questions"),
        ("q.csv", b"question,answer\n", "has no questions"),
        ("q.jsonl", b"\xff\xfe\x00", "cannot be read"),
        ("q.csv", b"frage,antwort\nWas?,Das\n", "line 2: question: Field required"),
        ("q.csv", b"question\n" + b"x" * 200_000, "is no CSV file: field larger"),
    ],
)
def test_a_file_that_is_none_is_the_users_to_mend(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_questions(path)
    assert caught.value.hint


def test_a_file_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs EUR 135 per night. [1]", "EUR 135"),
        ("It costs EUR  135.", "eur 135"),
        ("It is 1,500.50 in all.", "1,500.50"),
        ("It is 5% of it.", "5 %"),
        ("It is $20.", "$ 20"),
        ("It is €20.", "€20"),
        ("On 2026-06-01.", "2026-06-01"),
        ("At 10:30.", "10:30"),
        ("In the Hamburg office.", "Hamburg office"),
        ("In Hamburg office", "the Hamburg Office."),
        ("Die Straße heißt Größweg.", "strasse heisst Gro\u0308ßweg"),
        ("“Annual leave”", '"annual leave"'),
        ("It rose by +5 %.", "5 %"),
        ("It rose by 5 %.", "+5%"),
        ("It is −5 °C there.", "-5 °C"),
        ("It is minus 5 °C there.", "–5 °C"),
        ("Between (-5) and +10.", "−5"),
        ("A loss: -EUR 1,500 in all.", "EUR -1,500"),
        ("A loss: -$20 in all.", "$-20"),
        ("It is 5 +/- 1 mm.", "5 ± 1 mm"),
        ("It takes 3-5 days.", "5 days"),
        ("It takes 3 – 5 days.", "3-5 days"),
        ("It takes 3 –5 days.", "3-5 days"),
        ("From 5%-10%.", "10 %"),
        ("From 5 €-10 €.", "10 €"),
        ("The HC-125.", "HC 125"),
        ("From 5.-7. June.", "7. June"),
        ("- 5 apples\n- 3 pears", "5 apples"),
    ],
)
def test_an_answer_holds_what_was_expected(text: str, expected: str) -> None:
    assert holds_answer(text, expecting(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs EUR 1350.", "EUR 135"),
        ("It costs EUR 1,135.", "135"),
        ("It costs EUR 135.50.", "EUR 135"),
        ("It costs 0.5.", "5"),
        ("It costs 50 %.", "5 %"),
        ("It costs EUR 20.", "$20"),
        ("At 10:30.", "10"),
        ("The grosse.", "gross"),
        ("uber", "über"),
        ("135 or EUR", "EUR 135"),
        ("It is -5.", "5"),
        ("It is −5 %.", "+5 %"),
        ("It is 5.", "-5"),
        ("It is 3-5.", "-5"),
        ("It is minus 5.", "5"),
        ("It is -$20.", "$20"),
        ("It is -EUR 20.", "EUR 20"),
        ("It is ±5 mm.", "5 mm"),
        ("It is 5 mm.", "±5 mm"),
        ("", "EUR 135"),
        ("Anything.", ""),
        ("Anything.", "..."),
    ],
)
def test_an_answer_does_not_hold_what_it_only_resembles(text: str, expected: str) -> None:
    assert not holds_answer(text, expecting(expected))


def test_an_alias_will_do() -> None:
    assert holds_answer("It is one hundred.", expecting("100", "one hundred", ""))


@pytest.mark.parametrize(
    ("text", "expected", "f1"),
    [
        ("EUR 135", "EUR 135", 1.0),
        ("The EUR 135!", "a eur 135", 1.0),
        ("It costs EUR 135", "EUR 135", 2 / 3),
        ("EUR EUR 135", "EUR 135", 4 / 5),
        ("EUR 150", "EUR 135", 1 / 2),
        ("none of it", "EUR 135", 0.0),
        ("", "EUR 135", 0.0),
        ("x", "", 0.0),
        ("größe", "GRÖSSE", 1.0),
        ("-5", "5", 0.0),
        ("+5", "5", 1.0),
    ],
)
def test_f1_counts_the_words_that_are_shared(text: str, expected: str, f1: float) -> None:
    assert token_f1(text, expecting(expected)) == pytest.approx(f1)


def test_f1_is_that_of_the_best_alias() -> None:
    assert token_f1("one hundred", expecting("100", "one hundred")) == 1.0


@given(st.text(max_size=40), st.text(max_size=10))
def test_every_text_has_an_f1_and_one_if_it_is_the_answer(text: str, expected: str) -> None:
    assert 0 <= token_f1(text, expecting(expected)) <= 1
    if holds_answer(text, expecting(text)):
        assert token_f1(text, expecting(text)) == 1.0


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("Thirty days", True),
        ("the thirty days.", True),
        ("30 days!", True),
        ("It is thirty days.", False),
        ("thirty", False),
        ("", False),
    ],
)
def test_an_exact_answer_is_the_expected_one_and_nothing_else(text: str, exact: bool) -> None:
    question = Question("1", "How long is leave?", "thirty days", ("30 days",), (), "")
    assert is_answer(text, question) is exact


def test_nothing_is_no_exact_answer_to_what_cannot_be_answered() -> None:
    assert not is_answer("", Question("1", "How long is leave?", "", (), (), "unanswerable"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("The passages do not answer this question.", True),
        ("The document doesn’t mention a price.", True),
        ("That is not stated.", True),
        ("I don't know.", True),
        ("There is no information about it.", True),
        ("I cannot find it.", True),
        ("Leave is thirty days.", False),
        ("No, you may not carry it over.", False),
        ("Do tell your manager.", False),
        ("", False),
    ],
)
def test_a_text_may_say_that_the_answer_is_not_there(text: str, says: bool) -> None:
    assert says_no_answer(text) is says
