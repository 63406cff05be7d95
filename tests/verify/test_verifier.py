from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from passages import KASSEL, check, passage, policies, verifier

from ragraft.types import Finding


def asked(question: str, *sentences: str) -> list[Finding]:
    return verifier().check(sentences, passages=policies(), question=question)


def test_the_span_is_the_sentence_that_says_it() -> None:
    text = "Trains are second class. Parking costs up to EUR 18 per day. Ask first."
    found = check("Parking costs up to EUR 18 per day.", text)
    assert text[found.start : found.end] == "Parking costs up to EUR 18 per day."


def test_the_span_of_a_cell_is_its_row() -> None:
    found = check("A hotel per night is EUR 135.", KASSEL)
    assert KASSEL[found.start : found.end].splitlines()[-1].endswith("| EUR 135 |")


def test_the_passage_is_named_by_its_place_in_the_list() -> None:
    assert check("Parking costs EUR 18.", "Dogs are welcome.", "Parking costs EUR 18.").passage == 1


def test_a_short_answer_takes_its_topic_from_the_question() -> None:
    (found,) = asked("What may a hotel cost per night in Kassel?", "EUR 135.")
    assert (found.support, found.passage) == ("supported", 0)


def test_a_short_answer_about_another_place_is_contradicted() -> None:
    (found,) = asked("What may a hotel cost per night in Kassel?", "EUR 110.")
    assert (found.support, found.reason) == ("contradicted", "the passage says EUR 135, not EUR 110")


def test_a_title_binds_the_table_under_it() -> None:
    (found,) = asked("", "In Brno a hotel is EUR 135 per night.")
    assert (found.support, found.reason) == ("contradicted", "the passage says EUR 110, not EUR 135")


def test_a_name_that_no_passage_has_is_said() -> None:
    (found,) = asked("", "In Lyon a hotel is EUR 135 per night.")
    assert (found.support, found.reason) == ("not_found", "no passage mentions Lyon")


def test_a_cell_is_bound_to_its_column() -> None:
    table = (
        "| Site | Hotel | Meals |\n|---|---|---|\n| Kassel | EUR 135 | EUR 28 |\n| Brno | EUR 110 | EUR 21 |"
    )
    supports = [
        check(f"Meals in {town} are EUR {sum_}.", table).support
        for town, sum_ in (("Kassel", 28), ("Kassel", 21), ("Kassel", 135))
    ]
    assert supports == ["supported", "contradicted", "contradicted"]


def test_a_difference_is_supported_by_its_operands() -> None:
    text = "Meals are EUR 28 in Kassel and EUR 21 in Brno."
    assert (
        check("Meals are EUR 28 in Kassel and EUR 21 in Brno, so EUR 7 apart.", text).support == "supported"
    )


def test_a_wrong_difference_is_not_supported() -> None:
    text = "Meals are EUR 28 in Kassel and EUR 21 in Brno."
    assert (
        check("Meals are EUR 28 in Kassel and EUR 21 in Brno, so EUR 8 apart.", text).support != "supported"
    )


def test_the_parts_of_a_sentence_may_stand_in_two_passages() -> None:
    found = check(
        "The press runs at 40 tonnes, and the oven is cleaned every Friday.",
        "The press runs at 40 tonnes.",
        "The oven is cleaned every Friday.",
    )
    assert (found.support, found.reason) == ("supported", "its parts stand in passages 1 and 2")


def test_one_wrong_part_spoils_the_sentence() -> None:
    found = check(
        "The press runs at 40 tonnes, and the oven is cleaned every Monday.",
        "The press runs at 40 tonnes.",
        "The oven is cleaned every Friday.",
    )
    assert found.support != "supported"


def test_thanks_are_no_claim() -> None:
    assert check("I hope this helps!", KASSEL).support == "no_claim"


def test_a_mere_no_is_judged_by_the_question() -> None:
    text = "The notification is not optional."
    supports = [
        check(reply, text, question="Is the notification optional?").support for reply in ("No.", "Yes.")
    ]
    assert supports[0] == "supported" and supports[1] != "supported"


def test_a_mere_yes_stands_and_falls_with_the_sentence_after_it() -> None:
    passages = [passage("Credit hours roll over and never expire.")]
    question = "Can I keep credit hours?"
    kept = verifier().check(["Yes.", "Credit hours roll over."], passages=passages, question=question)
    wrong = verifier().check(["Yes.", "Credit hours expire."], passages=passages, question=question)
    assert [one.support for one in kept] == ["supported", "supported"]
    assert wrong[0].support == wrong[1].support != "supported"


def test_without_passages_nothing_is_found() -> None:
    assert check("Hotels are free.").support == "not_found"


def test_no_sentences_give_no_findings() -> None:
    assert verifier().check([], passages=policies()) == []


def test_text_about_something_else_supports_nothing() -> None:
    found = check("The hotel in Kassel has a pool.", "Presses are greased once a week.")
    assert (found.support, found.passage) == ("not_found", None)


@pytest.mark.parametrize("likely", [0.95, 0.1])
def test_the_entailment_model_decides_what_wording_leaves_open(likely: float) -> None:
    asked: list[str] = []

    def entail(premise: str, hypothesis: str) -> float:
        asked.append(hypothesis)
        return likely

    text = "The travel team reviews your voucher, and the money is credited to your bank account within days."
    claim = "The money reaches your bank account once the travel team has reviewed your voucher."
    (found,) = verifier(entail=entail).check([claim], passages=[passage(text)])
    assert asked == [claim]
    assert (found.support == "supported") == (likely > 0.5)


def test_the_entailment_model_cannot_overrule_a_rule() -> None:
    entailing = verifier(entail=lambda _premise, _hypothesis: 1.0)
    (found,) = entailing.check(["The fee is EUR 20."], passages=[passage("The fee is EUR 25.")])
    assert found.support == "contradicted"


def test_likeness_is_asked_for_once_per_answer() -> None:
    calls: list[int] = []

    def likeness(some: object, others: object) -> npt.NDArray[np.float32]:
        calls.append(1)
        return np.zeros((len(some), len(others)), np.float32)  # type: ignore[arg-type]  # both are sequences

    verifier(likeness=likeness).check(["Hotels cost EUR 135.", "Meals cost EUR 28."], passages=policies())
    assert calls == [1]


def test_a_sentence_too_long_to_check_is_not_supported() -> None:
    sentence = "The press runs at 40 tonnes " * 100
    assert check(sentence, sentence).support == "not_found"


@pytest.mark.parametrize(
    "claim",
    [
        "The soup costs three francs and is free.",
        "The soup costs three francs, the soup is free",
        "The soup costs three francsThe soup is free",
        "Trout is sold on FridayThe soup is freeTrout is sold on Friday",
        "The soup costs three francs; dogs are welcome.",
    ],
)
def test_what_is_appended_to_a_quotation_spoils_it(claim: str) -> None:
    assert check(claim, "The soup costs three francs. Trout is sold on Friday.").support != "supported"
