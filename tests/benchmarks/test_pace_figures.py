"""The benchmark of timed comparisons: what it makes up is as it says, and the page of the verdict tells what it found."""

from __future__ import annotations

import json
import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.figures import RESULTS
from benchmarks.pace import (
    EQUAL,
    FASTER_BY,
    OWN,
    SIX,
    World,
    latencies_of,
    measure,
    row_of,
    students_t,
    welch,
)

from ragraft.compare.clustered import flip_test
from ragraft.compare.pace import noticed, paces

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "verdict.md"


def log_ratios(world: World, runs: int = 4000) -> np.ndarray[Any, np.dtype[np.float64]]:
    times = world.seconds(np.random.default_rng(1), runs)
    return np.log(times[:, 0] / times[:, 1])


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "pace.json").read_text("utf-8"))
    return found


def test_the_first_system_takes_its_share_of_the_time_in_truth() -> None:
    assert math.exp(log_ratios(World(2, 1.2, 0.7)).mean()) == pytest.approx(0.7, rel=0.01)


def test_equal_systems_take_equally_long_in_truth() -> None:
    assert all(abs(log_ratios(world).mean()) < 0.015 for world in EQUAL)


def test_times_vary_by_the_factor_that_is_told() -> None:
    spread = log_ratios(World(2, 1.5)).std() / math.sqrt(2)
    assert math.exp(spread) == pytest.approx(1.5, rel=0.01)


def test_questions_of_one_document_go_together_by_half() -> None:
    found = log_ratios(World(2, 1.5, documents=SIX))
    assert np.corrcoef(found[:, 0], found[:, 1])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert np.corrcoef(found[:, 0], found[:, 3])[0, 1] == pytest.approx(0.0, abs=0.05)


def test_an_answer_that_is_held_up_takes_three_times_as_long() -> None:
    calm, held_up = (World(2, 1.0 + 1e-9, stalls=share) for share in (0.0, 0.1))
    assert np.abs(log_ratios(calm)).max() < 1e-6
    assert set(np.abs(log_ratios(held_up)).round(6).ravel()) == {0.0, round(math.log(3), 6)}


def test_each_world_asks_twelve_questions_of_the_documents_it_names() -> None:
    assert [len(World(2, 1.2, documents=each).questions) for each in (OWN, SIX)] == [12, 12]
    assert len({one.evidence[0].document for one in World(2, 1.2, documents=SIX).questions}) == 6


def test_the_truth_of_a_pair_is_the_share_one_way_and_its_inverse_the_other() -> None:
    world = World(3, 1.2, 0.5)
    times = world.seconds(np.random.default_rng(2), 1)
    [latencies] = latencies_of(times, [one.id for one in world.questions])
    truths = {(one.system, one.other): world.truth(one) for one in paces(latencies, world.questions)}
    assert (truths["s0", "s1"], truths["s1", "s0"], truths["s1", "s2"]) == (0.5, 2.0, 1.0)


def test_times_are_handed_on_with_their_middle_and_slow_end() -> None:
    times = np.array([[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]])
    [(quick, slow)] = latencies_of(times, ["a", "b", "c"])
    assert (quick.seconds, slow.total.p50) == ({"a": 1.0, "b": 2.0, "c": 3.0}, 4.0)
    assert slow.total.p95 == pytest.approx(5.8)
    assert noticed(quick, slow)


def test_of_two_equal_systems_the_test_tells_apart_102_of_2048_whatever_their_times() -> None:
    ratios = np.abs(np.random.default_rng(5).normal(size=12))
    signs = np.array(list(product((1, -1), repeat=11)))
    apart = sum(flip_test(ratios * [1, *each]) <= 0.05 for each in signs)
    assert apart == 102


def test_students_t_finds_what_its_table_says() -> None:
    # Three ratios, mean 1 and standard deviation 0.4: t = 4.33 on 2 degrees of freedom, of which the table asks 4.303.
    found = students_t(np.exp([[[0.0, 0.0, 0.0], [0.6, 1.0, 1.4]]]))
    missed = students_t(np.exp([[[0.0, 0.0, 0.0], [0.59, 1.0, 1.41]]]))
    assert (found, missed) == (1.0, 0.0)


def test_students_t_that_is_enough_for_one_pair_is_not_for_three() -> None:
    third = [5.0, -5.0, 0.0]
    assert students_t(np.exp([[[0.0, 0.0, 0.0], [0.6, 1.0, 1.4], third]])) == 0.0


def test_students_t_is_asked_less_of_once_the_other_pairs_were_found() -> None:
    # Both others are slower without a doubt and differ surely from each other: the last step is that of one pair.
    third = [50.61, 51.0, 51.4]
    assert students_t(np.exp([[[0.0, 0.0, 0.0], [0.6, 1.0, 1.4], third]])) == 1.0


def test_the_unpaired_test_is_that_of_welch() -> None:
    # Means 1.25 apart, variances 1 and 0.25 of five each: t = 2.5 on 5.88 degrees of freedom, of which 2.46 is asked.
    one = np.array([-1.264911, -0.632456, 0.0, 0.632456, 1.264911])
    assert welch(np.exp([[one, one / 2 + 1.25]])) == 1.0
    assert welch(np.exp([[one, one / 2 + 1.20]])) == 0.0


def test_a_faster_system_is_found_more_often_by_pairing_its_questions() -> None:
    row = row_of(World(2, 1.2, 0.7), np.random.default_rng(3), 100)
    assert row["found"] > 0.8 > 0.3 > row["Welch, questions not paired"]
    assert row["found and noticed"] <= row["found"]


def test_questions_of_one_document_taken_each_for_itself_tell_equal_systems_apart() -> None:
    row = row_of(World(2, 1.5, documents=SIX), np.random.default_rng(4), 300)
    assert row["each question for itself"] > 0.08 > row["told apart"]


def test_a_small_run_has_a_figure_for_each_world_in_which_one_is_faster() -> None:
    report = measure(equal=3, faster=3)
    assert len({one.name for one in report.figures if one.name.endswith("found")}) == len(FASTER_BY)
    assert all(math.isfinite(one.value) for one in report.figures)


def told(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"


def told_rows(page: str) -> dict[str, tuple[str, str]]:
    """The rows of the table on the page of the verdict: what is compared, and its cells."""
    section = page.partition("### How sure it is that one is faster")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([^|]*system[^|]*|one of five[^|]*) \| ([^|]*) \| ([^|]*) \|$", section, re.M)
    return {what: (calm, uneven) for what, calm, uneven in rows}


def test_the_page_of_the_verdict_tells_what_was_measured() -> None:
    measured: dict[str, dict[float, str]] = {}
    detail = recorded()["detail"]
    for row in detail["equal"]:
        if row["documents"] == list(OWN) and not row["stalls"]:
            what = f"{'two' if row['systems'] == 2 else 'five'} systems, equally fast"
            cell = f"{told(row['told apart'])}, {told(row['told apart and noticed'])}"
            measured.setdefault(what, {})[row["varying"]] = cell
    for row in detail["faster"]:
        what = f"{'two systems' if row['systems'] == 2 else 'one of five'}, {row['share']} of the time"
        cell = f"{told(row['found'])}, {told(row['found and noticed'])}"
        measured.setdefault(what, {})[row["varying"]] = cell
    assert told_rows(PAGE.read_text("utf-8")) == {
        what: (cells[1.2], cells[1.5]) for what, cells in measured.items()
    }
