"""What systems cost, counted by hand, and from how many questions on one is cheaper."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.compare.cost import (
    BreakEven,
    SystemUse,
    Work,
    break_even,
    cost_curve,
    system_cost,
)
from ragraft.compare.prices import PriceList
from ragraft.errors import UserError

RAG = SystemUse("rag", Work(prompt_tokens=2000, output_tokens=100), hosting="small")
TUNED = SystemUse(
    "tuned",
    Work(prompt_tokens=100, output_tokens=100),
    build=Work(training_hours=6),
    refresh=Work(training_hours=2),
    hosting="small",
)


def prices(**other: Any) -> PriceList:
    values = {
        "currency": "EUR",
        "dated": date(2026, 11, 1),
        "months": 12,
        "refreshes_per_month": 1,
        "per_hour": {"training": 2, "search": 3.6},
        "per_million_tokens": {"prompt": 1, "output": 4},
        "hosting_per_month": {"small": 20, "gpu": 500},
    }
    return PriceList.model_validate({**values, **other})


def test_an_answer_costs_its_tokens_and_its_search() -> None:
    use = SystemUse("rag", Work(prompt_tokens=2000, output_tokens=100, search_seconds=0.5))
    cost = system_cost(use, prices()).answer.low
    assert cost == pytest.approx(2000e-6 + 4 * 100e-6 + 0.5 * 0.001)


def test_what_was_built_in_vain_is_paid_too() -> None:
    assert system_cost(replace(TUNED, tries=3), prices()).build.low == pytest.approx(3 * 6 * 2)


def test_a_month_costs_hosting_refreshes_a_part_of_the_build_and_the_answers() -> None:
    month = system_cost(TUNED, prices(refreshes_per_month=4)).month(1000)
    assert month.low == pytest.approx(20 + 4 * 2 * 2 + 12 / 12 + 1000 * (100e-6 + 400e-6))


def test_ranges_give_the_lowest_and_the_highest_cost() -> None:
    cost = system_cost(TUNED, prices(per_hour={"training": [1, 3]}, refreshes_per_month=[1, 2]))
    assert (cost.fixed.low, cost.fixed.high) == pytest.approx((20 + 0.5 + 2, 20 + 1.5 + 12))


def test_the_curve_goes_through_the_costs_of_each_month() -> None:
    cost = system_cost(RAG, prices())
    assert cost_curve(cost, [0, 1000]) == [(0, 20.0, 20.0), (1000, pytest.approx(22.4), pytest.approx(22.4))]


def test_every_price_that_is_needed_and_missing_is_named() -> None:
    use = SystemUse("raft", Work(judge_prompt_tokens=1), build=Work(teacher_output_tokens=1), hosting="moon")
    with pytest.raises(UserError) as caught:
        system_cost(use, prices())
    for name in ("judge_prompt", "teacher_output", "hosting_per_month.moon"):
        assert name in str(caught.value)


def test_the_break_even_by_hand() -> None:
    # A month without questions: 1 for the build and 4 for the refresh more; each answer 0.0019 less.
    found = break_even(TUNED, RAG, prices())
    assert found.surely == (pytest.approx(5 / 0.0019), None)
    assert found.possibly == found.surely
    assert found.words() == "tuned is cheaper than rag from 2,632 questions a month"


def test_seen_from_the_other_system_it_is_cheaper_below_the_break_even() -> None:
    assert (
        break_even(RAG, TUNED, prices()).words() == "rag is cheaper than tuned up to 2,631 questions a month"
    )


def test_ranges_make_the_break_even_an_interval() -> None:
    found = break_even(TUNED, RAG, prices(per_hour={"training": [1, 3]}))
    assert found.possibly == (pytest.approx(2.5 / 0.0019), None)
    assert found.surely == (pytest.approx(7.5 / 0.0019), None)


def test_a_system_that_costs_more_in_every_way_is_never_cheaper() -> None:
    dear = replace(RAG, system="dear", hosting="gpu")
    found = break_even(dear, RAG, prices())
    assert found.never
    assert found.words() == "dear is never cheaper than rag"


def test_a_system_that_costs_less_in_every_way_is_always_cheaper() -> None:
    found = break_even(RAG, replace(RAG, system="dear", hosting="gpu"), prices())
    assert found.always
    assert found.words() == "rag is cheaper than dear at any number of questions"


def test_a_system_is_not_cheaper_than_itself_whatever_the_prices() -> None:
    assert break_even(RAG, RAG, prices(per_million_tokens={"prompt": [0.1, 0.3], "output": [1, 7]})).never


def test_a_price_that_both_pay_alike_makes_no_interval() -> None:
    found = break_even(TUNED, RAG, prices(hosting_per_month={"small": [5, 500]}))
    assert found.surely == found.possibly


def test_never_at_all_prices_and_sometimes_at_some_is_said_so() -> None:
    # At 4 for an output token the longer answers of the tuned model cost more than its shorter prompts save.
    talking = replace(TUNED, answer=Work(prompt_tokens=100, output_tokens=800))
    found = break_even(talking, RAG, prices(per_million_tokens={"prompt": 1, "output": [1, 4]}))
    assert found.surely is None
    assert found.words().endswith("at some of the prices, never at all of them")


def test_all_prices_may_be_ranges() -> None:
    tokens = ("prompt", "cached", "output", "embedding", "teacher_prompt", "teacher_output", "judge_prompt",
              "judge_output")  # fmt: skip
    ranges = prices(
        per_million_tokens={name: [1, 2] for name in tokens},
        per_hour={"training": [1, 2], "search": [1, 2]},
        hosting_per_month={"small": [1, 2], "gpu": [3, 4]},
        refreshes_per_month=[1, 2],
    )
    all_work = Work(*(1.0 for _ in fields(Work)))
    dear = SystemUse("dear", all_work, build=all_work, refresh=all_work, hosting="gpu")
    assert break_even(SystemUse("cheap", Work(), hosting="small"), dear, ranges).always


SPAN = st.tuples(st.floats(0, 10), st.floats(0, 10)).map(sorted)
WORK = st.builds(
    Work,
    training_hours=st.floats(0, 20),
    prompt_tokens=st.floats(0, 4000),
    output_tokens=st.floats(0, 500),
)


@given(WORK, WORK, WORK, WORK, SPAN, SPAN, SPAN, SPAN, st.lists(st.floats(0, 1), min_size=4, max_size=4),
       st.floats(0, 1e6))  # fmt: skip
def test_whatever_the_prices_in_their_ranges_the_break_even_holds(
    first: Work, built: Work, second: Work, other_built: Work, hour: list[float], prompt: list[float],
    output: list[float], often: list[float], places: list[float], questions: float,
) -> None:  # fmt: skip
    one = SystemUse("one", first, build=built, refresh=built)
    other = SystemUse("other", second, build=other_built, refresh=other_built)
    found = break_even(one, other, _priced(hour, prompt, output, often))
    now = [[low + place * (high - low)] * 2
           for (low, high), place in zip((hour, prompt, output, often), places, strict=True)]  # fmt: skip
    left, right = (system_cost(use, _priced(*now)).month(questions).low for use in (one, other))
    slack = 1e-9 * (left + right)
    if _inside(found.surely, questions):
        assert left <= right + slack
    if not _inside(found.possibly, questions):
        assert left >= right - slack


def _priced(hour: list[float], prompt: list[float], output: list[float], often: list[float]) -> PriceList:
    return prices(
        per_hour={"training": hour},
        per_million_tokens={"prompt": prompt, "output": output},
        refreshes_per_month=often,
    )


def _inside(volumes: tuple[float, float | None] | None, questions: float) -> bool:
    return volumes is not None and volumes[0] <= questions <= (
        questions if volumes[1] is None else volumes[1]
    )


@pytest.mark.parametrize(
    ("surely", "possibly", "said"),
    [
        (
            (500.0, None),
            (100.0, None),
            "from 500 questions a month at all prices, and from 100 questions a month",
        ),
        (
            (0.0, 100.0),
            (0.0, None),
            "up to 100 questions a month at all prices, and at any number of questions",
        ),
        (None, (100.0, 200.0), "from 100 to 200 questions a month at some of the prices, never at all"),
    ],
)
def test_an_interval_in_words(
    surely: tuple[float, float | None] | None, possibly: tuple[float, float | None], said: str
) -> None:
    assert BreakEven("a", "b", surely, possibly).words().startswith(f"a is cheaper than b {said}")
