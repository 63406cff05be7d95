"""Training stale adapters again: who is replaced, who is kept, and that one failure stops nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from example_world import example

from adapter_world import PASSED, adapter
from ragraft.errors import DatabaseError, RagraftError, UserError
from ragraft.tune.adapter_rows import Learned
from ragraft.tune.gates.gate import Gate
from ragraft.tune.retrain import (
    Candidate,
    Outcome,
    against_old,
    every,
    read_interval,
    require_news,
    retrain_round,
)
from ragraft.types import AccessLabel, Adapter, Dataset, Example, Message

NOW = datetime(2026, 4, 1, tzinfo=UTC)
NOTHING = Dataset((), (), "", AccessLabel())
FAILED = {"quality": {"passed": False}}


def gate(passed: bool | None, **detail: Any) -> Gate:
    return Gate("against_old", passed, 0.02, (-0.01, 0.05), -0.05, {"questions": 40, **detail})


def candidate(
    old: Adapter, *, gates: Mapping[str, Any] = PASSED, against: Gate | None = None
) -> AbstractContextManager[Candidate]:
    @contextmanager
    def held() -> Iterator[Candidate]:
        yield Candidate(replace(old, gates=gates, tainted_by=()), NOTHING, NOW, against)

    return held()


def became(
    old: Adapter, *, gates: Mapping[str, Any] = PASSED, against: Gate | None = None
) -> tuple[str, str, int]:
    """Return what became of one adapter, why, and how many were put in its place."""
    put: list[Candidate] = []
    (outcome,) = retrain_round(
        [old], train=lambda old: candidate(old, gates=gates, against=against), put=put.append
    )
    return outcome.became, outcome.reason, len(put)


def test_one_that_passes_and_is_surely_not_worse_replaces_the_old() -> None:
    state, reason, put = became(adapter(), against=gate(True))
    assert (state, put) == ("replaced", 1)
    assert "+0.020 (-0.010 to +0.050, bar -0.05) on 40 questions" in reason


@pytest.mark.parametrize(
    ("gates", "against", "reason"),
    [
        (FAILED, gate(True), "did not pass: quality"),
        ({}, gate(True), "gates were not run"),
        (PASSED, gate(False), "not surely as good"),
        (PASSED, gate(None, reason="2 independent groups were asked"), "2 independent groups were asked"),
        (PASSED, None, "was not held against it"),
    ],
)
def test_the_old_one_is_kept_and_the_reason_told(
    gates: Mapping[str, Any], against: Gate | None, reason: str
) -> None:
    state, told, put = became(adapter(), gates=gates, against=against)
    assert (state, put) == ("kept", 0)
    assert reason in told


def test_an_old_one_that_is_out_of_service_is_replaced_by_one_that_passes() -> None:
    old = adapter(tainted_by=("leave.md (erased)",))
    assert became(old)[0] == "replaced"
    assert became(old, gates=FAILED)[0] == "kept"


@pytest.mark.parametrize("error", [UserError("the disk is full", hint="free some"), RuntimeError("bug")])
def test_a_failure_is_told_and_does_not_stop_the_others(error: Exception) -> None:
    def train(old: Adapter) -> AbstractContextManager[Candidate]:
        if old.name == "first":
            raise error
        return candidate(old, against=gate(True))

    told: list[Outcome] = []
    outcomes = retrain_round(
        [adapter("first"), adapter("second")], train=train, put=lambda _: None, on_outcome=told.append
    )
    assert [(one.adapter, one.became) for one in outcomes] == [("first", "failed"), ("second", "replaced")]
    assert str(error) in outcomes[0].reason
    assert told == outcomes


def test_one_whose_examples_are_the_same_as_before_is_kept_without_training() -> None:
    def train(old: Adapter) -> AbstractContextManager[Candidate]:
        require_news(old, replace(NOTHING, fingerprint=old.dataset_fingerprint))
        raise AssertionError("it would be trained")

    (outcome,) = retrain_round([adapter()], train=train, put=lambda _: None)
    assert (outcome.became, "today's examples are those" in outcome.reason) == ("kept", True)


@pytest.mark.parametrize(
    ("old", "fingerprint"), [(adapter(), "beef"), (adapter(tainted_by=("leave.md (narrowed)",)), "f00d")]
)
def test_other_examples_are_news_and_so_is_a_taint(old: Adapter, fingerprint: str) -> None:
    require_news(old, replace(NOTHING, fingerprint=fingerprint))


def test_a_replacement_that_fails_is_a_failure() -> None:
    def put(_: Candidate) -> None:
        raise UserError("leave.md was erased while the adapter was made from it")

    (outcome,) = retrain_round([adapter()], train=lambda old: candidate(old, against=gate(True)), put=put)
    assert (outcome.became, "leave.md" in outcome.reason) == ("failed", True)


def test_ctrl_c_stops_a_round() -> None:
    def train(_: Adapter) -> AbstractContextManager[Candidate]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain_round([adapter("first"), adapter("second")], train=train, put=lambda _: None)


def held_out(count: int) -> tuple[Example, ...]:
    return tuple(example(f"{n:02}", f"What is {n}?", f"It is {n}.") for n in range(count))


def knowing(*, right: bool) -> Callable[[Sequence[Message]], str]:
    def ask(messages: Sequence[Message]) -> str:
        number = messages[-1].content.removeprefix("What is ").removesuffix("?")
        return f"It is {number}." if right else "No."

    return ask


def test_against_the_old_only_what_it_did_not_learn_is_asked() -> None:
    learned = Learned(frozenset(f"{n:02}" for n in range(15)), frozenset(), NOW)
    dataset = Dataset((), held_out(40), "", AccessLabel())
    found = against_old(dataset, old=knowing(right=False), new=knowing(right=True), learned=learned)
    assert (found.name, found.passed, found.detail["questions"]) == ("against_old", True, 25)


def test_one_that_is_worse_than_the_old_does_not_pass() -> None:
    learned = Learned(frozenset(), frozenset(), NOW)
    dataset = Dataset((), held_out(40), "", AccessLabel())
    found = against_old(dataset, old=knowing(right=True), new=knowing(right=False), learned=learned)
    assert found.passed is False


def test_where_the_old_learned_all_that_is_held_out_nothing_is_told() -> None:
    learned = Learned(frozenset(one.id for one in held_out(40)), frozenset(), NOW)
    dataset = Dataset((), held_out(40), "", AccessLabel())
    found = against_old(dataset, old=knowing(right=True), new=knowing(right=True), learned=learned)
    assert found.passed is None


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("24h", 86_400), ("7d", 604_800)])
def test_an_interval_is_read(text: str, seconds: float) -> None:
    assert read_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "24", "-1h", "1.5h", "h", "1 day"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no interval"):
        read_interval(text)


def run_until_third(*, turn: Callable[[], None], seconds: float = 3600) -> tuple[list[float], list[str]]:
    """Run turns until the third wait is interrupted; return the waits and the failures that were told."""
    waits: list[float] = []
    failures: list[str] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    def fail(error: RagraftError) -> None:
        failures.append(str(error))

    every(seconds, turn, on_failure=fail, wait=wait)
    return waits, failures


def test_a_turn_comes_at_once_and_again_after_each_interval() -> None:
    turns: list[int] = []
    waits, _ = run_until_third(turn=lambda: turns.append(1))
    assert len(turns) == 3
    assert waits == pytest.approx([3600] * 3, abs=5)


def test_between_two_turns_there_is_a_pause_however_long_they_take() -> None:
    waits, _ = run_until_third(turn=lambda: None, seconds=0)
    assert waits == [60] * 3


def test_a_turn_that_fails_is_told_and_the_next_one_comes() -> None:
    def turn() -> None:
        raise DatabaseError("the database is not there")

    assert run_until_third(turn=turn)[1] == ["the database is not there"] * 3


def test_sigterm_ends_a_wait() -> None:
    def wait(_: float) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    every(3600, lambda: None, on_failure=lambda _: None, wait=wait)


def test_sigterm_reaches_a_turn_as_ctrl_c_does() -> None:
    reached: list[int] = []

    def turn() -> None:
        before = signal.signal(signal.SIGINT, lambda *_: reached.append(1))
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt

    every(3600, turn, on_failure=lambda _: None)
    assert reached == [1]


def test_sigterm_does_afterwards_what_it_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    run_until_third(turn=lambda: None)
    assert signal.getsignal(signal.SIGTERM) == before
