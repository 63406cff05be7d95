"""Terms, their numbers and BM25 weights."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.retrieve.lexical import STEMMED, count_terms, idf, query_terms, term_id, terms, weights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running runs RUN", ["run", "run", "run"]),
        ("employee's employees’", ["employe", "employe"]),
        ("e-mail", ["e", "mail", "email"]),
        ("24-hour", ["24", "hour", "24hour"]),
        ("HTTP-404, AB1234", ["http", "404", "http404", "ab1234"]),
        ("$191,900 or 191.900", ["191900", "or", "191900"]),
        ("3.14 and 3,14", ["3.14", "and", "3.14"]),
        ("191,900.50 and 191.900,50", ["191900.50", "and", "191900.50"]),
        ("v1.2.3 at 10.0.0.1", ["v", "1.2.3", "at", "10.0.0.1"]),
        ("GPT-3.5 on 1.", ["gpt", "3.5", "on", "1"]),
        ("5,6,7", ["5", "6", "7"]),
        ("12.5kg", ["12.5", "kg"]),
        ("C++17, C# and F#", ["c++", "17", "c#", "and", "f#"]),
        ("people_ops@gsa.gov", ["peopl", "op", "gsa", "gov"]),
        ("ﬁnance e\u0301te\u0301", ["financ", "été"]),
    ],
)
def test_english_words_become_terms(text: str, expected: list[str]) -> None:
    assert terms(text, language="en") == expected


def test_german_is_stemmed_as_german() -> None:
    assert terms("Häuser Straßen", language="de") == ["haus", "strass"]


def test_an_elision_is_two_words() -> None:
    assert terms("l'avion", language="fr")[:2] == ["l", "avion"]


def test_an_unknown_language_is_not_stemmed() -> None:
    assert terms("running houses", language="") == ["running", "houses"]


def test_a_script_without_spaces_gives_characters_and_pairs() -> None:
    assert terms("東京都", language="ja") == ["東", "京", "都", "東京", "京都"]


def test_words_beside_such_a_script_stay_words() -> None:
    assert terms("GPU版", language="ja") == ["gpu", "版"]


def test_vowel_signs_do_not_split_an_indic_word() -> None:
    assert len(terms("हिन्दी", language="")) == 1


@given(st.text(max_size=60), st.sampled_from(["", "en", "de", "ja", "tr"]))
def test_any_text_has_terms_that_are_folded_and_not_empty(text: str, language: str) -> None:
    assert all(term and term == term.casefold() for term in terms(text, language=language))


@pytest.mark.parametrize("language", sorted(STEMMED))
def test_every_stemmed_language_has_its_algorithm(language: str) -> None:
    assert terms("abc", language=language)


def test_the_numbers_of_terms_are_stable() -> None:
    # They are stored: a change here means that every index must be made anew.
    found = [term_id("house", language=language) for language in ("en", "de", "")]
    assert found == [429340188, 728294367, 719083795]


@given(st.text(min_size=1, max_size=20), st.sampled_from(["", "en", "de"]))
def test_a_number_fits_a_sparse_vector(term: str, language: str) -> None:
    assert 1 <= term_id(term, language=language) <= 999_999_999


def test_the_same_word_in_two_languages_is_two_terms() -> None:
    assert term_id("gift", language="de") != term_id("gift", language="en")


def test_languages_that_are_not_stemmed_share_their_terms() -> None:
    assert term_id("tokyo", language="ja") == term_id("tokyo", language="")


def test_weights_are_the_document_part_of_bm25() -> None:
    assert weights({7: 3}, 200)[7] == pytest.approx(3 * 2.2 / (3 + 1.2 * (0.25 + 0.75 * 2)))


def test_a_repeated_term_weighs_more_but_less_than_in_proportion() -> None:
    once, twice = weights({1: 1, 2: 2}, 100).values()
    assert once < twice < 2 * once


def test_a_longer_text_weighs_a_term_less() -> None:
    assert weights({1: 1}, 300)[1] < weights({1: 1}, 30)[1]


def test_idf_is_that_of_bm25() -> None:
    assert idf(100, 9) == pytest.approx(math.log(1 + 91.5 / 9.5))


def test_a_term_that_everything_has_still_counts_for_something() -> None:
    assert 0 < idf(10, 10) < 0.1


def test_counts_are_by_the_number_of_the_term() -> None:
    assert count_terms("House houses", language="en") == {term_id("hous", language="en"): 2}


def test_a_query_is_read_once_per_language_and_each_term_counts_once() -> None:
    found = query_terms("houses houses", languages=["en", ""])
    assert found == {
        "en": {term_id("hous", language="en"): 1.0},
        "": {term_id("houses", language=""): 1.0},
    }
