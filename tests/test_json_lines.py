"""Files of JSON lines: rows in order, every fault by its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel, Field, NonNegativeInt, model_validator

from ragraft.errors import UserError
from ragraft.json_lines import filled_lines, first_few, read_json_lines

HINT = "a line must have a name"


class Person(BaseModel):
    """A row as these files have it."""

    name: str = Field(min_length=1)
    age: int = Field(default=0, ge=0)
    visits: list[NonNegativeInt] = []

    @model_validator(mode="after")
    def _is_no_stranger(self) -> Self:
        if self.name == "stranger":
            raise ValueError("nobody is called stranger")
        return self


def read(path: Path, text: str, **given: Any) -> list[tuple[int, str]]:
    path.write_text(text, encoding="utf-8", newline="")
    return read_json_lines(
        path,
        Person,
        lambda person, number: (number, person.name),
        things="people",
        hint=HINT,
        **given,
    )


def faults(path: Path, text: str, **given: Any) -> str:
    """Return what is said of a file that is wrong, without its path."""
    with pytest.raises(UserError) as caught:
        read(path, text, **given)
    assert caught.value.hint == HINT
    return str(caught.value).removeprefix(f"{path} is wrong: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.jsonl"


def test_rows_come_in_order_with_the_numbers_of_their_lines(path: Path) -> None:
    assert read(path, '\n{"name": "b"}\n \n{"name": "a"}') == [(2, "b"), (4, "a")]


def test_a_mark_of_byte_order_and_ends_of_lines_as_windows_has_them_are_no_faults(path: Path) -> None:
    assert read(path, '\ufeff{"name": "a"}\r\n{"name": "b"}\r\n') == [(1, "a"), (2, "b")]


def test_signs_that_python_takes_for_ends_of_lines_stay_in_a_row(path: Path) -> None:
    name = "a\u2028b\u0085c"
    assert read(path, f'{{"name": "{name}"}}') == [(1, name)]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "line 2: Invalid JSON: EOF while parsing an object at column 1"),
        ("[]", "line 2: Input should be an object"),
        ("{}", "line 2: name: Field required"),
        ('{"name": "a", "visits": [1, -1]}', "line 2: visits.1: Input should be greater than or equal to 0"),
        ('{"name": "stranger"}', "line 2: nobody is called stranger"),
        (
            '{"age": -1}',
            "line 2: name: Field required; line 2: age: Input should be greater than or equal to 0",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_its_key(path: Path, row: str, fault: str) -> None:
    assert faults(path, f'{{"name": "a"}}\n{row}\n{{"name": "b"}}') == fault


def test_five_faults_are_told_and_the_others_counted(path: Path) -> None:
    told = faults(path, "{}\n" * 8)
    assert told.endswith("line 5: name: Field required (and 3 more)")


def test_the_same_id_twice_is_a_fault_beside_those_of_lines(path: Path) -> None:
    rows = '{"name": "a"}\n{"name": "b"}\n{}\n{"name": "a"}\n{"name": "a"}'
    assert faults(path, rows, id_of=lambda one: one[1]) == (
        "line 3: name: Field required; the id 'a' is used more than once"
    )


def test_things_without_ids_may_be_equal(path: Path) -> None:
    assert len(read(path, '{"name": "a"}\n{"name": "a"}')) == 2


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_rows_is_refused(path: Path, text: str) -> None:
    assert faults(path, text) == f"{path} has no people"


@pytest.mark.parametrize("content", [None, b'{"name": "\xe4"}'], ids=["none", "latin-1"])
def test_a_file_that_cannot_be_read_is_refused(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read") as caught:
        read_json_lines(path, Person, lambda person, _number: person, things="people", hint=HINT)
    assert caught.value.hint == "it must be a file in UTF-8"


def columns(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    return ((number, dict([line.split("=")])) for number, line in filled_lines(text))


def test_rows_of_another_form_of_file_are_read_by_column(path: Path) -> None:
    assert read(path, "name=a\n\nname=b\n", rows=columns) == [(1, "a"), (3, "b")]


def test_a_fault_of_a_row_by_column_is_told_with_its_line(path: Path) -> None:
    assert faults(path, "name=a\n\nage=3\n", rows=columns) == "line 3: name: Field required"


@pytest.mark.parametrize(
    ("texts", "said"), [("", ""), ("ab", "a; b"), ("abc", "a; b; c"), ("abcde", "a; b; c (and 2 more)")]
)
def test_texts_past_the_first_few_are_counted(texts: str, said: str) -> None:
    assert first_few(texts, most=3) == said
