from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passages import check, passage, policies, verifier

SENTENCES = [
    "The storage temperature must stay between 15 and 25 degrees for at least 48 hours.",
    "In 2019, the plant in Brno delivered 12,400 castors to 35 customers.",
    "Order TR-125-PU-S by 14:30 on 3 March 2027 at EUR 13.60 each.",
    "Am 12. Juni 2025 wurden 1.250 Rollen mit 7,5 Prozent Rabatt verkauft.",
    "A claim later than 90 days is not paid, except for 2 cases in 1998.",
    "Between 3 and 15 years of service you earn 6 hours per pay period.",
    "Form SF-182 costs $191,900.50 and version 1.2.3 replaces section 4.2.",
]
WORDS = st.sampled_from(
    [
        "the",
        "plant",
        "hotel",
        "Brno",
        "must",
        "not",
        "may",
        "40",
        "EUR",
        "days",
        "press",
        "oven",
        "never",
        "said",
        "before",
        "rises",
        "3.5",
        "%",
        "castor",
        "and",
        "or",
    ]
)
CASES = [(sentence, at) for sentence in SENTENCES for at, letter in enumerate(sentence) if letter.isdigit()]


@pytest.mark.parametrize(("sentence", "at"), CASES)
def test_a_changed_digit_is_never_supported(sentence: str, at: int) -> None:
    chance = random.Random(at)
    digit = chance.choice([one for one in "123456789" if one != sentence[at]])
    changed = sentence[:at] + digit + sentence[at + 1 :]
    assert check(changed, " ".join(SENTENCES)).support != "supported"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_verbatim_sentence_is_supported(sentence: str) -> None:
    assert check(sentence, " ".join(SENTENCES)).support == "supported"


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=3, max_size=14).map(" ".join))
def test_any_sentence_supports_itself(words: str) -> None:
    sentence = f"Today {words} stands."
    assert check(sentence, sentence).support == "supported"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=400), st.text(max_size=60))
def test_no_text_raises(claim: str, text: str, question: str) -> None:
    found = check(claim, text, question=question)
    assert 0 <= found.score <= 1 and 0 <= found.start <= found.end <= len(text)


HOSTILE = [
    "5 \x85s, 5 ſ, 5 \u212ag, seven ſeconds, JUNİ 3, 3 daıs",
    "🙂🙃" * 300,
    "שלום עולם. " * 50,
    "a" * 5000,
    "(" * 2000,
    "1" * 5000,
    "1." * 2000,
    "| " * 2000,
    "- " * 2000,
    "\x00\ud800 x",
    "not " * 500,
    "1,000,000,000," * 300,
    "EUR " * 500,
    "$" * 3000,
    "### " * 500,
    "[a](" * 500,
    "x\n" * 2000,
    "习近平说了什么。" * 50,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read(text: str) -> None:
    assert len(verifier().check([text, "The fee is EUR 20."], passages=[passage(text), *policies()])) == 2


def test_a_hundred_thousand_characters_are_read() -> None:
    text = "The press runs at 40 tonnes. " * 3500
    assert check("The press runs at 40 tonnes.", text).support == "supported"


def test_the_order_of_passages_does_not_matter() -> None:
    texts = [f"The press in hall {number} runs at {number * 10} tonnes." for number in range(1, 6)]
    claims = [
        "The press in hall 3 runs at 30 tonnes.",
        "The press in hall 3 runs at 40 tonnes.",
        "The oven is hot.",
    ]
    seen = set()
    for seed in range(5):
        mixed = random.Random(seed).sample(texts, len(texts))
        found = verifier().check(claims, passages=[passage(text) for text in mixed])
        seen.add(
            tuple(
                (one.support, None if one.passage is None else mixed[one.passage], round(one.score, 6))
                for one in found
            )
        )
    assert len(seen) == 1
