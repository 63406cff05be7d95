"""Which passages a question is tuned on: those that hold its evidence, and none that might answer it as negatives."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from retriever_world import search_of

from ragraft.access.labels import OWNER
from ragraft.systems import Workbench
from ragraft.tune.retriever_mining import Mined, mine_pairs, questions_of
from ragraft.types import Evidence, Example, Message, Question, Source
from small_world import add_files

LEAVE = "Every employee has thirty days of annual leave in a year."
PAGES = {
    "leave.md": f"# Leave\n\n{LEAVE}",
    "copy.md": f"# Leave again\n\n{LEAVE} Ask.",
    "sick.md": "# Sick leave\n\nEvery employee who is ill tells the office about his leave in a day.",
    "soup.md": "# Soup\n\nThe soup of the day costs four francs and has leeks.",
}


@pytest.fixture
def pages(bench: Workbench, tmp_path: Path) -> Workbench:
    add_files(bench, tmp_path / "pages", PAGES, "staff")
    return bench


def mined(bench: Workbench, *questions: Question) -> Mined:
    with closing(search_of(bench)) as search:
        return mine_pairs(
            questions, database=bench.database, retriever=search, embedder=bench.embedder, caller=OWNER
        )


def asked(quote: str, document: str = "leave.md", expected: str = "thirty days") -> Question:
    return Question(
        "q", "How many days of annual leave?", expected, (), (Evidence(document, quote),), "number"
    )


def uris(found: Mined, numbers: tuple[int, ...]) -> list[str]:
    return [found.places[number][0] for number in numbers]


def test_the_right_passage_is_the_one_that_holds_the_evidence(pages: Workbench) -> None:
    found = mined(pages, asked("thirty days of annual leave"))
    assert uris(found, found.pairs[0].positives) == ["leave.md"]


def test_emphasis_and_line_ends_do_not_hide_the_evidence(pages: Workbench) -> None:
    assert mined(pages, asked("thirty\ndays of **annual** leave")).unplaced == ()


def test_a_copy_of_the_evidence_is_no_negative(pages: Workbench) -> None:
    found = mined(pages, asked(LEAVE))
    assert "copy.md" not in uris(found, found.pairs[0].negatives)


def test_what_search_finds_beside_it_is_a_negative(pages: Workbench) -> None:
    found = mined(pages, asked(LEAVE))
    assert "soup.md" in uris(found, found.pairs[0].negatives)


def test_a_passage_as_near_as_the_right_one_is_no_negative(pages: Workbench) -> None:
    """By its words the sick leave page is nearer to this question than the page that holds the evidence."""
    near = Question(
        "q", "Every employee who is ill tells the office about his leave", "francs", (),
        (Evidence("soup.md", "four francs"),), "",
    )  # fmt: skip
    found = mined(pages, near)
    assert "sick.md" not in uris(found, found.pairs[0].negatives)


def test_documents_that_passages_are_of_are_noted(pages: Workbench) -> None:
    found = mined(pages, asked(LEAVE))
    with pages.database.transaction(OWNER, read_only=True) as connection:
        known = dict(connection.execute("select uri, id from document").fetchall())
    used = {found.places[number][0] for number in (*found.pairs[0].positives, *found.pairs[0].negatives)}
    assert dict(found.sources) == dict.fromkeys((known[uri] for uri in used), 1)


def example(answer: str, *documents: str, kind: str = "question") -> Example:
    turns = (Message("user", "How many days of leave?"), Message("assistant", answer))
    return Example("e", kind, turns, "g", tuple(Source(uri, 1) for uri in documents))


def test_an_examples_passage_is_the_one_that_says_most_of_its_answer(pages: Workbench) -> None:
    (question,) = questions_of([example("Thirty days of annual leave every year", "leave.md")])
    found = mined(pages, question)
    assert uris(found, found.pairs[0].positives) == ["leave.md"]


def test_an_example_whose_document_does_not_say_so_is_left_out(pages: Workbench) -> None:
    (question,) = questions_of([example("Nobody may sleep in the basement", "leave.md")])
    assert [one.reason for one in mined(pages, question).unplaced] == [
        "no passage of its document holds the evidence"
    ]


def test_examples_of_no_document_or_of_another_kind_ask_nothing() -> None:
    assert questions_of([example("x"), example("x", "leave.md", kind="edit")]) == []
