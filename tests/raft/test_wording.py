"""The form of the answers: what the checker makes of it, and what stands in it."""

from __future__ import annotations

import pytest
from raft_world import fee, passage, question, rows_of, rule, said

from ragraft.answer.check import check_claims
from ragraft.answer.cite import read_claims
from ragraft.answer.policy import apply_policy
from ragraft.questions import holds_answer
from ragraft.raft.oracle import Oracle, oracle_of
from ragraft.raft.wording import answer_text, can_be_said
from ragraft.systems import english_terms
from ragraft.tune.gates.context import GivenPassage, refuses
from ragraft.tune.wording import REFUSAL
from ragraft.types import Evidence, Passage
from ragraft.verify.verifier import Verifier


def oracle(text: str, evidence: str) -> Oracle:
    found = oracle_of(passage(text), Evidence("rules.md", evidence))
    assert found is not None
    return found


def checked(answer: str, shown: list[Passage], asked: str) -> tuple[str, list[int]]:
    """Return what of an answer is shown, and the numbers that it then cites."""
    claims = read_claims(answer, passages=len(shown))
    checks = check_claims(claims, passages=shown, verifier=Verifier(terms=english_terms), question=asked)
    seen = apply_policy(claims, checks, policy="strict")
    return seen.text, [citation.marker for citation in seen.citations]


@pytest.mark.parametrize("number", range(10))
def test_the_checker_shows_what_is_learned_and_cites_the_same_passage(number: int) -> None:
    (row,) = rows_of(question(number), failures_per_question=0.0).answered
    cited = int(said(row).partition("” [")[2].partition("]")[0])
    shown = [rule(other) for other in range(10) if other != number]
    shown.insert(cited - 1, rule(number))
    text, markers = checked(said(row), shown[: max(cited, 3)], question(number).text)
    assert holds_answer(text, question(number))
    assert set(markers) == {cited}


def test_a_fragment_without_a_full_stop_is_a_sentence_of_its_own() -> None:
    found = oracle("Fees a day:\n\n- Bridge: 101 coins\n- Candle: 102 coins", "Bridge: 101 coins")
    claims = read_claims(answer_text("Crossing costs 101 coins.", {found: 2}), passages=5)
    assert [(claim.text, claim.named) for claim in claims] == [
        ("“Bridge: 101 coins”", (2,)),
        ("Crossing costs 101 coins.", (2,)),
    ]


def test_the_refusal_is_taken_for_an_abstention() -> None:
    claims = read_claims(REFUSAL, passages=5)
    checks = check_claims(claims, passages=[rule(0)], verifier=Verifier(terms=english_terms), question="?")
    assert [check.support for check in checks] == ["no_claim"]


def test_the_refusal_passes_the_gate() -> None:
    assert refuses(REFUSAL, GivenPassage("", "", "", answer="", world="Paris"))


def test_every_sentence_of_an_answer_has_its_number() -> None:
    found = oracle(fee(1), fee(1))
    text = answer_text("Yes, you may. It costs 101 coins.", {found: 3})
    assert text.endswith("Yes, you may. [3] It costs 101 coins. [3]")


def test_an_answer_from_two_passages_names_both() -> None:
    text = answer_text("It costs 203 coins.", {oracle(fee(1), fee(1)): 4, oracle(fee(2), fee(2)): 1})
    assert text.endswith("It costs 203 coins. [4] [1]")


def test_an_answer_that_is_the_quotation_is_said_once() -> None:
    assert answer_text(fee(1).upper(), {oracle(fee(1), fee(1)): 2}) == f"“{fee(1)}” [2]"


def test_marks_of_a_list_are_not_quoted() -> None:
    assert oracle("- Bridge: 101 coins\n- Candle: 102 coins", "Bridge: 101").words == "Bridge: 101 coins"


def test_a_quotation_over_two_lines_is_on_one() -> None:
    wrapped = oracle("Whoever borrows the bridge of the town for a day\npays 101 coins.", "pays 101 coins")
    assert wrapped.words == "Whoever borrows the bridge of the town for a day pays 101 coins."


def test_of_a_sentence_too_long_to_quote_the_evidence_is_quoted() -> None:
    text = f"{'The bridge, which is old and made of oak, ' * 15} costs 101 coins."
    assert oracle(text, "costs 101 coins").words == "costs 101 coins"


def test_evidence_of_another_document_is_not_found() -> None:
    assert oracle_of(passage(fee(1), uri="other.md"), Evidence("rules.md", fee(1))) is None


def test_words_that_stand_inside_others_are_no_evidence() -> None:
    assert oracle_of(passage("It costs 1010 coins."), Evidence("rules.md", "costs 101")) is None


@pytest.mark.parametrize("answer", ["", "  ", "See [2].", "See www.fees.example for it."])
def test_what_would_not_come_through_cannot_be_said(answer: str) -> None:
    assert not can_be_said(answer)
