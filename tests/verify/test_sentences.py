"""Sentences with their places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.verify.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.50 francs. More.", ["It costs 3.50 francs.", "More."]),
        ("Ask Dr. Meier. He knows.", ["Ask Dr. Meier.", "He knows."]),
        ("See e.g. Section 3. Done.", ["See e.g. Section 3.", "Done."]),
        ("Das gilt z.B. Montag. Und ca. 3 Tage.", ["Das gilt z.B. Montag.", "Und ca. 3 Tage."]),
        ("J. Smith came. He left.", ["J. Smith came.", "He left."]),
        ('He said "Go." She went.', ['He said "Go."', "She went."]),
        ("Soup. [1] Trout.", ["Soup. [1]", "Trout."]),
        ("Soup.[1][2] Trout.", ["Soup.[1][2]", "Trout."]),
        ("Soup. [1, 2] Trout. [3]", ["Soup. [1, 2]", "Trout. [3]"]),
        ("Wait... what? Über alles.", ["Wait... what?", "Über alles."]),
        ("第一。第二。", ["第一。", "第二。"]),
        ("# Title\nText here.", ["# Title", "Text here."]),
        ("- one\n- two\n* three\n1. four", ["- one", "- two", "* three", "1. four"]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("a,b,c\n1,2,3", ["a,b,c", "1,2,3"]),
        ("One paragraph\n\nanother", ["One paragraph", "another"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_a_text_falls_into_its_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_sentence_wrapped_over_lines_is_one() -> None:
    text = "The canteen of the company opens at eleven\nand closes at two in the afternoon. Then it rests."
    assert sentences(text) == [text.split(" Then")[0], "Then it rests."]


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text("aB.!? \n[]1,\"'|#-。", max_size=80))
def test_spans_are_in_order_without_space_around_and_leave_nothing_out(text: str) -> None:
    spans = sentence_spans(text)
    position, covered = 0, []
    for start, end in spans:
        assert position <= start < end
        assert text[start:end] == text[start:end].strip()
        covered.append(text[start:end])
        assert not text[position:start].strip()
        position = end
    assert not text[position:].strip()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", [". ", "[1] ", '"', ".[1]", "a\n", ".)", ". [1,"])
def test_a_long_text_of_one_thing_is_cut_in_linear_time(piece: str) -> None:
    assert sentence_spans(piece * 50_000) is not None
