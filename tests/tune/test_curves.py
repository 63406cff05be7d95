"""The course of a run: which look was best, when to stop, and how it is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.tune.curves import (
    Course,
    Look,
    best_look,
    draw_course,
    is_stalled,
    marked_look,
    smoothed,
    sparkline,
)


def looks(*pairs: tuple[float, float]) -> list[Look]:
    """Looks at (loss, quality), one a step."""
    return [Look(step, loss, quality) for step, (loss, quality) in enumerate(pairs)]


def test_best_look_is_the_one_that_answers_best() -> None:
    assert best_look(looks((4, 0), (2, 0.3), (1, 0.2))) == Look(1, 2, 0.3)


def test_quality_within_its_error_is_decided_by_loss() -> None:
    seen = [Look(0, 4, 0), Look(1, 2, 0.40, 0.1), Look(2, 1, 0.31, 0.1), Look(3, 0.5, 0.2, 0.1)]
    assert best_look(seen) == seen[2]


@given(st.lists(st.tuples(st.floats(0, 4), st.floats(0, 1), st.floats(0, 0.3)), min_size=2, max_size=7))
def test_best_look_is_one_whose_weights_were_kept(found: list[tuple[float, float, float]]) -> None:
    seen = [Look(step, *one) for step, one in enumerate(found)]
    kept = None
    for count in range(2, len(seen) + 1):
        if best_look(seen[:count]) == seen[count - 1]:
            kept = seen[count - 1]
    assert best_look(seen) == kept


def test_what_one_answer_would_change_is_no_difference() -> None:
    assert marked_look(1, loss=1, marks=[1.0]).error == 1
    assert marked_look(1, loss=1, marks=[1.0] * 4).error == 0.25
    assert marked_look(1, loss=1, marks=[0.0, 1.0] * 8).error == pytest.approx(0.129, abs=0.001)


def test_without_answers_the_loss_decides() -> None:
    seen = [marked_look(step, loss=loss, marks=[]) for step, loss in enumerate((4, 2, 1, 1.5, 1.2))]

    assert best_look(seen) == Look(2, 1, None)
    assert is_stalled(seen, patience=2)
    assert not is_stalled(seen, patience=3)


def test_a_long_patience_waits_for_as_many_looks() -> None:
    assert not is_stalled(looks((4, 0), (1, 0.3), (2, 0.2), (2, 0.2)), patience=6)


def test_base_is_never_the_best_look() -> None:
    assert best_look(looks((1, 0.9), (2, 0.1))) == Look(1, 2, 0.1)


def test_no_look_but_the_base_is_no_best() -> None:
    assert best_look(looks((1, 0.9))) is None


def test_worse_loss_and_quality_stall() -> None:
    assert is_stalled(looks((4, 0), (2, 0.3), (2.1, 0.3), (2.2, 0.2)), patience=2)


@pytest.mark.parametrize("last", [(1.9, 0.1), (2.2, 0.4)], ids=["loss", "quality"])
def test_either_getting_better_is_no_stall(last: tuple[float, float]) -> None:
    assert not is_stalled(looks((4, 0), (2, 0.3), (2.1, 0.3), last), patience=2)


def test_first_looks_are_no_stall() -> None:
    assert not is_stalled(looks((4, 0.5), (5, 0.1), (6, 0.1)), patience=2)


def test_sparkline_rises_with_its_values() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_sparkline_is_as_wide_as_asked() -> None:
    assert len(sparkline(list(range(1000)), width=30)) == 30


def test_sparkline_of_equal_values_is_flat() -> None:
    assert sparkline([2.0, 2.0, 2.0]) == "▁▁▁"


def test_sparkline_of_nothing_is_empty() -> None:
    assert sparkline([]) == ""


def test_smoothing_keeps_a_constant() -> None:
    assert smoothed([3.0] * 5) == pytest.approx([3.0] * 5)


def test_equal_courses_give_equal_pictures(tmp_path: Path) -> None:
    course = Course((4.0, 3.0, 2.0), (0.1, 0.2, 0.1), tuple(looks((4, 0), (3, 0.2))))
    draw_course(tmp_path / "one.svg", course)
    draw_course(tmp_path / "two.svg", course)

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_picture_of_looks_without_answers_has_no_f1(tmp_path: Path) -> None:
    course = Course((4.0, 3.0, 2.0), (0.1, 0.2, 0.1), (Look(0, 4, None), Look(3, 2, None)))
    draw_course(tmp_path / "course.svg", course)

    picture = (tmp_path / "course.svg").read_text()
    assert "loss held out" in picture
    assert "F1" not in picture


def test_picture_without_looks_names_no_held_out_line(tmp_path: Path) -> None:
    draw_course(tmp_path / "course.svg", Course((4.0, 3.0), (0.1, 0.2), ()))

    assert "held out" not in (tmp_path / "course.svg").read_text()
