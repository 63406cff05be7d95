"""What answers took, as costs are worked out from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asking_world import LEAVE, LUNCH, given, said
from verdict_world import prices

from adapter_world import adapter
from ragraft.compare.cost import SystemUse, system_cost
from ragraft.compare.results import Said
from ragraft.compare.work import answer_work, tries_of, with_embedding
from ragraft.types import Adapter

FAILED = {"quality": {"passed": False}}
PASSED = {"quality": {"passed": True}}


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def looked_up(document: str) -> Mapping[str, Any]:
    return {"given": (given(document),), "seconds": {"retrieve": 0.1}}


def embedded(*answers: Said) -> list[int]:
    """Return the tokens embedded for the answers of one system."""
    return [one.embedding_tokens for one in with_embedding({"a": answers}, [LEAVE, LUNCH], count=words)["a"]]


def test_tokens_from_a_cache_are_told_from_those_that_were_read() -> None:
    work = answer_work([said(LEAVE, "Thirty.", prompt_tokens=900, cached_tokens=600, completion_tokens=30)])
    assert (work.prompt_tokens, work.cached_tokens, work.output_tokens) == (300, 600, 30)


def test_what_failed_is_not_in_the_mean() -> None:
    work = answer_work([said(LEAVE, "Thirty.", completion_tokens=30), Said("lunch", failure="it broke")])
    assert work.output_tokens == 30


def test_a_system_that_failed_on_everything_took_nothing() -> None:
    assert answer_work([Said("lunch", failure="it broke")]).amounts() == {}


def test_cached_tokens_have_a_price_of_their_own() -> None:
    work = answer_work([said(LEAVE, "Thirty.", prompt_tokens=1_000_000, cached_tokens=1_000_000)])
    given_ = prices(per_million_tokens={"prompt": 8, "cached": 2, "output": 1})
    assert system_cost(SystemUse("a", work), given_).answer.high == pytest.approx(2)


def test_a_search_embeds_the_question() -> None:
    answers = [said(LEAVE, "A.", **looked_up("leave.md")), said(LUNCH, "B.", **looked_up("hours.md"))]
    assert embedded(*answers) == words([LEAVE.text, LUNCH.text])


def test_a_refusal_that_came_from_a_search_embeds_the_question_too() -> None:
    refused = Said("lunch", refused=True, seconds={"retrieve": 0.1})
    assert embedded(said(LEAVE, "A.", **looked_up("leave.md")), refused)[1] == words([LUNCH.text])[0]


def test_a_system_that_is_given_the_same_for_all_questions_embeds_nothing() -> None:
    assert embedded(*(said(one, "A.", **looked_up("leave.md")) for one in (LEAVE, LUNCH))) == [0, 0]


def test_a_system_that_answers_from_memory_embeds_nothing() -> None:
    assert embedded(said(LEAVE, "A."), said(LUNCH, "B.")) == [0, 0]


def test_what_was_embedded_is_in_the_mean() -> None:
    work = answer_work([said(LEAVE, "A.", embedding_tokens=4), said(LUNCH, "B.", embedding_tokens=6)])
    assert work.embedding_tokens == 5


def made(day: int, gates: Mapping[str, Any], recipe: Mapping[str, Any] | None = None, **more: Any) -> Adapter:
    one = adapter(f"house-{day}", gates=gates, card={"recipe": recipe or {"raft": True, "seed": day}}, **more)
    return replace(one, made_at=one.made_at + timedelta(days=day))


def test_each_model_whose_gates_failed_just_before_counts_as_a_try() -> None:
    known = [made(1, FAILED), made(2, FAILED), made(3, PASSED)]
    assert tries_of(known[2], known) == 3


def test_what_failed_before_the_last_that_passed_does_not_count() -> None:
    known = [made(1, FAILED), made(2, PASSED), made(3, PASSED)]
    assert tries_of(known[2], known) == 1


def test_what_failed_afterwards_does_not_count() -> None:
    known = [made(1, PASSED), made(2, FAILED)]
    assert tries_of(known[0], known) == 1


@pytest.mark.parametrize(
    "other",
    [
        made(1, FAILED, {"raft": False}),
        made(1, FAILED, base="large"),
        replace(made(1, FAILED), method="full"),
        made(1, {}),
    ],
    ids=["another recipe", "another base", "another method", "gates that were not run"],
)
def test_what_is_no_try_of_the_same_does_not_count(other: Adapter) -> None:
    own = made(2, PASSED)
    assert tries_of(own, [other, own]) == 1


def test_another_seed_and_more_minutes_are_the_same_recipe() -> None:
    known = [
        made(1, FAILED, {"raft": True, "minutes": 10.0}),
        made(2, PASSED, {"raft": True, "minutes": 30.0}),
    ]
    assert tries_of(known[1], known) == 2
