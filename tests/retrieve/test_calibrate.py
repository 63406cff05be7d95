"""Weights found without questions: a weak leg loses its say, two good ones keep theirs.

The world is made up: passages of a few sentences about one topic each. A topic has its own words, in two
forms that mean the same; the good embedder knows that, BM25 sees the forms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
import pytest

from ragraft.retrieve.calibrate import calibrate
from ragraft.retrieve.fuse import Hit, fuse_scores
from ragraft.retrieve.lexical import idf, terms, weights
from ragraft.types import Vectors

Embed = Callable[[Sequence[str]], Vectors]
Terms = Callable[[str], Sequence[str]]

WORDS = 12
FORMS = ("o", "u")
TOPICS = 80


def passage(topic: int, *, seed: int = 0, count: int = 4) -> str:
    """Return sentences of a topic's words, each in either of its forms, and words that all topics use."""
    rng = random.Random(1000 * topic + seed)
    found = []
    for _ in range(count):
        own = [f"t{topic}w{rng.randrange(WORDS)}{rng.choice(FORMS)}" for _ in range(5)]
        common = [f"common{rng.randrange(40)}" for _ in range(5)]
        found.append(" ".join(rng.sample(own + common, 10)) + ".")
    return " ".join(found)


def embed_well(texts: Sequence[str]) -> Vectors:
    """Embed by the topics' words without their forms: a model that knows the language."""
    return np.stack([_hashed([word[:-1] for word in words_of(text) if word[0] == "t"]) for text in texts])


def embed_at_random(texts: Sequence[str]) -> Vectors:
    """Embed without any regard to what a text says: a broken model."""
    return np.stack([_noise(text) for text in texts])


def _noise(text: str) -> Vectors:
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).normal(size=256)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _hashed(words: Sequence[str]) -> Vectors:
    vector = np.sum([_noise(word) for word in words], axis=0)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def words_of(text: str) -> Sequence[str]:
    """Read a text as the lexical leg does."""
    return terms(text, language="")


def misread(text: str) -> Sequence[str]:
    """Read a text as bad character recognition does: most words differ each time."""
    rng = random.Random(text)
    return [word if rng.random() < 0.1 else f"{word}{rng.random()}" for word in words_of(text)]


def first_ranks(found: dict[str, float], *, embed: Embed, read: Terms) -> float:
    """Return the mean reciprocal rank of each topic's passage for a sentence of its topic."""
    texts = [passage(topic) for topic in range(TOPICS)]
    queries = [passage(topic, seed=1, count=1) for topic in range(TOPICS)]
    dense = embed(queries) @ embed(texts).T
    having: dict[str, int] = {}
    counts = [{word: list(read(text)).count(word) for word in set(read(text))} for text in texts]
    for count in counts:
        for word in count:
            having[word] = having.get(word, 0) + 1
    numbers = {word: number for number, word in enumerate(having)}
    parts = [
        weights({numbers[word]: n for word, n in count.items()}, sum(count.values())) for count in counts
    ]
    total = 0.0
    for topic, query in enumerate(queries):
        asked = {numbers[word]: idf(TOPICS, having[word]) for word in set(read(query)) if word in numbers}
        lexical = [sum(part.get(word, 0.0) * weight for word, weight in asked.items()) for part in parts]
        legs = {
            "dense": [Hit(key, float(score), key) for key, score in enumerate(dense[topic])],
            "lexical": [Hit(key, score, key) for key, score in enumerate(lexical) if score > 0],
        }
        ranking = [key for key, _ in fuse_scores(legs, weights={"": found}, depth=TOPICS)]
        total += 1 / (ranking.index(topic) + 1)
    return total / TOPICS


TEXTS = [passage(topic) for topic in range(TOPICS)]


def test_two_good_legs_are_trusted_about_alike() -> None:
    found = calibrate(TEXTS, embed=embed_well, terms=words_of)
    assert found["dense"] == pytest.approx(found["lexical"], abs=0.41)


def test_random_vectors_lose_their_say() -> None:
    assert calibrate(TEXTS, embed=embed_at_random, terms=words_of)["dense"] <= 0.2


def test_misread_words_lose_their_say() -> None:
    assert calibrate(TEXTS, embed=embed_well, terms=misread)["lexical"] <= 0.6


def test_random_vectors_do_not_hurt_a_good_lexical_leg() -> None:
    found = calibrate(TEXTS, embed=embed_at_random, terms=words_of)
    fused = first_ranks(found, embed=embed_at_random, read=words_of)
    alone = first_ranks({"dense": 0.0, "lexical": 2.0}, embed=embed_at_random, read=words_of)
    assert fused >= alone - 0.01


def test_misread_words_do_not_hurt_a_good_dense_leg() -> None:
    found = calibrate(TEXTS, embed=embed_well, terms=misread)
    fused = first_ranks(found, embed=embed_well, read=misread)
    alone = first_ranks({"dense": 2.0, "lexical": 0.0}, embed=embed_well, read=misread)
    assert fused >= alone - 0.01


def test_the_wrong_stemmer_costs_the_lexical_leg_little() -> None:
    found = calibrate(TEXTS, embed=embed_well, terms=partial(terms, language="de"))
    assert found["lexical"] >= 0.6


def test_the_weights_add_up_to_two() -> None:
    assert sum(calibrate(TEXTS, embed=embed_at_random, terms=words_of).values()) == pytest.approx(2)


def test_weights_are_coarse() -> None:
    found = calibrate(TEXTS, embed=embed_well, terms=misread)
    assert found["dense"] * 5 == pytest.approx(round(found["dense"] * 5))


def test_one_more_passage_moves_no_weight_by_more_than_a_step() -> None:
    before = calibrate(TEXTS[:-1], embed=embed_well, terms=words_of)
    assert calibrate(TEXTS, embed=embed_well, terms=words_of)["dense"] == pytest.approx(
        before["dense"], abs=0.21
    )


def test_a_small_collection_trusts_both_legs_alike() -> None:
    found = calibrate(TEXTS[:19], embed=embed_at_random, terms=words_of)
    assert found == {"dense": 1.0, "lexical": 1.0}


def test_passages_without_two_sentences_are_no_evidence() -> None:
    found = calibrate(["One short title"] * 100, embed=embed_at_random, terms=words_of)
    assert found == {"dense": 1.0, "lexical": 1.0}


def test_legs_that_both_fail_are_trusted_alike() -> None:
    same = np.ones((1, 4), dtype=np.float32) / 2
    found = calibrate(
        TEXTS, embed=lambda texts: np.repeat(same, len(texts), axis=0), terms=lambda _: ["x"] * 9
    )
    assert found == {"dense": 1.0, "lexical": 1.0}


def test_only_the_first_passages_are_embedded() -> None:
    asked: list[int] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.append(len(texts))
        return embed_at_random(texts)

    calibrate(TEXTS * 10, embed=embed, terms=words_of)
    assert sum(asked) <= 256
