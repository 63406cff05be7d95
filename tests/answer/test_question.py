"""The telling words of a question."""

from __future__ import annotations

import pytest

from ragraft.answer.question import topic_words


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does a hotel in Kassel cost?", ["hotel", "Kassel", "cost"]),
        ("How many days of annual leave does an employee get?", ["days", "annual", "leave", "employee"]),
        ("Wie viele Tage Urlaub bekommt man in München?", ["Tage", "Urlaub", "München"]),
        (
            "Is HC-125-TP-S sold on 2026-06-01 for 1,500.50?",
            ["HC-125-TP-S", "sold", "2026-06-01", "1,500.50"],
        ),
        ("Soup, soup and soup?", ["Soup", "soup"]),
        ("What is it?", []),
        ("", []),
        ("?!", []),
    ],
)
def test_small_words_are_left_out_and_the_rest_stays_as_it_stands(question: str, words: list[str]) -> None:
    assert topic_words(question) == words
