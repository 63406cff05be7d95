"""What would change a verdict."""

from __future__ import annotations

import pytest
from verdict_world import World, fresh, mixed, prices, read_aloud, right

from ragraft.compare.choosing import Month
from ragraft.compare.results import Sensitivity, Verdict

EQUAL = {"rag": mixed(150), "tuned": mixed(150, shift=30)}
FRESHNESS = [fresh("rag", 38), fresh("tuned", 2, refresh_seconds=3600)]


def drawn(found: Verdict) -> Sensitivity:
    assert found.sensitivity is not None
    return found.sensitivity


def test_the_map_has_a_choice_for_each_number_of_questions_and_changes() -> None:
    found = drawn(World(EQUAL).decide(prices=prices(), month=Month(250, 2.5)))
    assert found.today == (250, 2.5)
    assert 250 in found.questions
    assert 2.5 in found.changes
    assert [len(row) for row in found.choices] == [len(found.questions)] * len(found.changes)


def test_the_map_says_the_same_as_the_verdict_where_it_stands() -> None:
    for asked in (250.0, 1e6):
        found = World(EQUAL).decide(prices=prices(), freshness=FRESHNESS, month=Month(asked, 2.0))
        map_ = drawn(found)
        assert map_.choices[map_.changes.index(2.0)][map_.questions.index(asked)] == found.system


def test_a_verdict_at_any_place_of_the_map_is_what_the_map_says() -> None:
    map_ = drawn(World(EQUAL).decide(prices=prices(), freshness=FRESHNESS))
    for row in (0, 4, 9, 13):
        for column in (0, 8, 15):
            month = Month(map_.questions[column], map_.changes[row])
            found = World(EQUAL).decide(prices=prices(), freshness=FRESHNESS, month=month)
            assert map_.choices[row][column] == found.system


def test_the_volume_at_which_the_choice_changes_is_the_break_even() -> None:
    # By hand, at the middle of the prices: (1 / 12 + 2 refreshes) * 1.5 EUR, over 860 prompt tokens and 20 output tokens
    # less for each answer, 0.00046 EUR.
    found = World(EQUAL).decide(prices=prices(), month=Month(100, 2))
    even = next(one.text for one in found.reasons if "questions a month on" in one.text)
    assert even == "The choice would be tuned from 6,800 questions a month on."


def test_more_changes_bring_back_the_system_that_follows_them() -> None:
    found = World(EQUAL).decide(prices=prices(), freshness=FRESHNESS, month=Month(1e6, 1))
    assert found.system == "tuned"
    # An hour of training after each change is more than a hundredth of the month from 7.3 changes on.
    assert "rag from 7.3 changes a month on" in read_aloud(found)


def test_a_surely_better_system_stays_whatever_the_volumes_and_prices() -> None:
    found = World({"rag": right(50), "raft": right(150)}).decide(prices=prices(), month=Month(1000, 2))
    assert {name for row in drawn(found).choices for name in row} == {"raft"}
    assert "Nothing that was tried would change the choice" in read_aloud(found)


def test_a_price_that_matters_is_named_with_the_end_that_matters() -> None:
    wide = prices(per_hour={"training": [0.01, 50]})
    found = World(EQUAL).decide(prices=wide, month=Month(20_000, 1))
    assert found.system == "rag"
    assert "tuned if an hour of training cost 0.01 EUR" in read_aloud(found)


def test_without_prices_only_changes_matter() -> None:
    found = drawn(World(EQUAL).decide(freshness=FRESHNESS))
    assert all(len(set(row)) == 1 for row in found.choices)


@pytest.mark.parametrize("other", [{}, {"prices": prices(), "barred": {"tuned": "it is withdrawn"}}])
def test_nothing_is_drawn_where_nothing_can_change(other: dict[str, object]) -> None:
    assert World(EQUAL).decide(**other).sensitivity is None
