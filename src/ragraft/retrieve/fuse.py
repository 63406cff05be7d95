"""Several legs of a search as one ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from statistics import fmean, pstdev
from typing import TypeVar

__all__ = ["Hit", "fuse", "fuse_scores"]

Key = TypeVar("Key", int, str)

SUPPORT = 0.25
"""How much of the score of a document's two best passages each of its passages is given."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that one leg found. `score` is in the leg's own unit, higher is better."""

    key: int
    score: float
    document: int
    language: str = ""


def fuse_scores(
    legs: Mapping[str, Sequence[Hit]], *, weights: Mapping[str, Mapping[str, float]], depth: int
) -> list[tuple[int, float]]:
    """Return every passage of any leg with its fused score, best first; equal scores by key.

    Each leg's scores are standardised over all candidates of this query, so that a passage far ahead of
    the others counts for more than one that happens to be first, and added up with the weights of the
    passage's language, `weights[language][leg]`, 1 where none is given. A candidate that a leg lacks has
    the leg's lowest score; or 0, if the leg found fewer than the `depth` it was asked for. Passages whose
    document has another good one are helped by it (SUPPORT).

    Source: a convex combination of normalised scores, Bruch, Gai & Ingber 2023, which finds it ahead of
    reciprocal ranks; the figures for our sets are in docs/decisions/retrieval-quality.md.
    """
    candidates = {hit.key: hit for hits in legs.values() for hit in hits}
    if not candidates:
        return []
    scores = dict.fromkeys(candidates, 0.0)
    for leg, hits in legs.items():
        for key, standard in _standardised(hits, candidates, depth).items():
            scores[key] += weights.get(candidates[key].language, {}).get(leg, 1.0) * standard
    support = _support(scores, candidates)
    total = {key: score + SUPPORT * support[candidates[key].document] for key, score in scores.items()}
    return _ranked(total)


def _standardised(hits: Sequence[Hit], candidates: Mapping[int, Hit], depth: int) -> dict[int, float]:
    """Return the leg's score of each candidate in standard deviations from their mean."""
    lowest = min((hit.score for hit in hits), default=0.0) if len(hits) >= depth else 0.0
    scores = dict.fromkeys(candidates, lowest) | {hit.key: hit.score for hit in hits}
    mean, deviation = fmean(scores.values()), pstdev(scores.values())
    return {key: (score - mean) / deviation if deviation else 0.0 for key, score in scores.items()}


def _support(scores: Mapping[int, float], candidates: Mapping[int, Hit]) -> dict[int, float]:
    """Return the sum of the two best scores above 0 of each document."""
    by_document: dict[int, list[float]] = {}
    for key, score in scores.items():
        by_document.setdefault(candidates[key].document, []).append(max(score, 0.0))
    return {document: sum(nlargest(2, found)) for document, found in by_document.items()}


def fuse(
    rankings: Sequence[Sequence[Key]], *, weights: Sequence[float], k: float = 60
) -> list[tuple[Key, float]]:
    """Return every key of any ranking with its fused score, best first; equal scores by key.

    The score is the sum over rankings of weight / (k + rank), ranks counted from 1; a ranking that does
    not have a key adds nothing. For legs without comparable scores, and the reference of the benchmarks.

    Source: reciprocal rank fusion, Cormack, Clarke & Buettcher 2009.
    """
    scores: dict[Key, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weight / (k + rank)
    return _ranked(scores)


def _ranked(scores: Mapping[Key, float]) -> list[tuple[Key, float]]:
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
