"""Which of two systems is surely faster, and when that matters."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from verdict_world import question, took

from ragraft.compare.pace import Pace, noticed, paces
from ragraft.compare.results import Gauge, Latency
from ragraft.types import Evidence, Question


def timed(system: str, seconds: Sequence[float]) -> Latency:
    """Return what questions q0, q1 ... took."""
    return Latency(
        system, len(seconds), None, Gauge(0, 0), 0, {f"q{at}": one for at, one in enumerate(seconds)}
    )


def pace(one: Sequence[float], other: Sequence[float], questions: Sequence[Question] = ()) -> Pace:
    return paces([timed("one", one), timed("other", other)], questions)[0]


def of_document(at: int, document: str) -> Question:
    return Question(f"q{at}", "?", "x", (), (Evidence(document, "x"),), "fact")


def test_the_mean_is_of_ratios_so_that_a_slow_question_weighs_as_much_as_a_quick_one() -> None:
    assert pace([1, 40], [2, 20]).ratio == pytest.approx(1.0)


def test_half_the_time_on_every_question_is_surely_faster() -> None:
    found = pace([1] * 12, [2] * 12)
    assert found.ratio == pytest.approx(0.5)
    assert (found.questions, found.faster) == (12, True)
    assert found.p == pytest.approx(2 / 2**12)


def test_five_questions_can_show_nothing_however_much_faster() -> None:
    assert not pace([1] * 5, [100] * 5).faster


def test_twelve_questions_of_one_document_are_one_piece_of_evidence() -> None:
    same = [of_document(at, "a.md") for at in range(12)]
    found = pace([1] * 12, [2] * 12, same)
    assert (found.p, found.interval, found.faster) == (1.0, None, False)


def test_questions_of_documents_of_their_own_count_each() -> None:
    own = [of_document(at, f"{at}.md") for at in range(12)]
    assert pace([1] * 12, [2] * 12, own) == pace([1] * 12, [2] * 12)


def test_only_questions_that_both_answered_are_compared() -> None:
    one, other = timed("one", [1.0, 1.0, 9.0]), timed("other", [2.0, 2.0])
    assert paces([one, other])[0].questions == 2
    assert paces([one, other])[0].ratio == pytest.approx(0.5)


def test_systems_that_share_no_question_are_not_compared() -> None:
    assert paces([timed("one", [1.0]), took("none", 1.0), timed("other", [])])[0].other == "none"
    assert paces([timed("one", [1.0]), timed("other", [])]) == ()


def test_the_other_way_round_is_the_same_difference() -> None:
    there, back = paces([timed("one", [1.0, 1.2, 0.9]), timed("other", [2.0, 1.9, 2.2])])
    assert (back.system, back.other) == ("other", "one")
    assert back.ratio == pytest.approx(1 / there.ratio)
    assert there.interval is not None
    assert back.interval is not None
    assert back.interval == pytest.approx((1 / there.interval[1], 1 / there.interval[0]))
    assert not back.faster


def test_many_pairs_are_corrected_for() -> None:
    alone = paces([timed("a", [1] * 7), timed("b", [2] * 7)])[0]
    among = paces([timed(name, [time] * 7) for name, time in zip("abcde", (1, 2, 4, 8, 16), strict=True)])[0]
    assert (alone.p, alone.faster) == (among.p, True)
    assert (among.adjusted, among.faster) == (pytest.approx(10 * among.p), False)


def test_an_answer_that_took_no_time_at_all_is_compared() -> None:
    assert math.isfinite(pace([0.0] * 12, [1.0] * 12).ratio)


def test_of_two_equally_fast_systems_one_is_said_to_be_faster_once_in_twenty_at_most() -> None:
    luck = random.Random(8)
    found = 0
    for _ in range(400):
        hard = [luck.lognormvariate(0, 0.8) for _ in range(12)]
        one, other = ([time * luck.lognormvariate(0, 0.4) for time in hard] for _ in range(2))
        there, back = paces([timed("one", one), timed("other", other)])
        found += there.faster or back.faster
    assert 0 < found / 400 <= 0.05


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    luck = random.Random(9)
    held = 0
    for _ in range(400):
        ratios = [0.7 * luck.lognormvariate(0, 0.4) for _ in range(12)]
        interval = pace(ratios, [1.0] * 12).interval
        assert interval is not None
        held += interval[0] <= 0.7 <= interval[1]
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("quick", "slow", "expected"),
    [
        (took("a", 1.0), took("b", 2.0), True),
        (took("a", 1.7), took("b", 2.0), False),
        (took("a", 0.10), took("b", 0.19), False),
        (took("a", 1.0, 9.0), took("b", 2.0, 9.0), False),
    ],
    ids=["much", "less than a fifth", "less than a tenth of a second", "its slow answers are as slow"],
)
def test_a_difference_matters_if_it_is_a_fifth_and_a_tenth_of_a_second(
    quick: Latency, slow: Latency, expected: bool
) -> None:
    assert noticed(quick, slow) is expected


def test_an_unanswerable_question_stands_for_itself() -> None:
    asked = [question(f"q{at}", "Why?", "") for at in range(12)]
    assert pace([1] * 12, [2] * 12, asked).faster
