"""How small a difference can be seen, against published multiples and counting by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.compare.power import Reach, paired_error, questions_needed, reach, smallest_difference


def test_the_smallest_difference_is_a_published_multiple_of_the_error() -> None:
    # Bloom 1995: 2.80 errors for a two-sided test at 5 % and a power of 80 %, in large samples.
    assert smallest_difference(1.0, freedom=1000) == pytest.approx(2.80, abs=0.01)


def test_more_comparisons_need_a_larger_difference() -> None:
    assert smallest_difference(1.0, freedom=40, comparisons=10) > smallest_difference(1.0, freedom=40)


def test_the_error_of_independent_pairs_is_mcnemars() -> None:
    assert paired_error(200, discordance=0.2) == pytest.approx(math.sqrt(0.2 / 200))


def test_questions_that_are_all_alike_count_as_one_for_each_document() -> None:
    assert paired_error(200, discordance=0.2, documents=50, alike=1.0) == pytest.approx(
        paired_error(50, discordance=0.2)
    )


@pytest.mark.parametrize("wrong", [{"documents": 300}, {"discordance": 1.2}, {"alike": -0.1}])
def test_numbers_that_no_comparison_can_have_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="questions of"):
        paired_error(200, **{"discordance": 0.2, **wrong})  # type: ignore[arg-type]  # one of three names


def test_ten_points_with_a_discordance_of_a_fifth_need_157_questions() -> None:
    error = paired_error(200, discordance=0.2)
    assert questions_needed(0.1, error=error, questions=200) == 157  # (1.96 + 0.8416)^2 * 0.2 / 0.01


@given(st.floats(0.01, 0.5), st.integers(20, 5000))
def test_half_the_difference_needs_four_times_the_questions(difference: float, questions: int) -> None:
    one, half = (
        questions_needed(part, error=0.03, questions=questions) for part in (difference, difference / 2)
    )
    assert abs(half - 4 * one) <= 4


def test_no_difference_needs_no_end_of_questions_and_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        questions_needed(0.0, error=0.03, questions=200)


def test_systems_that_hardly_differ_still_need_one_question_in_each_of_the_fewest_documents() -> None:
    found = reach(questions=100, documents=50, error=0.0, freedom=49, comparisons=10)
    assert found.smallest == pytest.approx(9 / 100)


def test_no_difference_is_larger_than_all_there_is() -> None:
    assert reach(questions=20, documents=10, error=0.5, freedom=2, comparisons=1).smallest == 1.0


def test_the_reader_is_told_the_points() -> None:
    assert Reach(200, 46, 10, 0.0812, 9).words() == (
        "200 questions from 46 documents can show a difference of 9 points of 100 or more; a smaller one is found "
        "less than four times out of five, even where there is one."
    )


def test_the_reader_is_told_how_many_documents_it_takes() -> None:
    assert Reach(30, 1, 1, None, 6).words() == (
        "30 questions from 1 document cannot show any difference, however large: 6 documents are the fewest for "
        "1 comparison."
    )
