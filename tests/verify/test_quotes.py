"""Where a quotation stands: in whole words, whatever the white space."""

from __future__ import annotations

import pytest

from ragraft.verify.quotes import find_span, find_spans


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("has  thirty\ndays of", "has thirty\n  days of"),
        ("thirty\tdays", "thirty\n  days"),
        ("thirt", None),
        ("ays of", None),
        ("Thirty days", None),
        ("(gross)", "(gross)"),
        ("   ", None),
    ],
)
def test_a_quote_is_found_as_exact_characters_whatever_its_white_space(quote: str, found: str | None) -> None:
    text = "She has thirty\n  days of leave (gross)."
    span = find_span(quote, text)
    assert (span and text[slice(*span)]) == found


def test_every_place_of_a_quote_is_found_in_order() -> None:
    text = "Two days. Then two days more, then two\ndays."
    assert [text[start:end] for start, end in find_spans("two days", text)] == ["two days", "two\ndays"]


def test_signs_of_patterns_are_letters_like_any_other() -> None:
    assert find_spans("a.c (x)*", "abc (x)* a.c (x)*") == [(9, 17)]
