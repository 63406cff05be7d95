"""Rankings to compare with: another BM25, plain rank fusion, exact nearness; and how sure a difference is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import Stemmer
from numpy.typing import NDArray

from ragraft.types import Vectors

__all__ = ["DEPTH", "Bm25s", "best_passages", "nearest", "paired_interval", "plain_rrf"]

Key = TypeVar("Key", bound=Hashable)

DEPTH = 100
ALGORITHMS = {"en": "english", "de": "german"}
RESAMPLES = 10_000


class Bm25s:
    """The package bm25s (Lù 2024) with its defaults, the Snowball stemmer and no stop words but English ones."""

    def __init__(self, texts: Sequence[str], *, language: str) -> None:
        import bm25s

        self._stemmer = Stemmer.Stemmer(ALGORITHMS[language])
        self._stop_words = "en" if language == "en" else []
        self._size = len(texts)
        self._index = bm25s.BM25()
        self._index.index(self._tokens(texts), show_progress=False)

    def rank(self, queries: Sequence[str], *, depth: int = DEPTH) -> list[list[int]]:
        """Return for each query the numbers of the texts that share a word with it, best first."""
        found, scores = self._index.retrieve(
            self._tokens(queries), k=min(depth, self._size), show_progress=False
        )
        return [
            [int(text) for text, score in zip(texts, row, strict=True) if score > 0]
            for texts, row in zip(found, scores, strict=True)
        ]

    def _tokens(self, texts: Sequence[str]) -> list[list[str]]:
        import bm25s

        tokens: list[list[str]] = bm25s.tokenize(
            list(texts),
            stopwords=self._stop_words,
            stemmer=self._stemmer,
            return_ids=False,
            show_progress=False,
        )
        return tokens


def nearest(texts: Vectors, queries: Vectors, *, depth: int = DEPTH) -> list[list[int]]:
    """Return for each query vector the numbers of the nearest texts, by comparing it with every one."""
    order = np.argsort(-(queries @ texts.T), axis=1, kind="stable")[:, :depth]
    return [[int(text) for text in row] for row in order]


def plain_rrf(rankings: Sequence[Sequence[Key]], *, k: int = 60) -> list[Key]:
    """Return the fused ranking of reciprocal rank fusion as published (Cormack et al. 2009): equal weights, k 60."""
    scores: dict[Key, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda key: -scores[key])


def best_passages(passages: Sequence[int], document_of: Mapping[int, str]) -> list[str]:
    """Return the documents of ranked passages, each at the place of its best passage."""
    return list(dict.fromkeys(document_of[passage] for passage in passages))


def paired_interval(
    ours: Sequence[float], theirs: Sequence[float], *, clusters: Sequence[Hashable], seed: int = 1
) -> tuple[float, float]:
    """Return the 95 % percentile interval of mean(ours) - mean(theirs).

    Whole clusters are drawn again, because questions about one document succeed and fail together
    (paired cluster bootstrap, 10,000 draws).
    """
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    of = np.array([numbers[cluster] for cluster in clusters])
    difference = np.asarray(ours, float) - np.asarray(theirs, float)
    sums = np.bincount(of, weights=difference)
    sizes = np.bincount(of).astype(float)
    random = np.random.default_rng(seed)
    means: list[float] = []
    for _ in range(RESAMPLES):
        drawn: NDArray[np.intp] = random.integers(0, len(sums), len(sums))
        means.append(float(sums[drawn].sum() / sizes[drawn].sum()))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
