"""Each sentence against the passages: the one cited first, then all of them, and citations set right."""

from __future__ import annotations

import pytest
from answer_world import ScriptedVerifier, passage, stems

from ragraft.answer.check import check_claims
from ragraft.answer.cite import read_claims
from ragraft.types import Check, Support
from ragraft.verify.verifier import Verifier

SOUP, TROUT, HOURS = (
    "The soup costs three francs.",
    "Trout is sold on Friday.",
    "The canteen opens at eleven.",
)
PASSAGES = [passage(SOUP, start=100), passage(TROUT, uri="fish.md"), passage(HOURS, uri="hours.md", start=7)]


def checked(text: str, script: dict[str, dict[str, Support] | Support] | None = None) -> list[Check]:
    """Check an answer, by the real verifier unless told what it finds."""
    verifier = Verifier(terms=stems) if script is None else ScriptedVerifier(script)
    claims = read_claims(text, passages=len(PASSAGES))
    return check_claims(claims, passages=PASSAGES, verifier=verifier, question="What is there to eat?")


def markers(check: Check) -> list[int]:
    return [verdict.citation.marker for verdict in check.verdicts]


def test_a_sentence_cited_to_the_passage_that_says_it_is_left_so() -> None:
    (check,) = checked("The soup costs three francs [1].")
    assert (check.support, markers(check), check.repaired) == ("supported", [1], False)


@pytest.mark.parametrize("marks", ["[2]", "[3]", "[2][3]", "[2, 3]"])
def test_a_sentence_cited_to_the_wrong_passage_is_cited_to_the_right_one(marks: str) -> None:
    (check,) = checked(f"The soup costs three francs {marks}.")
    assert (check.support, markers(check), check.repaired) == ("supported", [1], True)


@pytest.mark.parametrize("marks", ["", " [9]", " [0]"])
def test_a_sentence_without_a_number_of_a_passage_is_given_the_right_one(marks: str) -> None:
    (check,) = checked(f"Trout is sold on Friday{marks}.")
    assert (check.support, markers(check), check.repaired) == ("supported", [2], True)


def test_the_right_one_among_several_numbers_is_no_repair() -> None:
    (check,) = checked("Trout is sold on Friday [1][2].")
    assert (markers(check), check.repaired) == ([2], False)


def test_the_passage_that_the_model_cited_is_kept_where_it_says_so_too() -> None:
    (check,) = checked("It is so [3].", {"It is so.": {SOUP: "supported", HOURS: "supported"}})
    assert (check.support, markers(check), check.repaired) == ("supported", [3], False)


@pytest.mark.parametrize("support", ["partly", "contradicted"])
def test_what_no_passage_supports_is_judged_by_the_one_cited(support: Support) -> None:
    (check,) = checked("It is so [3].", {"It is so.": {SOUP: "contradicted", HOURS: support}})
    assert (check.support, markers(check), check.repaired) == (support, [3], False)


def test_nothing_is_repaired_that_is_not_supported_anywhere() -> None:
    (check,) = checked("The moon is made of green cheese [2].")
    assert (check.support == "supported", check.repaired) == (False, False)


def test_a_verdict_says_whether_its_passage_supports_the_sentence() -> None:
    (check,) = checked("It is so [2].", {"It is so.": {TROUT: "contradicted"}})
    assert [(verdict.supported, verdict.reason) for verdict in check.verdicts] == [
        (False, "the passage: contradicted")
    ]


def test_the_quote_is_exactly_the_documents_characters() -> None:
    (check,) = checked("The canteen opens at eleven [3].")
    (verdict,) = check.verdicts
    document = "before\n" + HOURS
    assert document[verdict.citation.start : verdict.citation.end] == verdict.citation.quote == HOURS


def test_a_sentence_that_claims_nothing_has_no_citation() -> None:
    (check,) = checked("I hope this helps [1].")
    assert (check.support, check.verdicts, check.repaired) == ("no_claim", (), False)


def test_a_changed_number_is_not_supported() -> None:
    (check,) = checked("The soup costs four francs [1].")
    assert check.support == "contradicted"


def test_every_sentence_has_its_check_in_order() -> None:
    found = checked("Trout is sold on Friday [2]. The moon is green [1]. The soup costs three francs [1].")
    assert [check.sentence for check in found] == [
        "Trout is sold on Friday.",
        "The moon is green.",
        "The soup costs three francs.",
    ]
    assert [check.support == "supported" for check in found] == [True, False, True]


def test_the_question_reaches_the_verifier() -> None:
    verifier = ScriptedVerifier({})
    check_claims(read_claims("Soup [1].", passages=3), passages=PASSAGES, verifier=verifier, question="What?")
    assert set(verifier.asked) == {"What?"}


def test_nothing_said_gives_nothing_to_check() -> None:
    assert checked("") == []


def test_a_heading_claims_nothing() -> None:
    claims = read_claims("# The soup costs three francs\n\nThe soup costs three francs. [1]", passages=1)
    given = [passage("The soup costs three francs.")]
    script = ScriptedVerifier({claim.text: "supported" for claim in claims})
    checks = check_claims(claims, passages=given, verifier=script, question="?")
    assert [check.support for check in checks] == ["no_claim", "supported"]


@pytest.mark.parametrize(
    "opening", ["Based on the document, ", "According to the passages given, ", "Laut den Unterlagen, "]
)
def test_an_opening_that_says_it_is_an_answer_claims_nothing(opening: str) -> None:
    (check,) = checked(f"{opening}the soup costs three francs. [1]")
    assert (check.support, check.sentence) == ("supported", f"{opening}the soup costs three francs.")
