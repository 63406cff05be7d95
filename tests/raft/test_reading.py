"""Rows of reading sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from raft_world import EVERYONE, THINGS, fee, quotes, rule, said, shown

from ragraft.errors import UserError
from ragraft.models.fake import FakeChatModel
from ragraft.raft.reading import reading_rows
from ragraft.raft.rows import Rows
from ragraft.tune.wording import REFUSAL

READING = Path(__file__).parents[2] / "../shared/data/reading"
FILLER = "The town has a mayor, a baker, two wells and a wall that nobody has climbed for a hundred years. "


def line(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "question": f"How many coins does the {THINGS[number]} cost?",
        "passage": rule(number).chunk.text,
        "answer": f"{100 + number}",
        "answerable": True,
        "title": f"On the {THINGS[number]}",
        "group": THINGS[number],
        **changed,
    }


def rows_of(folder: Path, lines: list[dict[str, Any]], **changed: Any) -> Rows:
    path = folder / "small.train.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    given: dict[str, Any] = {"count": 100, "seed": 0, "model": FakeChatModel(window=8192), "refusals": 0.0}
    return reading_rows(path, **{**given, **changed})


def test_answers_quote_the_sentence_that_holds_them(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [line(n) for n in range(10)])
    assert len(rows.answered) == 10
    for row in rows.answered:
        [(words, cited), *_] = quotes(row)
        assert words in shown(row)[cited - 1]
        assert words == fee(THINGS.index(row.group))


def test_of_two_places_the_one_is_quoted_that_is_about_the_question(tmp_path: Path) -> None:
    text = f"The guard earns 101 crowns a year. {FILLER}{fee(1)}"
    (row,) = rows_of(tmp_path, [line(1, passage=text)]).answered
    assert quotes(row)[0][0] == fee(1)


def test_a_number_inside_another_is_no_place(tmp_path: Path) -> None:
    text = f"How many coins the bridge cost in the year 1013, nobody knows. {fee(1)}"
    (row,) = rows_of(tmp_path, [line(1, passage=text)]).answered
    assert quotes(row)[0][0] == fee(1)


def test_passages_are_cut_between_sentences(tmp_path: Path) -> None:
    text = FILLER * 8 + fee(2) + " " + FILLER * 8
    (row,) = rows_of(tmp_path, [line(2, passage=text)], characters=300).answered
    texts = [block.split("\n", 1)[1] for block in shown(row)]
    assert all(len(block) <= 300 and block.endswith(".") for block in texts)


def test_a_passage_without_the_answer_is_among_those_of_its_question(tmp_path: Path) -> None:
    none = line(3, question="Who repairs wood in winter?", answer=None, answerable=False)
    others = [line(n) for n in range(10) if n != 3]
    rows = rows_of(tmp_path, [none, *others], refusals=0.5, count=10, passages=1)
    (row,) = [one for one in rows.refused if "Who repairs" in one.messages[1].content]
    assert said(row) == REFUSAL
    assert any(rule(3).chunk.text in text for text in shown(row))


def test_refusals_are_of_both_kinds_and_of_the_share(tmp_path: Path) -> None:
    without = [
        line(n, question=f"Who owns the {THINGS[n]}?", answer=None, answerable=False) for n in range(10)
    ]
    rows = rows_of(tmp_path, [*without, *(line(n) for n in range(10))], refusals=0.4, count=10)
    owned = sum("Who owns" in row.messages[1].content for row in rows.refused)
    assert len(rows.answered) == 6
    assert (owned, len(rows.refused)) == (2, 4)


def test_answers_in_the_annotators_words_are_left_out(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [line(1), line(2, extractive=False), line(3)])
    assert {row.group for row in rows.answered} == {"bridge", "donkey"}


def test_an_answer_that_stands_nowhere_is_counted(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [line(1), line(2, answer="none at all")])
    assert rows.skipped == {"it names no evidence": 1}


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    lines = [line(n) for n in range(10)]
    assert rows_of(tmp_path, lines, seed=3) == rows_of(tmp_path, lines, seed=3)


def test_rows_of_public_sets_are_everyones(tmp_path: Path) -> None:
    assert {row.label for row in rows_of(tmp_path, [line(1), line(2)]).examples} == {EVERYONE}


@pytest.mark.parametrize("text", ['{"question": "What?"}', "no JSON"])
def test_a_line_that_is_wrong_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(json.dumps(line(1)) + "\n" + text + "\n")
    with pytest.raises(UserError, match=r"wrong\.jsonl is wrong: line 2: "):
        reading_rows(path, count=1, seed=0, model=FakeChatModel())


@pytest.mark.data
@pytest.mark.parametrize("name", ["squad2-dev-half", "squadshifts-newwiki", "fairytaleqa", "timeqa-human"])
def test_the_reading_sets_make_rows_that_quote_what_they_show(name: str) -> None:
    path = READING / f"{name}.dev.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    rows = reading_rows(path, count=20, seed=1, model=FakeChatModel(window=8192), refusals=0.2)
    assert len(rows.answered) == 16
    assert rows.refused
    for row in rows.answered:
        words, _, rest = said(row).removeprefix("“").partition("” [")
        block = shown(row)[int(rest.partition("]")[0]) - 1]
        assert words in " ".join(block.split())
