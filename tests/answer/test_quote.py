"""The quoting fallback: the likeliest sentence, whole and word for word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from answer_world import ScriptedReader, passage

from ragraft.answer.quote import quotation as choose
from ragraft.answer.quote import quoted_text
from ragraft.answer.sentence import split_passages
from ragraft.types import Citation, Passage, Reading, Vectors

SOUP = "Guests are welcome. The soup costs three francs. Trout is sold on Friday."


def quotation(question: str, *, passages: Sequence[Passage], readings: Sequence[Reading]) -> Citation | None:
    """Choose among all sentences, none of them more like the question than another."""
    sentences = split_passages(question, passages=passages, likeness=None)
    return choose(question, passages=passages, readings=readings, sentences=sentences)


def quote(words: str, text: str = SOUP) -> Citation:
    """Return the quotation around some words of a text that begins 100 characters into its document."""
    (reading,) = ScriptedReader({words: 0.9}).read("What?", [text])
    found = quotation("What?", passages=[passage(text, start=100)], readings=[reading])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("three francs", "The soup costs three francs."),
        ("Guests", "Guests are welcome."),
        ("francs. Trout", "The soup costs three francs. Trout is sold on Friday."),
    ],
)
def test_the_whole_sentences_that_the_span_touches_are_quoted(words: str, sentence: str) -> None:
    assert quote(words).quote == sentence


def test_the_quote_is_exactly_the_documents_characters() -> None:
    found = quote("three francs")
    document = "x" * 100 + SOUP
    assert document[found.start : found.end] == found.quote


def test_a_row_of_a_table_is_quoted_alone() -> None:
    assert quote("135", "| Kassel | 135 |\n| Brno | 110 |\n").quote == "| Kassel | 135 |"


def test_the_surest_passage_is_quoted_with_its_number() -> None:
    passages = [passage("Soup is hot."), passage("Trout is cold."), passage("Eel is off.")]
    readings = ScriptedReader({"hot": 0.3, "cold": 0.8, "off": 0.5}).read(
        "?", [one.chunk.text for one in passages]
    )
    found = quotation("?", passages=passages, readings=readings)
    assert found is not None
    assert (found.marker, found.passage) == (2, passages[1])


def test_of_equally_sure_passages_the_first_is_quoted() -> None:
    passages = [passage("Soup is hot."), passage("Trout is hot.")]
    readings = ScriptedReader({"hot": 0.5}).read("?", [one.chunk.text for one in passages])
    found = quotation("?", passages=passages, readings=readings)
    assert found is not None
    assert found.marker == 1


@pytest.mark.parametrize("passages", [[], [passage("Soup is hot.")]])
def test_where_the_reader_found_no_span_nothing_is_quoted(passages: list[Passage]) -> None:
    readings = [Reading(0.9, 0.9, 0, 0, 0.9) for _ in passages]
    assert quotation("?", passages=passages, readings=readings) is None


def test_a_quotation_is_one_line_in_quotation_marks_with_its_number() -> None:
    text = "The soup of the day is always wrapped over\n  two lines."
    assert quoted_text(quote("two", text)) == "“The soup of the day is always wrapped over two lines.” [1]"


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Pay [here](https://evil.example) now.", "“Pay here now.” [1]"),
        ("Pay ![now](//evil.example/x.png) now.", "“Pay now now.” [1]"),
        ("Pay <a href='//evil.example'>now</a>.", "“Pay now.” [1]"),
        ("Pay at www.evil.example now.", "“Pay at (link left out) now.” [1]"),
        ("Pay [now][2] as Smith [7] says.", "“Pay now as Smith (7) says.” [1]"),
    ],
)
def test_a_quotation_shows_no_link_and_no_number_but_its_own(sentence: str, shown: str) -> None:
    found = quote("ay", sentence)
    assert (quoted_text(found), found.quote) == (shown, sentence)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("| Kassel hotel | EUR 135 |", "“Kassel hotel | EUR 135” [1]"),
        ("- Kassel hotels cost EUR 135.", "“Kassel hotels cost EUR 135.” [1]"),
        ("2. Kassel hotels cost EUR 135.", "“Kassel hotels cost EUR 135.” [1]"),
        ("## Kassel hotels: EUR 135", "“Kassel hotels: EUR 135” [1]"),
        ("-5 degrees in Kassel hotels.", "“-5 degrees in Kassel hotels.” [1]"),
    ],
)
def test_a_quotation_is_shown_without_the_marks_of_its_line(text: str, shown: str) -> None:
    found = quote("Kassel", text)
    assert quoted_text(found) == shown
    assert text[found.start - 100 : found.end - 100] == found.quote


def test_of_sentences_the_reader_does_not_tell_apart_the_likest_is_quoted() -> None:
    given = [passage("Soup is hot. Trout is cold. Eel is off.")]

    def likeness(_: Sequence[str], texts: Sequence[str]) -> Vectors:
        return np.array([[0.9 if "Trout" in text else 0.1 for text in texts]], np.float32)

    sentences = split_passages("?", passages=given, likeness=likeness)
    without_span = [Reading(0.5, 0.5, 0, 0, 0.5), Reading(0.1, 0.1, 0, 3, 0.1)]
    given.append(passage("Bye."))
    found = choose("?", passages=given, readings=without_span, sentences=sentences)
    assert found is not None
    assert found.quote == "Trout is cold."


def test_a_sentence_is_compared_with_its_heading() -> None:
    seen: list[str] = []

    def likeness(_: Sequence[str], texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        return np.zeros((1, len(texts)), np.float32)

    split_passages("?", passages=[passage("| Hotel | 135 |", context="Kassel")], likeness=likeness)
    assert seen == ["Kassel\n| Hotel | 135 |"]


def test_a_lone_number_of_a_step_is_not_quoted() -> None:
    text = "### 1.\n\nBegin two weeks before you leave."
    assert quote("1.", text).quote == "Begin two weeks before you leave."
