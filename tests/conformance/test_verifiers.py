"""What every verifier must do, with whatever models it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from ragraft.models.fake import FakeEmbedder
from ragraft.protocols import Verifier
from ragraft.retrieve.lexical import terms
from ragraft.types import Chunk, Finding, Passage, Vectors
from ragraft.verify.verifier import Verifier as RuleVerifier

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ["Orders ship in three days.", "Parking costs EUR 18 per day. Dogs are welcome in the yard."]
TRUE, FALSE = "Parking costs EUR 18 per day.", "Parking costs EUR 81 per day."
HOSTILE = [
    "",
    " ",
    "\n\n",
    "?",
    "🦘" * 50,
    "\x00",
    "\udcff",
    "\u202eover\u202c",
    "EUR " * 200,
    "9" * 3000,
    "Parking costs EUR 18 per day. " * 200,
    "parking" * 1000,
]


def english(text: str) -> list[str]:
    return terms(text, language="en")


def likeness(texts: Sequence[str], others: Sequence[str]) -> Vectors:
    embedder = FakeEmbedder()
    cosines: Vectors = embedder.embed(texts) @ embedder.embed(others).T
    return cosines


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(Chunk(0, len(text), text), f"{number}.md", "", 1, 1.0, NOW)
        for number, text in enumerate(texts)
    ]


VERIFIERS: dict[str, Verifier] = {
    "rules": RuleVerifier(terms=english),
    "rules and likeness": RuleVerifier(terms=english, likeness=likeness),
    "entailment that says yes": RuleVerifier(terms=english, likeness=likeness, entail=lambda *_: 1.0),
    "entailment that says no": RuleVerifier(terms=english, likeness=likeness, entail=lambda *_: 0.0),
}


@pytest.fixture(params=VERIFIERS)
def verifier(request: pytest.FixtureRequest) -> Verifier:
    return VERIFIERS[request.param]


def sound(finding: Finding, texts: Sequence[str]) -> bool:
    """Return whether a finding has a probability, and names a span within one of the texts or none."""
    if not 0 <= finding.score <= 1:
        return False
    return finding.passage is None or 0 <= finding.start <= finding.end <= len(texts[finding.passage])


def test_each_sentence_gets_a_sound_finding(verifier: Verifier) -> None:
    sentences = [TRUE, FALSE, "Whales sing.", "I hope this helps."]
    found = verifier.check(sentences, passages=passages(*TEXTS))
    assert len(found) == len(sentences)
    assert all(sound(finding, TEXTS) for finding in found)


def test_what_stands_there_is_supported_where_it_stands(verifier: Verifier) -> None:
    (found,) = verifier.check([TRUE], passages=passages(*TEXTS))
    assert (found.support, found.passage) == ("supported", 1)
    assert TEXTS[1][found.start : found.end] == TRUE


def test_another_number_is_not_supported(verifier: Verifier) -> None:
    (found,) = verifier.check([FALSE], passages=passages(*TEXTS))
    assert found.support not in ("supported", "no_claim")


def test_findings_come_in_the_order_of_the_sentences(verifier: Verifier) -> None:
    forth = verifier.check([TRUE, FALSE, TEXTS[0]], passages=passages(*TEXTS))
    back = verifier.check([TEXTS[0], FALSE, TRUE], passages=passages(*TEXTS))
    assert [one.support for one in forth] == [one.support for one in reversed(back)]
    assert [one.passage for one in forth] == [one.passage for one in reversed(back)]


def test_the_question_is_no_evidence(verifier: Verifier) -> None:
    (found,) = verifier.check(
        ["Trout costs EUR 40."], passages=passages(*TEXTS), question="Trout costs EUR 40?"
    )
    assert found.support not in ("supported", "no_claim")


def test_without_passages_nothing_is_supported(verifier: Verifier) -> None:
    (found,) = verifier.check([TRUE], passages=[])
    assert (found.support, found.passage) == ("not_found", None)


def test_no_sentences_get_no_findings(verifier: Verifier) -> None:
    assert verifier.check([], passages=passages(*TEXTS)) == []


def test_checking_twice_gives_the_same(verifier: Verifier) -> None:
    first, second = (verifier.check([TRUE, FALSE], passages=passages(*TEXTS)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("sentence", HOSTILE)
def test_any_sentence_is_judged(verifier: Verifier, sentence: str) -> None:
    (found,) = verifier.check([sentence], passages=passages(*TEXTS))
    assert sound(found, TEXTS)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_passage_is_read(verifier: Verifier, text: str) -> None:
    (found,) = verifier.check([TRUE], passages=passages(text))
    assert sound(found, [text])


@pytest.mark.parametrize("question", HOSTILE)
def test_any_question_is_read(verifier: Verifier, question: str) -> None:
    (found,) = verifier.check([TRUE], passages=passages(*TEXTS), question=question)
    assert sound(found, TEXTS)
