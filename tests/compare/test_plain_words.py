"""What an answer says without its form."""

from __future__ import annotations

import pytest

from ragraft.compare.plain_words import own_words, without_form


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Thirty days.", "Thirty days."),
        ("Thirty days [1]. And two [2, 3].", "Thirty days. And two."),
        ("“Everyone has thirty days of leave.” [2]\n\nThirty days. [2]", "Thirty days."),
        ('"Everyone has thirty days." [2] Thirty days.', "Thirty days."),
        ("“Everyone has thirty days.” [2]", "Everyone has thirty days."),
        ("“One.” [1]\n\n“Two.” [2]", "One. Two."),
        ("The word “leave” means days off.", "The word leave means days off."),
        ("According to passage 2, it is thirty days.", "it is thirty days."),
        ("Based on the provided passages, thirty days [1].", "thirty days."),
        ("The documents say that thirty days are due.", "thirty days are due."),
        ("The answer is: thirty days.", "thirty days."),
        ("Answer: thirty days", "thirty days"),
        ("Sure! The answer is thirty days.", "thirty days."),
        ("In the text messages, say hello.", "In the text messages, say hello."),
        ("Nine days. [unsupported]", "Nine days."),
        ("In [2024] it was nine.", "In [2024] it was nine."),
        ("[1]", ""),
        ("", ""),
    ],
)
def test_the_answer_is_left(text: str, plain: str) -> None:
    assert without_form(text) == plain


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("“Thirty days.” [2] Not nine.", "Not nine."),
        ("“Thirty days.” Not nine.", "“Thirty days.” Not nine."),
        ("“Thirty days.” [2]", ""),
    ],
)
def test_what_is_quoted_with_its_number_is_not_in_words_of_its_own(text: str, own: str) -> None:
    assert own_words(text).strip() == own
