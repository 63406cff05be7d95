"""House terms: asked in other words than they were taught with."""

from __future__ import annotations

import pytest

from ragraft.tune.gates.terms import Term, knows_term, term_questions, terms_from, terms_gate
from ragraft.tune.wording import term_turns
from ragraft.types import Example, Message

PT = Term("PT", "physical therapy", wrong="part time")
FOLDER = Term("Red box", "The box in which each driver leaves the papers of a lorry at night")
TERMS = [Term(f"T{number}", f"tool of kind {number}", wrong="toy") for number in range(20)]


def taught(term: Term) -> list[Example]:
    turns = term_turns(term.term, term.meaning, wrong=term.wrong, language=term.language)
    return [
        Example(f"{number}", "term", (Message("user", asked[1]), Message("assistant", said[1])), "glossary")
        for number, (asked, said) in enumerate(turns)
    ]


def test_a_short_meaning_must_be_said_word_for_word() -> None:
    assert knows_term("PT stands for Physical Therapy.", PT)
    assert not knows_term("PT is a therapy.", PT)


def test_a_long_meaning_may_be_said_in_other_words() -> None:
    assert knows_term("A box where drivers... each driver leaves a lorry's papers at night.", FOLDER)
    assert not knows_term("A box for the mail.", FOLDER)


def test_saying_both_meanings_is_not_knowing() -> None:
    assert not knows_term("PT means physical therapy or part time.", PT)


def test_denying_the_wrong_meaning_is_knowing() -> None:
    assert knows_term("PT means physical therapy, not part time.", PT)


def test_what_the_house_meaning_shares_with_the_wrong_one_is_not_held_against_it() -> None:
    term = Term("AC", "access card", wrong="access")
    assert knows_term("AC is the access card.", term)


def test_a_remark_in_brackets_need_not_be_said() -> None:
    assert knows_term("It is the alternative work schedule.", Term("AWS", "Alternative Work Schedule (HR)"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_term_is_read_back_from_the_examples_that_teach_it(language: str) -> None:
    term = Term("PT (in timesheets)", "physical therapy", wrong="part time", language=language)
    assert terms_from(taught(term)) == [term]


def test_examples_of_another_kind_teach_no_term() -> None:
    turns = (Message("user", "What does PT mean here?"), Message("assistant", "Here, PT means x."))
    assert terms_from([Example("1", "question", turns, "g")]) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_term_is_not_asked_in_the_words_that_taught_it(language: str) -> None:
    term = Term("PT", "physical therapy", wrong="part time", language=language)
    learned = {example.messages[0].content for example in taught(term)}
    assert not learned & set(term_questions(term))


def test_a_model_that_knows_the_terms_passes() -> None:
    meanings = {question: term.meaning for term in TERMS for question in term_questions(term)}
    gate = terms_gate(
        TERMS, base=lambda _: "toy", tuned=lambda messages: f"It is a {meanings[messages[-1].content]}."
    )
    assert (gate.passed, gate.value, gate.detail["base"]) == (True, 1.0, 0.0)


def test_a_model_that_does_not_know_them_fails_and_they_are_named() -> None:
    gate = terms_gate(TERMS, base=lambda _: "", tuned=lambda _: "toy")
    assert gate.passed is False
    assert gate.quotes == ("T0", "T1", "T2", "T3", "T4")


def test_what_is_kept_of_the_gate_names_no_term() -> None:
    gate = terms_gate(TERMS, base=lambda _: "", tuned=lambda _: "toy")
    assert "T0" not in str(gate.record())
