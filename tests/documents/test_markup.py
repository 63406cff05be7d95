"""What is left of Markdown and HTML when only the words are wanted."""

from __future__ import annotations

import pytest

from ragraft.documents.markup import readable


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("see [the form](https://x.example/a_(b)) now", "see the form now"),
        ("![a logo](logo.png)", "a logo"),
        ("*very* __much__ `code`", "very much code"),
        ("a snake_case name and 2 * 3", "a snake_case name and 2  3"),
        ("## A heading", "A heading"),
        ("one<br/>two", "one two"),
        ("a < b and b > c", "a < b and b > c"),
        ('{% include "x.html" %}text{: .big}', " text "),
    ],
)
def test_signs_go_and_words_stay(marked: str, words: str) -> None:
    assert readable(marked) == words


def test_plain_text_is_left_as_it_is() -> None:
    text = "It costs $5.20, they said (twice).\nReally?"
    assert readable(text) == text
