"""Latency: what is timed, what is not, and of whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asking_world import LEAVE, LUNCH, QUESTIONS, ScriptedSystem, broken

from ragraft.access.labels import OWNER
from ragraft.compare.latency import measure_latency
from ragraft.types import Answer

KNOWS = {LEAVE.text: "Thirty days.", LUNCH.text: "At noon."}


def sleeper(seconds: float) -> Callable[[str], None]:
    return lambda _: time.sleep(seconds)


def test_each_question_is_asked_of_all_systems_in_turn_and_alone() -> None:
    order: list[str] = []
    arms = {
        name: ScriptedSystem(before=lambda question, name=name: order.append(f"{name} {question}"))
        for name in ("a", "b")
    }
    measure_latency(arms, QUESTIONS, caller=OWNER)
    assert order == [f"{name} {one.text}" for one in QUESTIONS for name in ("a", "b")]
    assert arms["a"].together == []


def test_the_warm_up_is_asked_and_not_counted() -> None:
    slow_at_first = ScriptedSystem(before=lambda text: time.sleep(0.3 if text == LEAVE.text else 0))
    (latency,) = measure_latency({"a": slow_at_first}, QUESTIONS, caller=OWNER, warm_up=1)
    assert latency.asked == len(QUESTIONS) - 1
    assert latency.total.p95 < 0.3


def test_the_time_of_each_question_is_kept() -> None:
    slow = ScriptedSystem(before=lambda text: time.sleep(0.1 if text == LUNCH.text else 0))
    (latency,) = measure_latency({"a": slow}, QUESTIONS, caller=OWNER)
    assert set(latency.seconds) == {one.id for one in QUESTIONS[1:]}
    assert latency.seconds[LUNCH.id] == max(latency.seconds.values()) >= 0.1


def test_the_whole_answer_takes_at_least_as_long_as_its_first_text() -> None:
    class Slow(ScriptedSystem):
        def answer(self, question: str, **more: Any) -> Answer:
            made = super().answer(question, **more)
            time.sleep(0.02)
            return made

    (latency,) = measure_latency({"a": Slow(KNOWS)}, QUESTIONS, caller=OWNER)
    assert latency.first_text is not None
    assert 0 < latency.first_text.p50 <= latency.total.p50 - 0.02
    assert latency.total.p50 <= latency.total.p95


def test_a_system_that_streams_nothing_has_no_first_text() -> None:
    class Silent(ScriptedSystem):
        def answer(self, question: str, **more: Any) -> Answer:
            return super().answer(question, caller=more["caller"])

    (latency,) = measure_latency({"a": Silent()}, QUESTIONS, caller=OWNER)
    assert latency.first_text is None
    assert latency.asked == 2


def test_a_question_on_which_a_system_fails_is_not_timed() -> None:
    arms = {"a": ScriptedSystem({LUNCH.text: broken()}), "b": ScriptedSystem()}
    assert [(one.system, one.asked) for one in measure_latency(arms, QUESTIONS, caller=OWNER)] == [
        ("a", 1),
        ("b", 2),
    ]


def test_a_system_that_answers_nothing_has_no_latency() -> None:
    closed = ScriptedSystem({one.text: broken() for one in QUESTIONS})
    found = measure_latency({"closed": closed, "b": ScriptedSystem()}, QUESTIONS, caller=OWNER)
    assert [one.system for one in found] == ["b"]


def test_memory_that_an_answer_takes_is_seen() -> None:
    held: list[bytes] = []

    def take(_: str) -> None:
        held.append(b"x" * 80_000_000)
        time.sleep(0.15)
        held.clear()

    small, large = measure_latency(
        {"small": ScriptedSystem(), "large": ScriptedSystem(before=take)}, QUESTIONS, caller=OWNER
    )
    assert large.memory - small.memory > 40_000_000


def test_progress_counts_every_answer() -> None:
    seen: list[tuple[int, int]] = []
    measure_latency(
        {"a": ScriptedSystem(), "b": ScriptedSystem()},
        QUESTIONS,
        caller=OWNER,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 6) for done in range(1, 7)]
