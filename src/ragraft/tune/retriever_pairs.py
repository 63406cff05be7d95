"""Questions with the passages that answer them and passages that only seem to: what an embedder is tuned on."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragraft.types import Vectors

__all__ = [
    "FALSE_NEGATIVE",
    "Pair",
    "Shares",
    "dense_ndcg",
    "fingerprint_of",
    "ndcg",
    "split_pairs",
    "too_near",
]

FALSE_NEGATIVE = 0.95
"""A passage that scores above this part of the right one's score may well answer too, and is no negative.
Source: Moreira et al. 2024, "NV-Retriever", section 4: TopK-PercPos, of the rules tried there the best."""

FIRST = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, and passages by number: those that answer it, and near ones that do not, nearest first.

    `document` is where the answer stands; questions about one document stay on one side of every split.
    """

    question: str
    document: str
    positives: tuple[int, ...]
    negatives: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """Pairs apart by document: to learn from, to choose weights by, and to judge the choice by."""

    train: tuple[Pair, ...]
    choose: tuple[Pair, ...]
    judge: tuple[Pair, ...]


def split_pairs(pairs: Sequence[Pair], *, seed: int = 0) -> Shares:
    """Return 60, 15 and 25 parts of a hundred of the pairs, as near as whole documents allow.

    The judging share is the larger of the held-out ones, since an interval is made of it.
    """
    documents = sorted({pair.document for pair in pairs})
    random.Random(seed).shuffle(documents)  # noqa: S311 - not a secret
    of: dict[str, list[Pair]] = {name: [] for name in documents}
    for pair in pairs:
        of[pair.document].append(pair)
    sides: list[list[Pair]] = [[], [], []]
    wanted = [share * len(pairs) for share in (0.6, 0.15, 0.25)]
    for name in sorted(documents, key=lambda name: -len(of[name])):
        emptiest = max(range(3), key=lambda at: (wanted[at] - len(sides[at])) / wanted[at])
        sides[emptiest].extend(of[name])
    return Shares(tuple(sides[0]), tuple(sides[1]), tuple(sides[2]))


def too_near(scores: npt.NDArray[np.float32], positive: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which scores are too high for a negative, beside the right passage's; shapes broadcast."""
    return np.asarray(scores > FALSE_NEGATIVE * positive)


def ndcg(ranking: Sequence[object], relevant: Sequence[object]) -> float:
    """Return nDCG@10 of a ranking, each relevant item being worth 1 (Järvelin & Kekäläinen 2002)."""
    wanted = set(relevant)
    got = sum(1 / math.log2(place + 2) for place, one in enumerate(ranking[:FIRST]) if one in wanted)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(FIRST, len(wanted))))
    return got / ideal if ideal else 0.0


def dense_ndcg(
    pairs: Sequence[Pair], questions: Vectors, passages: Vectors, *, numbers: Sequence[int]
) -> float:
    """Return the mean nDCG@10 of ranking all passages by nearness; `numbers` are theirs, row by row."""
    best = np.argsort(-(questions @ passages.T), axis=1, kind="stable")[:, :FIRST]
    found = [[numbers[at] for at in row] for row in best]
    return sum(ndcg(row, pair.positives) for row, pair in zip(found, pairs, strict=True)) / len(pairs)


def fingerprint_of(pairs: Sequence[Pair], texts: Mapping[int, str], *more: object) -> str:
    """Return 8 hexadecimal digits that change with what is trained on, or with `more`."""
    digest = hashlib.sha256(repr(more).encode())
    for pair in pairs:
        words = [pair.question, *(texts[number] for number in (*pair.positives, *pair.negatives))]
        digest.update("\0".join(words).encode("utf-8", "replace"))
    return digest.hexdigest()[:8]
