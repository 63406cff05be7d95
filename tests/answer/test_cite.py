"""Citations: numbers of the model become exact characters of documents, and invented ones are counted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.answer.cite import BY_MODEL, BY_WORDING, Cited, cite
from ragraft.retrieve.lexical import terms
from ragraft.types import Chunk, Passage

MENU = (
    "# Menu\n\nThe menu has soup. The soup costs three francs. Trout is sold on Friday for nine francs.\n\n"
    "Guests pay double. Die Suppe kostet am Montag drei Franken.\n"
)
HOURS = "The canteen opens at eleven. It closes at two, and on Fridays at three."


def passages_of(*documents: str) -> list[Passage]:
    """Return two passages of each document, cut in its middle, with the document's number as uri."""
    found = []
    for number, text in enumerate(documents):
        middle = text.find(" ", len(text) // 2)
        for start, end in ((0, middle), (middle + 1, len(text))):
            chunk = Chunk(start, end, text[start:end], "Some > Heading")
            found.append(Passage(chunk, str(number), "Title", 1, 1.0, datetime(2026, 1, 1, tzinfo=UTC)))
    return found


PASSAGES = passages_of(MENU, HOURS)


def cited(text: str, passages: list[Passage] = PASSAGES) -> Cited:
    return cite(text, passages=passages, terms=lambda words: terms(words, language="en"))


def markers(found: Cited) -> list[int]:
    return [citation.marker for citation in found.citations]


@pytest.mark.parametrize(
    ("text", "shown", "numbers"),
    [
        ("The soup costs three francs [1].", "The soup costs three francs. [1]", [1]),
        ("The soup costs three francs. [1]", "The soup costs three francs. [1]", [1]),
        ("The soup costs three francs.[1]", "The soup costs three francs. [1]", [1]),
        ("The soup costs three francs.\n[1]", "The soup costs three francs. [1]", [1]),
        ("Soup [1][2].", "Soup. [1] [2]", [1, 2]),
        ("Soup [1] [2].", "Soup. [1] [2]", [1, 2]),
        ("Soup [1, 2].", "Soup. [1] [2]", [1, 2]),
        ("Soup [2;1].", "Soup. [2] [1]", [2, 1]),
        ("Soup [ 1 , 2 ].", "Soup. [1] [2]", [1, 2]),
        ("Soup [1][1] [1].", "Soup. [1]", [1]),
        ("[3] Eleven. Soup [1].", "Eleven. [3] Soup. [1]", [3, 1]),
        ("Soup. [1] Trout is sold. [2]", "Soup. [1] Trout is sold. [2]", [1, 2]),
        ('He said "the soup [1] is hot".', 'He said "the soup is hot". [1]', [1]),
        ("- soup [1]\n- trout [2]\n", "- soup [1]\n- trout [2]", [1, 2]),
        ("Soup [1]\n\nTrout [2]", "Soup [1]\n\nTrout [2]", [1, 2]),
        ("Die Suppe ist heiß [2].", "Die Suppe ist heiß. [2]", [2]),
        ("[1]", "[1]", [1]),
    ],
)
def test_numbers_stand_behind_the_sentence_they_are_in(text: str, shown: str, numbers: list[int]) -> None:
    found = cited(text)
    assert (found.text, markers(found), found.invented) == (shown, numbers, ())


@pytest.mark.parametrize(
    ("text", "shown", "numbers", "invented"),
    [
        ("Hot [99].", "Hot.", [], (99,)),
        ("Hot [0].", "Hot.", [], (0,)),
        ("Hot [00].", "Hot.", [], (0,)),
        ("Hot [5] and [1].", "Hot and. [1]", [1], (5,)),
        ("Hot [1, 77].", "Hot. [1]", [1], (77,)),
        ("Hot [9]. Cold [9].", "Hot. Cold.", [], (9, 9)),
        ("Hot [[9]9].", "Hot.", [], (9, 9)),
        ("Hot.\n[999]", "Hot.", [], (999,)),
    ],
)
def test_a_number_that_names_no_passage_is_counted_and_taken_out(
    text: str, shown: str, numbers: list[int], invented: tuple[int, ...]
) -> None:
    found = cited(text)
    assert (found.text, markers(found), found.invented) == (shown, numbers, invented)


@pytest.mark.parametrize(
    "text", ["As held in [2024] UKSC 3.", "Array[10000].", "See [a].", "It is [] or [-1]."]
)
def test_brackets_that_can_be_no_number_of_a_passage_are_text(text: str) -> None:
    found = cited(text)
    assert (found.text, found.citations, found.invented) == (text, (), ())


def test_the_quote_is_the_sentence_that_carries_the_claim() -> None:
    (citation,) = cited("Soup costs three francs [1].").citations
    assert citation.quote == "The soup costs three francs."
    assert MENU[citation.start : citation.end] == citation.quote
    assert citation.claim == "Soup costs three francs."


def test_two_sentences_together_are_quoted_where_both_are_needed() -> None:
    (citation,) = cited(
        "The canteen opens at eleven and closes at two [3].", passages_of(MENU, HOURS + " " * 90)
    ).citations
    assert "opens at eleven" in citation.quote
    assert "closes at two" in citation.quote


def test_a_german_claim_is_cited_by_its_german_sentence() -> None:
    (citation,) = cited("Am Montag kostet die Suppe drei Franken [2].").citations
    assert citation.quote == "Die Suppe kostet am Montag drei Franken."


def test_a_sentence_without_a_number_is_given_one_if_the_wording_carries_it() -> None:
    found = cited("The soup costs three francs.")
    assert (markers(found), found.reasons) == ([1], (BY_WORDING,))
    assert cited("The soup costs three francs [1].").reasons == (BY_MODEL,)


@pytest.mark.parametrize(
    "text", ["Yes.", "No.", "Soup.", "I do not know.", "The moon is made of green cheese."]
)
def test_a_sentence_that_nothing_carries_is_given_no_number(text: str) -> None:
    found = cited(text)
    assert (found.text, found.citations) == (text, ())


def test_an_invented_number_is_not_mended_by_wording() -> None:
    found = cited("The soup costs three francs [8].")
    assert (found.citations, found.invented) == ((), (8,))


def test_without_passages_every_number_is_invented() -> None:
    found = cited("Soup [1]. Trout [2].", [])
    assert (found.text, found.citations, found.invented) == ("Soup. Trout.", (), (1, 2))


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_answer_cites_nothing(text: str) -> None:
    assert cited(text) == Cited("", (), (), ())


WORDS = ["soup", "trout", "The", "canteen", "francs.", "Franken!", "opens", "e.g.", "\n", "\n\n", '"', "(", ")", "- ",
         "[1]", "[2]", "[1, 3]", "[9]", "[0]", "[", "]", "[[4]", "5]", ",", "[2024]", "。", "🦘", "[٢]"]  # fmt: skip
answers = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join) | st.text("[]123 ,;.\nSa", max_size=40)
documents = st.lists(st.sampled_from([*WORDS[:14], "🦘", "costs", "three."]), min_size=6, max_size=60).map(
    " ".join
)


@settings(max_examples=200, deadline=None)
@given(text=answers, one=documents, other=documents)
def test_every_quote_is_exact_and_every_number_is_accounted_for(text: str, one: str, other: str) -> None:
    sources = [one, other]
    passages = passages_of(one, other)
    found = cited(text, passages)
    for citation in found.citations:
        chunk = citation.passage.chunk
        assert citation.passage is passages[citation.marker - 1]
        assert sources[int(citation.passage.uri)][citation.start : citation.end] == citation.quote
        assert chunk.start <= citation.start <= citation.end <= chunk.end
    shown = {int(n) for n in re.findall(r"\[(\d{1,3})\]", found.text)}
    assert shown == set(markers(found))
    assert not shown & set(found.invented)
    assert all(not 1 <= number <= len(passages) for number in found.invented)
    assert len(found.reasons) == len(found.citations)
    plain = [part for part in re.split(r"[\[\]\d,;\s]+", text) if part]
    assert [part for part in re.split(r"[\[\]\d,;\s]+", found.text) if part] == plain
