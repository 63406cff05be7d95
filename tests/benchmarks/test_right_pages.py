"""The rule by which a question about a filing has a right page."""

from __future__ import annotations

from benchmarks.pdf import figures_in, right_pages


def test_figures_have_a_point_a_comma_or_three_digits() -> None:
    text = "Revenue was $5,931 million, up 12.2% from 817; 46 people in note 7."
    assert figures_in(text) == {"5931", "12.2", "817"}


def test_plain_years_are_no_figures() -> None:
    assert figures_in("On October 29, 2023 it was $2,023 million") == {"2023"}
    assert figures_in("On October 29, 2023") == set()


def test_the_page_with_most_figures_is_right() -> None:
    pages = {("f", 1): {"5931", "817"}, ("f", 2): {"5931", "817", "12.2"}, ("f", 3): {"1"}}
    assert right_pages("5,931 and 817 and 12.2%", pages) == {("f", 2)}


def test_one_of_several_figures_makes_no_page_right() -> None:
    assert right_pages("5,931 and 817", {("f", 1): {"5931"}}) == frozenset()


def test_the_only_figure_makes_every_page_that_has_it_right() -> None:
    pages = {("f", 1): {"3393"}, ("f", 2): {"3393", "1"}, ("f", 3): {"1"}}
    assert right_pages("It was $3,393 million.", pages) == {("f", 1), ("f", 2)}


def test_file_names_in_the_sources_are_no_figures() -> None:
    assert right_pages("It fell.\n\nSOURCE(S): 817 NVDA.pdf", {("f", 1): {"817"}}) == frozenset()
