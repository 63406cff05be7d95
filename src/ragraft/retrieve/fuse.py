"""Several rankings of the same things as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["K", "fuse"]

Key = TypeVar("Key", int, str)

K = 60
"""How slowly a leg's say fades with the rank; the value of the paper."""


def fuse(
    rankings: Sequence[Sequence[Key]], *, weights: Sequence[float], k: float = K
) -> list[tuple[Key, float]]:
    """Return every key of any ranking with its fused score, best first; equal scores by key.

    The score is the sum over legs of weight / (k + rank), ranks counted from 1; a leg that does not
    have a key adds nothing.

    Source: reciprocal rank fusion, Cormack, Clarke & Buettcher 2009; weighted by leg.
    """
    scores: dict[Key, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
