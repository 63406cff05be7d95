"""Marks as scores to compare, and what refusing saves."""

from __future__ import annotations

from typing import Any

import pytest
from asking_world import BIRDS, LEAVE, LUNCH, QUESTIONS, TEXTS, cited, said

from ragraft.compare.evidence import evidence_places
from ragraft.compare.marks import (
    compare_marks,
    document_of,
    mark_answers,
    risk_coverage,
    scores_of,
    with_marks,
)
from ragraft.compare.results import Said
from ragraft.compare.statistics import Scores
from ragraft.types import Evidence, Question

PLACES = evidence_places(QUESTIONS, text_of=TEXTS.get)
KNOWING = (said(LEAVE, "Thirty days."), said(LUNCH, "At noon."), said(BIRDS, "I do not know."))
GUESSING = (said(LEAVE, "Nine days."), said(LUNCH, "At noon."), said(BIRDS, "Herons."))
FAILING = (said(LEAVE, "Thirty days."), Said("lunch", failure="it broke"), said(BIRDS, "Herons."))


def scores(measure: str, **answers: tuple[Said, ...]) -> Scores | None:
    marks = mark_answers(answers, QUESTIONS, places=PLACES)
    return scores_of(measure, marks, answers=answers, questions=QUESTIONS)


def test_marks_become_scores_in_the_order_of_the_questions() -> None:
    found = scores("handled", a=KNOWING, b=GUESSING)
    assert found is not None
    assert found.marks == {"a": [1.0, 1.0, 1.0], "b": [0.0, 1.0, 0.0]}
    assert found.documents == ["leave.md", "hours.md", "question birds"]


def test_a_question_that_a_measure_does_not_apply_to_has_no_place() -> None:
    found = scores("right", a=KNOWING, b=GUESSING)
    assert found is not None
    assert found.marks == {"a": [1.0, 1.0], "b": [0.0, 1.0]}


def test_marks_from_elsewhere_are_one_more_measure_and_none_where_they_have_none() -> None:
    marks = mark_answers({"a": KNOWING}, QUESTIONS, places=PLACES)
    found = with_marks(marks, "judge", {"a": {"leave": 1.0}}, QUESTIONS)
    assert found["a"]["judge"] == {"leave": 1.0, "lunch": None, "birds": None}
    assert {name: found["a"][name] for name in marks["a"]} == marks["a"]


def test_a_failure_is_told_from_a_wrong_answer() -> None:
    found = scores("right", a=KNOWING, b=FAILING)
    assert found is not None
    assert found.marks["b"] == [1.0, None]
    assert found.values("b") == [1.0, 0.0]


RIGHT = (cited("leave.md", "thirty"),)
CITING = (said(LEAVE, "x", citations=RIGHT), said(LUNCH, "x", citations=RIGHT), said(BIRDS, "x"))
CITING_ONCE = (said(LEAVE, "x", citations=RIGHT), said(LUNCH, "x"), said(BIRDS, "x"))


def test_only_questions_that_all_can_be_marked_on_are_compared() -> None:
    found = scores("citation_precision", a=CITING, b=CITING_ONCE)
    assert found is not None
    assert found.marks == {"a": [1.0], "b": [1.0]}


def test_a_system_that_never_cites_keeps_no_others_from_being_compared() -> None:
    found = scores("citation_precision", a=CITING, b=CITING_ONCE, mute=KNOWING)
    assert found is not None
    assert set(found.marks) == {"a", "b"}


def test_a_system_that_only_fails_has_nothing_to_compare_where_it_would_have_had_to_cite() -> None:
    failing = tuple(Said(one.id, failure="it broke") for one in QUESTIONS)
    found = scores("citation_precision", a=CITING, b=CITING_ONCE, failing=failing)
    assert found is not None
    assert set(found.marks) == {"a", "b"}


@pytest.mark.parametrize("answers", [{"a": CITING, "b": KNOWING}, {"a": KNOWING}], ids=["one cites", "one"])
def test_one_system_is_compared_with_nothing(answers: dict[str, Any]) -> None:
    assert scores("citation_precision", **answers) is None


def test_all_measures_that_say_something_are_compared() -> None:
    answers = {"a": KNOWING, "b": GUESSING}
    marks = mark_answers(answers, QUESTIONS, places=PLACES)
    found = compare_marks(marks, answers=answers, questions=QUESTIONS)
    assert {"handled", "right", "abstained", "cited_right"} <= set(found)
    assert {"citation_precision", "supported"}.isdisjoint(found)
    assert found["handled"].best == "a"
    assert found["handled"].between("a", "b").value == pytest.approx(2 / 3)


def test_failures_are_counted_in_the_comparison() -> None:
    answers = {"a": KNOWING, "b": FAILING}
    marks = mark_answers(answers, QUESTIONS, places=PLACES)
    found = compare_marks(marks, answers=answers, questions=QUESTIONS)["handled"]
    assert {mean.system: mean.failed for mean in found.means} == {"a": 0, "b": 1}


def test_with_a_reference_only_pairs_with_it_are_compared() -> None:
    answers = {"a": KNOWING, "b": GUESSING, "c": FAILING}
    marks = mark_answers(answers, QUESTIONS, places=PLACES)
    found = compare_marks(marks, answers=answers, questions=QUESTIONS, reference="a")["handled"]
    assert {frozenset((one.system, one.other)) for one in found.differences} == {
        frozenset("ab"),
        frozenset("ac"),
    }


def test_a_question_is_of_its_first_document_or_of_its_own() -> None:
    both = Question("q", "?", "x", (), (Evidence("b.md", "x"), Evidence("a.md", "x")), "")
    assert document_of(both) == "b.md"
    assert document_of(BIRDS) != document_of(Question("other", "?", "", (), (), "unanswerable"))


def curve(*answers: Said) -> tuple[tuple[float, float], ...]:
    asked = {one.id: one for one in QUESTIONS}
    questions = [asked[one.question] for one in answers]
    marks = mark_answers({"a": answers}, questions, places=PLACES)["a"]["handled"]
    return risk_coverage(answers, questions, handled=marks)


def test_the_surest_answers_come_first() -> None:
    points = curve(
        said(BIRDS, "Herons.", confidence=0.2),
        said(LEAVE, "Thirty days.", confidence=0.9),
        said(LUNCH, "At one.", confidence=0.5),
    )
    assert points == ((pytest.approx(1 / 3), 0.0), (pytest.approx(2 / 3), 0.5), (1.0, pytest.approx(2 / 3)))


def test_what_is_refused_or_failed_is_not_answered() -> None:
    points = curve(
        said(BIRDS, "Nothing was found.", refused=True, confidence=0.2),
        said(LEAVE, "I do not know.", confidence=0.9),
        Said("lunch", failure="it broke"),
        said(LUNCH, "At noon.", confidence=0.5),
    )
    assert points == ((0.25, 0.0),)


def test_a_system_without_confidence_has_one_point() -> None:
    assert curve(*GUESSING) == ((1.0, pytest.approx(2 / 3)),)


def test_answers_of_equal_confidence_come_in_together() -> None:
    points = curve(said(LEAVE, "Thirty days.", confidence=0.5), said(LUNCH, "At one.", confidence=0.5))
    assert points == ((1.0, 0.5),)


def test_a_system_that_answers_nothing_has_no_curve() -> None:
    assert curve(said(LEAVE, "x", refused=True)) == ()
