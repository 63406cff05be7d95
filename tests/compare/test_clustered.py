"""Exact tests and intervals of marks that come in documents, against counting by hand and printed values."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.compare.clustered import Clustered, fewest_documents, flip_test, holm, quantile
from ragraft.intervals import mcnemar

SUMS = st.lists(st.integers(-8, 8), min_size=1, max_size=9)
MARKS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["a", "b", "c", "d", "e"])), min_size=1, max_size=30
)


def by_counting(sums: list[int]) -> float:
    """Return the share of all combinations of signs that come to as much as was seen, or more."""
    totals = [abs(sum(sign * one for sign, one in zip(signs, sums, strict=True)))
              for signs in product((1, -1), repeat=len(sums))]  # fmt: skip
    return sum(total >= abs(sum(sums)) for total in totals) / len(totals)


@given(SUMS)
def test_the_flip_test_counts_every_combination_of_signs(sums: list[int]) -> None:
    assert flip_test([float(one) for one in sums]) == pytest.approx(by_counting(sums), abs=1e-12)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=60))
def test_with_one_question_in_each_document_it_is_mcnemars_exact_test(sums: list[int]) -> None:
    assert flip_test([float(one) for one in sums]) == pytest.approx(mcnemar(sums.count(-1), sums.count(1)))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_the_flip_test_does_not_care_which_system_comes_first(sums: list[float]) -> None:
    assert flip_test(sums) == flip_test([-one for one in sums])


def test_the_flip_test_of_fractions_agrees_with_a_library() -> None:
    # scipy.stats.permutation_test(permutation_type="samples", statistic=mean), all 2^12 combinations
    sums = [0.61, -0.2, 0.33, 0.9, -0.45, 0.08, 0.72, 0.15, -0.05, 0.4, 0.27, -0.31]
    assert flip_test(sums) == pytest.approx(0.12158203125, abs=2e-3)


def test_systems_that_never_differ_have_a_p_value_of_one() -> None:
    assert flip_test([0.0, 0.0, 0.0]) == 1.0


@pytest.mark.parametrize(("comparisons", "documents"), [(1, 6), (4, 8), (10, 9)])
def test_the_fewest_documents_are_those_with_which_something_can_be_found(
    comparisons: int, documents: int
) -> None:
    assert fewest_documents(comparisons) == documents
    assert flip_test([1.0] * documents) * comparisons <= 0.05
    assert flip_test([1.0] * (documents - 1)) * comparisons > 0.05


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_only_raises_and_keeps_the_order(chances: list[float]) -> None:
    adjusted = holm(chances)
    assert all(before <= after <= 1 for before, after in zip(chances, adjusted, strict=True))
    assert [adjusted[at] for at in np.argsort(chances)] == sorted(adjusted)


@given(MARKS)
def test_the_interval_holds_the_mean_and_stays_within_the_limits(marks: list[tuple[float, str]]) -> None:
    found = Clustered.of([mark for mark, _ in marks], [name for _, name in marks])
    low, high = found.interval(limits=(0.0, 1.0))
    assert -1e-9 <= low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= high <= 1 + 1e-9


@given(MARKS)
def test_the_interval_is_wider_for_more_confidence(marks: list[tuple[float, str]]) -> None:
    found = Clustered.of([mark for mark, _ in marks], [name for _, name in marks])
    some, more = (found.interval(limits=(0.0, 1.0), level=level) for level in (0.95, 0.995))
    assert more[0] <= some[0] + 1e-12
    assert some[1] <= more[1] + 1e-12


def test_the_interval_of_independent_answers_is_wilsons_with_students_quantile() -> None:
    # 30 of 40 right: Wilson 1927 with 39 questions (the error is that of 40 less one) and t(39) = 2.022691.
    found = Clustered.of([1.0] * 30 + [0.0] * 10, list(map(str, range(40))))
    assert found.error == pytest.approx((0.75 * 0.25 / 39) ** 0.5)
    assert found.interval(limits=(0, 1)) == pytest.approx((0.590745, 0.861783), abs=1e-6)


def test_questions_that_stand_or_fall_together_have_a_wider_interval() -> None:
    marks = [1.0] * 30 + [0.0] * 10
    apart = Clustered.of(marks, list(map(str, range(40)))).interval(limits=(0, 1))
    together = Clustered.of(marks, [str(at // 5) for at in range(40)]).interval(limits=(0, 1))
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


def test_documents_that_all_agree_leave_room_for_those_that_were_not_seen() -> None:
    found = Clustered.of([0.0] * 20, list(map(str, range(20))))
    assert found.interval(limits=(-1, 1)) == pytest.approx((-0.16843, 0.16843), abs=1e-4)


def test_from_one_document_nothing_is_known() -> None:
    assert Clustered.of([1.0, 0.0, 1.0], ["a", "a", "a"]).interval(limits=(0, 1)) == (0, 1)


def test_unequal_documents_count_for_fewer() -> None:
    equal = Clustered.of([1.0] * 8, ["a", "a", "b", "b", "c", "c", "d", "d"])
    unequal = Clustered.of([1.0] * 8, ["a", "a", "a", "a", "a", "b", "c", "d"])
    assert equal.freedom == pytest.approx(3)
    assert unequal.freedom == pytest.approx(64 / 28 - 1)


def test_an_error_that_comes_from_few_documents_has_few_degrees_of_freedom() -> None:
    many = Clustered.of([0.0] * 20 + [1.0] * 20, list(map(str, range(40))))
    few = Clustered.of([0.0] * 37 + [1.0] * 3, list(map(str, range(40))))
    assert many.freedom == pytest.approx(39)
    # Of squares (3/40)^2, 37 times, and (37/40)^2, 3 times, the mean of the squares over the square of the mean
    # is 11.41: 2 * 40 / 10.41.
    assert few.freedom == pytest.approx(7.683, abs=0.01)


def test_values_without_their_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values of 1 documents"):
        Clustered.of([1.0, 0.0], ["a"])


def test_the_quantile_between_whole_degrees_of_freedom_agrees_with_a_library() -> None:
    assert quantile(0.975, 13.4) == pytest.approx(2.153831, abs=1e-4)  # scipy.stats.t.ppf
