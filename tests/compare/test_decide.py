"""Which system a comparison names, by rules that were stated before it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_world import (
    PLAIN,
    RAFT,
    RAG,
    TUNED,
    World,
    arm,
    compared,
    fresh,
    mixed,
    prices,
    right,
    took,
    tried,
)

from ragraft.compare.choosing import PRIORITIES, Month, read_priorities
from ragraft.compare.cost import SystemUse, Work
from ragraft.compare.decide import decide
from ragraft.compare.results import Arm, Verdict
from ragraft.errors import UserError
from ragraft.types import Evidence, Question

FAILED = {"quality": {"passed": True}, "general_tasks": {"passed": False}}
UNSURE = {"quality": {"passed": None}}
AHEAD = {"plain": right(20), "rag": right(100), "tuned": right(60), "raft": right(160)}
EQUAL = {"rag": mixed(150), "raft": mixed(150, shift=30)}


def test_a_system_that_is_surely_better_than_every_other_wins() -> None:
    found = World(AHEAD).decide()
    assert (found.kind, found.system) == ("winner", "raft")


def test_a_winner_that_is_not_tuned_says_not_to_fine_tune() -> None:
    found = World({"plain": right(20), "rag": right(160), "tuned": right(60)}).decide()
    assert (found.kind, found.system) == ("winner", "rag")
    assert found.headline.endswith("Do not fine-tune.")


def test_equal_systems_have_no_winner() -> None:
    same = {name: right(150) for name in ("plain", "rag", "tuned", "raft")}
    assert World(same).decide().kind != "winner"


@pytest.mark.parametrize("gates", [FAILED, UNSURE, {}], ids=["failed", "not known", "not run"])
def test_an_adapter_without_passed_gates_is_never_named_however_good(gates: dict[str, object]) -> None:
    found = World(AHEAD, gates={"raft": gates}).decide()
    assert found.system == "rag"
    assert set(found.excluded) == {"raft"}


def test_memory_gates_from_the_leakage_count_like_the_others() -> None:
    leakage = replace(tried("raft"), canaries={"extraction": {"passed": False}})
    found = World(AHEAD).decide(leakage=[leakage])
    assert found.excluded == {"raft": "it did not pass: extraction"}


def test_a_system_that_gave_something_away_is_never_named_whatever_the_priorities() -> None:
    for first in PRIORITIES:
        order = read_priorities(first)
        found = World(AHEAD).decide(*order, leakage=[tried("raft", leaks=1)])
        assert found.system not in ("", "raft")
        assert found.excluded["raft"] == "it gave away what the caller may not know in 1 of 100 attempts"


def test_a_barred_system_is_never_named_and_its_reason_is_kept() -> None:
    found = World(AHEAD).decide(barred={"raft": "it is withdrawn"})
    assert (found.system, found.excluded) == ("rag", {"raft": "it is withdrawn"})


def test_without_any_system_that_may_be_used_nothing_is_named() -> None:
    found = World(AHEAD).decide(barred=dict.fromkeys(AHEAD, "it is a control"))
    assert (found.kind, found.system) == ("no_verdict", "")
    assert "none of the systems may be used" in found.headline


def test_the_only_system_that_may_be_used_is_named_but_wins_nothing() -> None:
    found = World(AHEAD).decide(barred=dict.fromkeys(("plain", "rag", "tuned"), "it is a control"))
    assert (found.kind, found.system) == ("preferred", "raft")


def test_few_questions_give_no_verdict_and_say_what_it_takes() -> None:
    found = World({"rag": right(4, 8), "raft": right(5, 8)}).decide()
    assert (found.kind, found.system) == ("no_verdict", "")
    assert any(one.text.startswith("About 200 questions like these") for one in found.reasons)


def test_fewer_documents_than_can_show_anything_ask_for_more_documents() -> None:
    found = World({"rag": right(2, 3), "raft": right(3, 3)}).decide()
    assert any("Take questions from more documents: 6" in one.text for one in found.reasons)


def test_few_questions_can_still_show_a_winner() -> None:
    found = World({"rag": right(0, 8), "raft": right(8, 8)}).decide()
    assert (found.kind, found.system) == ("winner", "raft")


def test_a_tuned_system_that_is_not_better_and_costs_more_is_not_worth_it() -> None:
    found = World(EQUAL).decide(prices=prices(), month=Month(1000))
    assert (found.kind, found.system) == ("do_not_tune", "rag")
    assert "was not shown to be better" in found.headline
    assert "it costs more" in found.headline


def test_a_tuned_system_that_is_not_better_and_staler_is_not_worth_it() -> None:
    uses = [RAG, replace(TUNED, system="raft", build=Work(training_hours=0.001), refresh=Work())]
    freshness = [fresh("rag", 38), fresh("raft", 2)]
    found = World(EQUAL, uses=uses).decide(freshness=freshness)
    assert (found.kind, found.system) == ("do_not_tune", "rag")
    assert "follows changes worse" in found.headline


def test_a_tuned_system_that_is_cheaper_at_this_volume_is_not_turned_down() -> None:
    marks = {"rag": mixed(150), "tuned": mixed(150, shift=30)}
    found = World(marks).decide(prices=prices(), month=Month(1_000_000))
    assert (found.kind, found.system) == ("cheapest", "tuned")


def test_not_worse_is_only_said_where_it_is_shown() -> None:
    twin = replace(PLAIN, system="twin", answer=Work(prompt_tokens=900, output_tokens=30))
    sure = World({"rag": right(900, 1000), "twin": right(900, 1000)}, uses=[RAG, twin]).decide()
    unsure = World({"rag": mixed(150), "twin": mixed(150, shift=30)}, uses=[RAG, twin]).decide()
    assert (sure.kind, sure.system) == (unsure.kind, unsure.system) == ("cheapest", "twin")
    assert "The cheapest that is not worse is twin" in sure.headline
    assert "could not be told apart" in unsure.headline
    assert any("rag may be up to" in one.text for one in unsure.reasons)


def test_a_system_that_may_be_far_behind_is_left_out_though_it_is_cheaper() -> None:
    marks = {"rag": mixed(52, 100), "raft": mixed(60, 100, shift=-10)}
    found = World(marks).decide()
    assert (found.kind, found.system) == ("preferred", "raft")
    assert "rag may be more than 15 points of 100 worse" in found.headline


def test_of_equals_the_one_that_follows_changes_is_preferred() -> None:
    uses = [RAG, replace(PLAIN, system="raft")]
    found = World(EQUAL, uses=uses).decide(freshness=[fresh("rag", 38), fresh("raft", 2)])
    assert (found.kind, found.system) == ("preferred", "rag")
    assert "surely better at following changes than raft" in found.headline


def test_of_equals_the_faster_is_preferred_if_speed_comes_before_cost() -> None:
    found = World(EQUAL).decide(
        *read_priorities("quality,latency"), latencies=[took("rag", 3), took("raft", 1)]
    )
    assert (found.kind, found.system) == ("preferred", "raft")


def test_a_difference_in_speed_that_nobody_notices_decides_nothing() -> None:
    order = read_priorities("quality,latency")
    found = World(EQUAL).decide(*order, latencies=[took("rag", 0.1), took("raft", 0.05)])
    assert found.system == "rag"


def test_a_difference_in_speed_that_so_few_questions_cannot_show_decides_nothing() -> None:
    order = read_priorities("quality,latency")
    few = [
        replace(one, seconds=dict(list(one.seconds.items())[:5])) for one in (took("rag", 3), took("raft", 1))
    ]
    assert World(EQUAL).decide(*order, latencies=few).system == "rag"


def test_timed_questions_of_one_document_are_one_piece_of_evidence() -> None:
    order = read_priorities("quality,latency")
    asked = [Question(f"q{at}", "?", "x", (), (Evidence("a.md", "x"),), "fact") for at in range(20)]
    times = [took("rag", 3), took("raft", 1)]
    assert World(EQUAL).decide(*order, latencies=times).system == "raft"
    assert World(EQUAL).decide(*order, latencies=times, questions=asked).system == "rag"


def test_a_system_that_serves_fewer_of_those_who_may_know_drops_out() -> None:
    found = World(EQUAL).decide(leakage=[tried("rag", served=3), tried("raft")])
    assert (found.kind, found.system) == ("preferred", "raft")


def test_a_system_whose_leaks_nobody_looked_for_drops_out_but_is_not_called_worse() -> None:
    found = World(EQUAL).decide(leakage=[tried("raft")])
    assert found.system == "raft"
    assert "was not measured" in found.headline


def test_changes_decide_nothing_where_nothing_changes() -> None:
    uses = [RAG, replace(PLAIN, system="raft")]
    freshness = [fresh("rag", 38), fresh("raft", 2)]
    assert World(EQUAL, uses=uses).decide(freshness=freshness, month=Month(changes=0)).system == "raft"


def test_a_system_that_is_up_to_date_again_in_no_time_is_not_called_stale() -> None:
    marks = {"rag": mixed(150), "tuned": mixed(150, shift=30)}
    freshness = [fresh("rag", 38), fresh("tuned", 2, refresh_seconds=3600)]
    given_ = {"freshness": freshness, "prices": prices()}
    assert World(marks).decide(**given_, month=Month(1e6, 1)).system == "tuned"
    assert World(marks).decide(**given_, month=Month(1e6, 100)).system == "rag"


def test_the_order_of_priorities_decides_between_a_better_and_a_fresher_system() -> None:
    marks = {"rag": right(100), "tuned": right(160)}
    freshness = [fresh("rag", 38), fresh("tuned", 2, refresh_seconds=3600)]
    assert World(marks).decide(freshness=freshness).system == "tuned"
    fresher = World(marks).decide(*read_priorities("freshness"), freshness=freshness)
    assert (fresher.kind, fresher.system) == ("winner", "rag")
    assert fresher.headline.startswith("You put freshness first.")
    assert any("That is given up" in one.text for one in fresher.reasons)


def test_a_priority_that_was_not_measured_decides_nothing_and_is_named() -> None:
    found = World(AHEAD).decide(*read_priorities("latency"))
    assert (found.kind, found.system) == ("winner", "raft")
    assert any(one.text == "Latency was not measured, so it decided nothing." for one in found.reasons)


def test_what_was_measured_of_some_systems_is_said_of_which_it_was_not() -> None:
    found = World(EQUAL).decide(freshness=[fresh("rag", 38)], latencies=[took("raft", 1)])
    said = [one.text for one in found.reasons]
    assert "Freshness was not measured of raft." in said
    assert "Latency was not measured of rag." in said


def test_a_month_without_questions_has_a_verdict_too() -> None:
    found = World(EQUAL).decide(prices=prices(), month=Month(0, 0))
    assert found.system == "rag"
    assert found.sensitivity is not None
    assert found.sensitivity.today == (0, 0)


def test_a_system_that_only_some_may_use_is_named_with_that() -> None:
    found = World(AHEAD, labels={"raft": "hr"}).decide()
    assert any("Not everybody may use it: hr" in one.text for one in found.reasons)


def test_a_winner_that_is_mostly_wrong_is_named_with_that() -> None:
    found = World({"plain": right(2), "rag": right(50)}).decide()
    assert any("surely wrong more often than right" in one.text for one in found.reasons)


def test_systems_that_were_not_compared_are_an_error_of_the_caller() -> None:
    arms = [arm(RAG), arm(RAFT), arm(PLAIN)]
    with pytest.raises(ValueError, match="were not compared"):
        decide(arms=arms, comparisons={"handled": compared(EQUAL)})


def test_a_price_that_is_missing_is_named() -> None:
    with pytest.raises(UserError, match=r"per_hour\.training"):
        World(EQUAL).decide(prices=prices(per_hour={}))


def test_priorities_that_are_not_named_come_after_those_that_are() -> None:
    assert read_priorities("cost, Privacy") == ("cost", "privacy", "quality", "freshness", "latency")


@pytest.mark.parametrize("text", ["speed", "cost,cost"])
def test_a_priority_that_is_none_or_twice_there_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_priorities(text)


SYSTEMS = ("plain", "rag", "tuned", "raft")
SECTIONS = {
    "systems",
    "quality",
    "citations",
    "abstention",
    "freshness",
    "leakage",
    "forgetting",
    "latency",
    "cost",
    "questions",
}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, tuple[str, ...], Month]:
    """Draw a comparison of any size, with anything measured or not, and an order of priorities."""
    names = draw(st.lists(st.sampled_from(SYSTEMS), min_size=2, max_size=4, unique=True))
    count = draw(st.integers(1, 60))
    marks = {
        name: mixed(draw(st.integers(0, count)), count, shift=draw(st.integers(0, count))) for name in names
    }

    def some() -> list[str]:
        return draw(st.lists(st.sampled_from(names), unique=True))

    other = {
        "freshness": [
            fresh(name, draw(st.integers(0, 40)), refresh_seconds=draw(st.sampled_from([0.0, 3600.0])))
            for name in some()
        ],
        "leakage": [
            tried(name, leaks=draw(st.sampled_from([0, 0, 1])), served=draw(st.integers(0, 20)))
            for name in some()
        ],
        "latencies": [took(name, draw(st.floats(0.01, 10))) for name in some()],
        "prices": draw(st.sampled_from([None, prices()])),
        "barred": dict.fromkeys(draw(st.sampled_from([[], [], names[:1], names])), "it is withdrawn"),
    }
    gates = {name: draw(st.sampled_from([{"quality": {"passed": True}}, FAILED])) for name in names}
    month = Month(
        draw(st.sampled_from([None, 10.0, 30_000.0])), draw(st.sampled_from([None, 0.0, 3.0, 500.0]))
    )
    return World(marks, gates=gates, other=other), tuple(draw(st.permutations(PRIORITIES))), month


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_every_comparison_has_a_verdict_that_keeps_the_rules(
    drawn: tuple[World, tuple[str, ...], Month],
) -> None:
    world, order, month = drawn
    found = world.decide(*order, month=month)
    usable = set(world.marks) - set(found.excluded)
    assert (found.system == "") == (found.kind == "no_verdict")
    assert found.system in usable | {""}
    assert {one.section for one in found.reasons} <= SECTIONS
    assert found.headline.endswith(".")
    assert all(one.text.endswith(".") for one in found.reasons)
    tuned = {use.system for use in world.uses if use.build.training_hours}
    if found.kind == "do_not_tune":
        assert found.system not in tuned
        assert usable & tuned
    if found.sensitivity:
        chosen = {name for row in found.sensitivity.choices for name in row}
        assert chosen <= usable | {""}


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(0, 1000))
def test_the_order_of_the_systems_makes_no_difference(
    drawn: tuple[World, tuple[str, ...], Month], seed: int
) -> None:
    world, order, month = drawn
    chance = random.Random(seed)
    turned = chance.sample(sorted(world.marks), len(world.marks))
    other = replace(
        world,
        marks={name: world.marks[name] for name in turned},
        uses=sorted(world.uses, key=lambda use: -(turned.index(use.system) if use.system in turned else 9)),
        other={
            name: chance.sample(value, len(value)) if isinstance(value, list) else value
            for name, value in world.other.items()
        },
    )
    one, two = world.decide(*order, month=month), other.decide(*order, month=month)
    assert (one.kind, one.system, one.excluded) == (two.kind, two.system, two.excluded)


def test_of_two_equally_good_systems_one_wins_in_one_of_twenty_comparisons_at_most() -> None:
    chance = random.Random(5)
    twin = SystemUse("twin", RAG.answer)
    found: list[Verdict] = []
    for _ in range(200):
        marks = {name: [chance.random() < 0.6 for _ in range(60)] for name in ("rag", "twin")}
        followed = [
            replace(fresh(name, sum(chance.random() < 0.7 for _ in range(40))), system=name) for name in marks
        ]
        found.append(World(marks, uses=[RAG, twin]).decide(freshness=followed))
    assert 0 < sum(one.kind == "winner" for one in found) <= 10


def test_arms_are_told_apart_as_tuned_by_their_adapter_and_not_by_their_kind() -> None:
    house = arm(RAFT)
    bare: Arm = replace(house, adapter="", gates={})
    arms = [arm(RAG), bare]
    assert decide(arms=arms, comparisons={"handled": compared(EQUAL)}).kind != "do_not_tune"
