"""How far to trust each leg of a search on a collection, found out without labelled questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ragraft.retrieve.lexical import idf, weights
from ragraft.types import Vectors

__all__ = ["SAMPLE", "calibrate"]

SAMPLE = 128
"""Passages that are enough: more moved no weight by a step on any collection tried."""

FEWEST = 20
"""With fewer passages to judge by, both legs are trusted alike."""

STEP = 0.1
"""Weights are this coarse, so that one document more or less, hidden ones included, moves none."""

ALIKE = 0.1
"""A leg's share of the trust that is this near to a half is a half: so little is the luck of the sample."""

QUERY_TERMS = 5
REST_TERMS = 8

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")

Terms = Callable[[str], Sequence[str]]
Scores = npt.NDArray[np.float64]


def calibrate(
    texts: Sequence[str], *, embed: Callable[[Sequence[str]], Vectors], terms: Terms
) -> dict[str, float]:
    """Return the weights {"dense", "lexical"} for a sample of a collection's passages in one language.

    From each passage one sentence is taken out and asked for the rest of it, among the rests of all: an
    inverse cloze test. A leg's weight is its mean reciprocal rank above chance, and the two add up to 2:
    1 and 1 for legs that do equally well, or where there are too few passages to tell. `terms` is the
    lexical leg's reading of a text in that language. Embeds two texts for each of the first SAMPLE
    passages, about two seconds on two cores.

    Source: inverse cloze, Lee, Chang & Toutanova 2019, section 4, there for training.
    """
    pairs = [pair for text in texts[:SAMPLE] if (pair := _cloze(text, terms))]
    if len(pairs) < FEWEST:
        return {"dense": 1.0, "lexical": 1.0}
    queries, rests = [query for query, _ in pairs], [rest for _, rest in pairs]
    vectors = embed(queries + rests)
    dense = _skill(np.asarray(vectors[: len(pairs)] @ vectors[len(pairs) :].T, dtype=np.float64))
    lexical = _skill(_bm25([terms(query) for query in queries], [terms(rest) for rest in rests]))
    share = dense / (dense + lexical) if dense + lexical else 0.5
    share = 0.5 if abs(share - 0.5) <= ALIKE else round(share / STEP) * STEP
    return {"dense": round(2 * share, 2), "lexical": round(2 - 2 * share, 2)}


def _cloze(text: str, terms: Terms) -> tuple[str, str] | None:
    """Return a sentence of the text and the rest of it, or None if one of them would say too little."""
    sentences = [s for s in _SENTENCE_END.split(text) if s.strip()]
    asking = [s for s in sentences if len(terms(s)) >= QUERY_TERMS]
    if not asking:
        return None
    # Any sentence will do, but always the same one: the weights of a collection must not flicker.
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    query = asking[int.from_bytes(digest, "big") % len(asking)]
    rest = text.replace(query, " ", 1)
    return (query, rest) if len(terms(rest)) >= REST_TERMS else None


def _bm25(queries: Sequence[Sequence[str]], texts: Sequence[Sequence[str]]) -> Scores:
    """Return the BM25 score of each text for each query."""
    counts = [Counter(text) for text in texts]
    having = Counter(term for count in counts for term in count)
    numbers = {term: number for number, term in enumerate(having)}
    parts = np.zeros((len(texts), len(numbers)))
    for row, count in enumerate(counts):
        found = weights({numbers[term]: n for term, n in count.items()}, count.total())
        parts[row, list(found)] = list(found.values())
    asked = np.zeros((len(queries), len(numbers)))
    for row, query in enumerate(queries):
        for term, n in Counter(query).items():
            if term in numbers:
                asked[row, numbers[term]] = n * idf(len(texts), having[term])
    return asked @ parts.T


def _skill(scores: Scores) -> float:
    """Return the mean reciprocal rank of the diagonal, ties shared: 0 for chance, 1 for always first."""
    own = np.diag(scores)[:, None]
    ranks = 1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    count = len(scores)
    chance = float(np.mean(1 / np.arange(1, count + 1)))
    return max(0.0, (float(np.mean(1 / ranks)) - chance) / (1 - chance))
