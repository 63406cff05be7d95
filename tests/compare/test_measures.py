"""Each measure on answers made for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking_world import BIRDS, LEAVE, LUNCH, QUESTIONS, TEXTS, cited, given, said

from ragraft.compare.evidence import evidence_places
from ragraft.compare.marks import mark_answers
from ragraft.compare.measures import HEADLINE, MEASURES
from ragraft.compare.results import Said
from ragraft.types import Question

PLACES = evidence_places(QUESTIONS, text_of=TEXTS.get)


def mark(measure: str, question: Question, text: str = "", **more: Any) -> float | None:
    answers = {"one": (said(question, text, **more),)}
    return mark_answers(answers, [question], places=PLACES)["one"][measure][question.id]


@pytest.mark.parametrize(
    ("measure", "question", "text", "expected"),
    [
        ("right", LEAVE, "You have thirty days off.", 1.0),
        ("right", LEAVE, "It is 30 days [1].", 1.0),
        ("right", LEAVE, "You have forty days off.", 0.0),
        ("right", BIRDS, "Herons.", None),
        ("handled", LEAVE, "Thirty days.", 1.0),
        ("handled", LEAVE, "The documents do not say.", 0.0),
        ("handled", BIRDS, "The documents do not say.", 1.0),
        ("handled", BIRDS, "Herons.", 0.0),
        ("exact", LEAVE, "Thirty days. [1]", 1.0),
        ("exact", LEAVE, "“Everyone has thirty days.” [1]\n\n30 days. [1]", 1.0),
        ("exact", LEAVE, "It is thirty days.", 0.0),
        ("f1", LEAVE, "thirty days", 1.0),
        ("f1", LEAVE, "thirty days or so", 2 * 2 / (4 + 2)),
        ("f1", LEAVE, "“thirty days” [1] thirty days", 2 * 2 / (5 + 2)),
        ("f1_plain", LEAVE, "“thirty days” [1] thirty days", 1.0),
        ("f1", BIRDS, "Herons.", None),
        ("answered", LEAVE, "Forty days.", 1.0),
        ("answered", LEAVE, "The passages do not say.", 0.0),
        ("answered", LEAVE, "Less than thirty days are not given.", 1.0),
        ("answered", BIRDS, "Herons.", None),
        ("abstained", BIRDS, "I do not know.", 1.0),
        ("abstained", BIRDS, "Herons.", 0.0),
        ("abstained", LEAVE, "I do not know.", None),
        ("no_invented", LEAVE, "Thirty.", 1.0),
        ("draft_right", LEAVE, "Thirty days.", 1.0),
        ("draft_right", LEAVE, "Forty days.", 0.0),
        ("draft_right", LEAVE, "", None),
        ("draft_answered", LEAVE, "I do not know.", 0.0),
        ("draft_answered", LEAVE, "Forty days.", 1.0),
        ("draft_abstained", BIRDS, "I do not know.", 1.0),
        ("draft_abstained", BIRDS, "Herons.", 0.0),
    ],
)
def test_what_is_said_is_marked(measure: str, question: Question, text: str, expected: float | None) -> None:
    assert mark(measure, question, text) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("measure", ["right", "handled", "exact", "f1", "f1_plain", "answered"])
def test_a_refusal_that_names_the_answer_is_no_answer(measure: str) -> None:
    assert mark(measure, LEAVE, "None of the passages mentions “thirty days”.", refused=True) == 0.0


def test_a_refusal_of_what_cannot_be_answered_is_right_whatever_its_words() -> None:
    assert mark("handled", BIRDS, "Nothing was found.", refused=True) == 1.0
    assert mark("abstained", BIRDS, "Nothing was found.", refused=True) == 1.0


def test_what_a_passage_says_is_an_answer_though_it_says_that_something_is_not() -> None:
    text = "Herons are not included."
    assert mark("abstained", BIRDS, text) == 1.0
    assert mark("abstained", BIRDS, text, citations=(cited("leave.md", "thirty"),)) == 0.0


def test_what_a_draft_quotes_is_not_its_own_refusal() -> None:
    assert mark("draft_abstained", BIRDS, "“Herons are not mentioned.” [1]\n\nHerons. [1]") == 0.0
    assert mark("draft_abstained", BIRDS, "“Herons nest.” [1]\n\nThe passages do not say. [1]") == 1.0


RIGHT, WRONG = cited("leave.md", "thirty"), cited("hours.md", "Lunch")


@pytest.mark.parametrize(
    ("citations", "right", "precision"),
    [((RIGHT,), 1.0, 1.0), ((WRONG,), 0.0, 0.0), ((WRONG, RIGHT), 1.0, 0.5), ((), 0.0, None)],
)
def test_citations_are_marked_by_the_evidence_that_they_touch(
    citations: tuple[Any, ...], right: float, precision: float | None
) -> None:
    assert mark("cited_right", LEAVE, "Thirty.", citations=citations) == right
    assert mark("citation_recall", LEAVE, "Thirty.", citations=citations) == right
    assert mark("citation_precision", LEAVE, "Thirty.", citations=citations) == precision


def test_recall_is_the_share_of_the_evidence() -> None:
    places = {"leave": PLACES["leave"] + PLACES["lunch"]}
    answers = {"one": (said(LEAVE, "Thirty.", citations=(RIGHT,)),)}
    marks = mark_answers(answers, [LEAVE], places=places)["one"]
    assert (marks["cited_right"]["leave"], marks["citation_recall"]["leave"]) == (1.0, 0.5)


def test_evidence_that_is_not_in_the_documents_marks_no_citation() -> None:
    answers = {"one": (said(LEAVE, "Thirty.", citations=(RIGHT,)),)}
    marks = mark_answers(answers, [LEAVE], places={})["one"]
    assert (marks["cited_right"]["leave"], marks["draft_cited"]["leave"]) == (None, None)


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("Thirty [1].", 0.0),
        ("Thirty [2].", 1.0),
        ("Thirty [1, 2].", 1.0),
        ("Thirty [3] [9].", 0.0),
        ("Thirty 2.", 0.0),
        ("", None),
    ],
)
def test_a_draft_names_the_right_passage_by_its_number(draft: str, expected: float | None) -> None:
    found = mark("draft_cited", LEAVE, draft, given=(given("hours.md"), given("leave.md")))
    assert found == expected


@pytest.mark.parametrize(
    ("sentences", "unsupported", "expected"), [(4, 1, 0.75), (1, 0, 1.0), (0, 0, None), (None, None, None)]
)
def test_sentences_supported_are_a_share_of_those_that_claim_something(
    sentences: int | None, unsupported: int | None, expected: float | None
) -> None:
    assert mark("supported", LEAVE, "Thirty.", sentences=sentences, unsupported=unsupported) == expected


def test_a_number_that_names_no_passage_is_made_up() -> None:
    assert mark("no_invented", LEAVE, "Thirty.", invented=1) == 0.0


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_a_failure_has_the_worst_mark_where_the_measure_applies(measure: str, question: Question) -> None:
    answers = {
        "failed": (Said(question.id, failure="it broke"),),
        "said": (said(question, "x", citations=(WRONG,), sentences=1, given=(given("leave.md"),)),),
    }
    marks = mark_answers(answers, [question], places=PLACES)
    applies = marks["said"][measure][question.id] is not None
    assert marks["failed"][measure][question.id] == (0.0 if applies else None)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda one: one.id)
def test_every_measure_can_be_named_to_a_reader(measure: Any) -> None:
    assert measure.title[0].isupper()
    assert MEASURES[measure.id] is measure


def test_the_headline_is_a_measure_of_every_question() -> None:
    assert all(mark(HEADLINE, question, "x") is not None for question in (LEAVE, LUNCH, BIRDS))


def test_every_measure_is_explained() -> None:
    page = Path(__file__).parents[2] / "docs" / "concepts" / "measures.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"`{name}`" not in text] == []
