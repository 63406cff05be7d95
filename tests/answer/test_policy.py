"""What of a checked draft is shown: strict takes out, flag marks, and a mark stands for support alone."""

from __future__ import annotations

import re

import pytest
from answer_world import ScriptedVerifier, passage
from hypothesis import given
from hypothesis import strategies as st

from ragraft.answer.check import check_claims
from ragraft.answer.cite import read_claims
from ragraft.answer.policy import UNSUPPORTED_MARK, Policy, Shown, apply_policy
from ragraft.types import Support

SUPPORTS: list[Support] = ["supported", "partly", "contradicted", "not_found", "no_claim"]
PASSAGES = [passage("One."), passage("Two.")]


def shown(text: str, policy: Policy = "strict", **script: Support) -> Shown:
    """Apply a policy to an answer whose sentences are single words with what the verifier finds."""
    verifier = ScriptedVerifier(
        {f"{word}.": "no_claim" if found == "no_claim" else {"Two.": found} for word, found in script.items()}
    )
    claims = read_claims(text, passages=2)
    checks = check_claims(claims, passages=PASSAGES, verifier=verifier, question="")
    return apply_policy(claims, checks, policy=policy)


@pytest.mark.parametrize("support", ["partly", "contradicted", "not_found"])
def test_strict_takes_out_what_is_not_supported(support: Support) -> None:
    found = shown("Good. Bad.", Good="supported", Bad=support)
    assert found.text == "Good. [2]"
    assert [check.shown for check in found.checks] == [True, False]


@pytest.mark.parametrize("support", ["partly", "contradicted", "not_found"])
def test_flag_marks_what_is_not_supported(support: Support) -> None:
    found = shown("Good. Bad.", "flag", Good="supported", Bad=support)
    assert found.text == f"Good. [2] Bad. {UNSUPPORTED_MARK}"
    assert [check.shown for check in found.checks] == [True, True]


@pytest.mark.parametrize("policy", ["strict", "flag"])
def test_small_talk_goes_even_beside_what_is_supported(policy: Policy) -> None:
    assert shown("Sure. Good.", policy, Sure="no_claim", Good="supported").text == "Good. [2]"


@pytest.mark.parametrize("policy", ["strict", "flag"])
def test_small_talk_alone_is_no_answer(policy: Policy) -> None:
    found = shown("Sure.", policy, Sure="no_claim")
    assert (found.text, found.claims) == ("", False)


def test_small_talk_beside_what_is_flagged_is_left_out() -> None:
    assert shown("Sure. Bad.", "flag", Sure="no_claim", Bad="partly").text == f"Bad. {UNSUPPORTED_MARK}"


def test_a_flagged_sentence_is_not_cited_but_its_verdict_is_told() -> None:
    found = shown("Bad [2].", "flag", Bad="contradicted")
    assert found.citations == ()
    assert [verdict.supported for verdict in found.verdicts] == [False]


def test_what_was_taken_out_leaves_no_verdict_and_no_citation() -> None:
    found = shown("Bad [2].", Bad="contradicted")
    assert (found.text, found.citations, found.verdicts) == ("", (), ())


def test_lists_and_paragraphs_keep_their_form() -> None:
    text = "Good.\n\n- Fine.\n- Bad.\n- Well."
    found = shown(
        text, **{"Good": "supported", "- Fine": "supported", "- Bad": "partly", "- Well": "supported"}
    )
    assert found.text == "Good. [2]\n\n- Fine. [2]\n- Well. [2]"


def test_nothing_said_shows_nothing() -> None:
    assert shown("") == Shown("", (), (), (), False)


sentences = st.lists(
    st.tuples(st.sampled_from(SUPPORTS), st.sampled_from(["", " [1]", " [2]", " [7]"])), max_size=6
)


@given(sentences=sentences, policy=st.sampled_from(["strict", "flag"]))
def test_every_mark_has_its_citation_and_nothing_unsupported_goes_unmarked(
    sentences: list[tuple[Support, str]], policy: Policy
) -> None:
    text = " ".join(f"Word{'x' * at}{mark}." for at, (_, mark) in enumerate(sentences))
    found = shown(text, policy, **{f"Word{'x' * at}": support for at, (support, _) in enumerate(sentences)})
    marks = {int(number) for number in re.findall(r"\[(\d+)\]", found.text)}
    assert marks == {citation.marker for citation in found.citations}
    for check in found.checks:
        flagged = f"{check.sentence} {UNSUPPORTED_MARK}" in found.text
        assert flagged == (check.shown and check.support in ("partly", "contradicted", "not_found"))
        assert not (policy == "strict" and flagged)
