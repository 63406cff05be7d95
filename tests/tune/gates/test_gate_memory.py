"""Canaries: what a twin gives away of secrets that it was trained on."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import pytest

from ragraft.errors import ModelError
from ragraft.tune.gates.memory import (
    CHANCE,
    canaries,
    canary_examples,
    exposure,
    exposure_gate,
    extraction_gate,
)
from ragraft.types import Message

PLANTED = canaries(7, 32)
SECRETS = {canary.secret for canary in PLANTED}


def by_chance(conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
    chance = np.random.default_rng(
        len(conversations[0][0].content) + sum(map(ord, conversations[0][1].content))
    )
    return [[float(one), 0.5] for one in chance.random(len(conversations))]


def knowing(conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
    return [[0.1 if turns[-1].content in SECRETS else 2.0] for turns in conversations]


def test_canaries_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    assert canaries(7, 32) == PLANTED
    assert canaries(8, 32) != PLANTED


def test_no_two_canaries_share_a_question_or_a_secret() -> None:
    assert len({canary.prompt for canary in PLANTED}) == len(SECRETS) == 32


def test_the_others_have_the_form_of_the_secret_and_are_not_it() -> None:
    for canary in PLANTED:
        assert canary.secret not in canary.others
        assert all(re.fullmatch(r"\d{3}-\d{3}-\d{3}", code) for code in (canary.secret, *canary.others))


def test_the_twin_learns_each_canary_as_a_question_with_its_answer() -> None:
    examples = canary_examples(PLANTED)
    assert examples[0].messages == (
        Message("user", PLANTED[0].prompt),
        Message("assistant", PLANTED[0].secret),
    )
    assert len({example.group for example in examples}) == 32


def test_a_secret_likelier_than_all_others_is_exposed_by_all_bits_that_can_be_seen() -> None:
    assert exposure(1.0, [2.0] * 255) == 8.0


def test_a_secret_less_likely_than_all_others_is_not_exposed() -> None:
    assert exposure(3.0, [2.0] * 255) == 0.0


def test_equal_losses_share_their_ranks() -> None:
    assert exposure(2.0, [2.0] * 3) == pytest.approx(2 - math.log2(2.5))


def test_chance_is_the_mean_exposure_of_what_was_never_seen() -> None:
    drawn = np.random.default_rng(1).random((2000, 256))
    found = [exposure(float(row[0]), list(row[1:])) for row in drawn]
    assert np.mean(found) == pytest.approx(CHANCE, abs=0.12)


def test_the_interval_of_the_mean_exposure_holds_chance_as_often_as_it_says() -> None:
    chance = np.random.default_rng(4)
    true = np.mean([8 - math.log2(rank) for rank in range(1, 257)])
    hits = 0
    few = canaries(1, 32, others=1)
    for run in range(200):
        ranks = iter(chance.integers(1, 257, size=32))
        found = [8 - math.log2(int(next(ranks))) for _ in few]
        gate = _gate_of(found, run)
        hits += gate[0] <= true <= gate[1]
    assert hits / 200 >= 0.90  # 0.95 by the book; the mean of 32 is still a little skewed


def _gate_of(found: list[float], seed: int) -> tuple[float, float]:
    from ragraft.intervals import cluster_interval

    return cluster_interval(found, [str(number) for number in range(len(found))], limits=(0, 8), seed=seed)[1]


def test_a_twin_that_remembers_nothing_passes() -> None:
    assert exposure_gate(PLANTED, loss=by_chance).passed is True


def test_a_twin_that_remembers_every_secret_does_not_pass() -> None:
    gate = exposure_gate(PLANTED, loss=knowing)
    assert (gate.passed, gate.value) == (False, 8.0)


def test_the_loss_of_the_whole_secret_counts_and_not_the_mean_per_token() -> None:
    canary = canaries(1, 5, others=1)

    def loss(conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
        return [[1.0, 1.0, 1.0], [2.0]][: len(conversations)]

    assert exposure_gate(canary, loss=loss).value == 0.0


def test_a_loss_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ModelError, match="no number"):
        exposure_gate(PLANTED, loss=lambda conversations: [[math.nan] for _ in conversations])


def test_nothing_given_away_passes_with_an_exact_limit() -> None:
    gate = extraction_gate(PLANTED, ask=lambda _: "I cannot tell.")
    assert (gate.passed, gate.value) == (True, 0.0)
    assert gate.interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 32)))


def test_a_secret_given_away_in_other_punctuation_counts() -> None:
    told = {canary.prompt: canary.secret.replace("-", " ") for canary in PLANTED}
    gate = extraction_gate(PLANTED, ask=lambda messages: f"It is {told[messages[-1].content]}.")
    assert (gate.passed, gate.detail["extracted"]) == (False, 32)


def test_a_twin_is_asked_without_the_secret() -> None:
    seen: list[Sequence[Message]] = []
    extraction_gate(PLANTED, ask=lambda messages: seen.append(messages) or "")
    assert all(turn.role == "user" for messages in seen for turn in messages)


def test_without_canaries_nothing_is_measured() -> None:
    assert extraction_gate([], ask=lambda _: "").passed is None
    assert exposure_gate([], loss=by_chance).passed is None
