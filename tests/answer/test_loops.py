"""An answer is cut where its model began to repeat itself, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.answer.loops import COUNTED, NUMBERED, without_loop


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


def rows(form: str, *, count: int, step: int = 1) -> list[str]:
    """Return sentences with 1, 2, 3, ... at {n}, and with numbers that go no even steps at {price}."""
    return [form.format(n=1 + step * at, price=100 + at * at) for at in range(count)]


@pytest.mark.parametrize(
    "form",
    [
        "Rule {n} is that guests pay at once.",
        "Rule {n} is that guests pay at once [{n}].",
        "In section 4.{n} it says that guests pay.",
        "The limit for 2 nights is EUR {n}.",
        "Guests pay 3 times [{n}].",
    ],
)
@pytest.mark.parametrize("step", [1, 5])
def test_sentences_that_only_count_up_are_cut_once_they_are_many(form: str, step: int) -> None:
    said = rows(form, count=COUNTED + 5, step=step)
    assert without_loop(" ".join(said)) == (" ".join(said[: COUNTED - 1]), True)


def test_sentences_that_differ_in_any_numbers_are_cut_once_they_are_very_many() -> None:
    said = rows("The castor of {n} mm costs EUR {price}.", count=NUMBERED + 5)
    assert without_loop(" ".join(said)) == (" ".join(said[: NUMBERED - 1]), True)


def test_counting_with_other_sentences_between_is_cut() -> None:
    said = " ".join(f"Rule {n} is that guests pay. Page {n} tells it all." for n in range(COUNTED + 5))
    assert without_loop(said)[1]


@pytest.mark.parametrize(
    "said",
    [
        rows("Rule {n} is that guests pay at once.", count=COUNTED - 1),
        rows("The castor of {n} mm costs EUR {price}.", count=NUMBERED - 1),
        rows("Grade {n} has {price} days of leave.", count=NUMBERED - 1),
        rows("| {n} | EUR {price} |\n", count=3 * NUMBERED),
        rows("| size {n} | 4 pieces |\n", count=3 * NUMBERED),
        [f"Rule {n} is that {word} pay at once." for n, word in enumerate("abcdefghijklmnopqrstuvwxyz")],
        [f"{word} opens at 10:{n:02}." for n, word in enumerate("abcdefghijklmnopqrstuvwxyz")],
    ],
)
def test_a_list_is_left(said: list[str]) -> None:
    text = " ".join(said)
    assert without_loop(text) == (text, False)


def test_numbers_of_any_length_are_read() -> None:
    text = " ".join(f"The number is now 7{'123456789' * 600}{n}." for n in range(10, 10 + COUNTED))
    assert without_loop(text)[1]


@given(st.text("ab. \n[1]", max_size=80))
def test_what_is_left_is_a_beginning(text: str) -> None:
    cut, looped = without_loop(text)
    assert text.startswith(cut)
    assert looped or cut == text
