"""An answer is cut where its model began to repeat itself, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.answer.loops import without_loop


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Soup is hot. Trout is sold. Soup is hot. Trout", "Soup is hot. Trout is sold."),
        ("Soup is hot. SOUP  is hot.", "Soup is hot."),
        ("- soup\n- trout\n- soup\n- trout\n", "- soup\n- trout"),
        ("Soup is hot [1]. Soup is hot [1].", "Soup is hot [1]."),
        (
            "Eat the soup that is hot, the soup that is hot, the soup that is hot, the",
            "Eat the soup that is hot",
        ),
    ],
)
def test_a_repetition_is_cut(text: str, left: str) -> None:
    assert without_loop(text) == (left, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Soup costs three francs.\n[1]\nTrout is sold on Friday.\n[1]",
        "Soup is hot [1]. Soup is cold [1].",
        "No, no, no. The soup is out.",
        "From 10:00 to 11:00, from 12:00 to 13:00, from 14:00 to 15:00.",
        "| a | 1 |\n| b | 1 |\n| c | 1 |",
    ],
)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert without_loop(text) == (text, False)


@given(st.text("ab. \n[1]", max_size=80))
def test_what_is_left_is_a_beginning(text: str) -> None:
    cut, looped = without_loop(text)
    assert text.startswith(cut)
    assert looped or cut == text
