"""Numbers as a report says and places them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.compare.prices import Span
from ragraft.compare.report.markup import Markup, el, join
from ragraft.compare.report.scales import Scale, linear, logarithmic
from ragraft.compare.report.words import amount, between, duration, percent, points, short
from ragraft.compare.wording import counted


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (0.001, "<1 %"),
        (0.006, "1 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.999, ">99 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_none_or_all_only_if_it_is(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(("value", "said"), [(0.131, "+13"), (-0.02, "−2"), (0.001, "±0"), (-0.004, "±0")])
def test_a_difference_has_its_sign(value: float, said: str) -> None:
    assert points(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0042, "4 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (2.34, "2.3 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
    ],
)
def test_a_time_is_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (0.00018, "0.00018"), (0.036, "0.036"), (1.2, "1.20"), (1234.5, "1,234")]
)
def test_an_amount_is_told_from_nothing(value: float, said: str) -> None:
    assert amount(value) == said


def test_a_range_without_breadth_is_one_number() -> None:
    assert (between(Span(1.0, 1.0)), between(Span(1.0, 1.5))) == ("1.00", "1.00–1.50")


@pytest.mark.parametrize(("value", "said"), [(0.3, "0.3"), (30, "30"), (3000, "3k"), (2_500_000, "2.5M")])
def test_a_number_below_an_axis_is_short(value: float, said: str) -> None:
    assert short(value) == said


def test_one_is_singular() -> None:
    assert (counted(1, "question"), counted(2000, "question")) == ("1 question", "2,000 questions")


numbers = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False)


@given(st.lists(numbers, min_size=1, max_size=6))
def test_a_linear_axis_holds_every_value(values: list[float]) -> None:
    scale = linear(values)
    slack = 1e-8 * (scale.high - scale.low)
    assert scale.low - slack <= min(values) <= max(values) <= scale.high + slack
    assert 2 <= len(scale.ticks) <= 8


@given(st.lists(st.floats(min_value=1e-6, max_value=1e9), min_size=1, max_size=6))
def test_an_axis_of_powers_holds_every_value(values: list[float]) -> None:
    scale = logarithmic(values)
    assert scale.low <= min(values) * 1.000001
    assert scale.high >= max(values) * 0.999999
    assert 1 <= len(scale.ticks) <= 6
    assert all(scale.low * 0.999 <= tick <= scale.high * 1.001 for tick in scale.ticks)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_place_is_beyond_an_axis(value: float) -> None:
    assert 0 <= Scale(1.0, 100.0, (), log=True).at(value) <= 1
    assert 0 <= Scale(0.0, 10.0, ()).at(value) <= 1


def test_the_middle_of_an_axis_of_powers_is_the_root() -> None:
    assert Scale(1.0, 100.0, (), log=True).at(10.0) == pytest.approx(0.5)


def test_a_text_in_an_element_is_escaped() -> None:
    assert el("p", "a < b & c", title='"x"') == '<p title="&quot;x&quot;">a &lt; b &amp; c</p>'


def test_an_element_in_an_element_is_not_escaped() -> None:
    assert el("p", el("b", "<")) == "<p><b>&lt;</b></p>"


def test_text_put_together_with_markup_is_escaped_and_the_markup_is_not() -> None:
    assert join("<", Markup("<br/>"), None, 3) == "&lt;<br/>3"


def test_an_attribute_that_is_false_is_left_out_and_one_that_is_true_stands_alone() -> None:
    assert (
        el("button", hidden=True, disabled=False, class_=None, aria_label="x")
        == '<button hidden aria-label="x"></button>'
    )
