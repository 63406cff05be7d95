"""The plain way to tell whether a text supports a claim: eleven shares of words, runs of words and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["plain_features"]

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CAPITAL = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z]\w+")


def plain_features(claim: str, sentences: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return eleven features of a claim beside a list of sentences: bags of words and numbers, n-grams, lengths."""
    words = _WORD.findall(claim.lower())
    told = [_WORD.findall(sentence.lower()) for sentence in sentences]
    every = [word for sentence in told for word in sentence]
    bag = set(every)
    shares = sorted((_share(words, set(sentence)) for sentence in told), reverse=True) or [0.0]
    numbers, capitals = _NUMBER.findall(claim), [name.lower() for name in _CAPITAL.findall(claim)]
    known_numbers = {number for sentence in sentences for number in _NUMBER.findall(sentence)}
    return np.array(
        [
            shares[0],
            sum(shares[:3]) / 3,
            _share(words, bag),
            _share(_runs(words, 2), set(_runs(every, 2))),
            _share(_runs(words, 3), set(_runs(every, 3))),
            _share(numbers, known_numbers) if numbers else 1.0,
            float(len(numbers)),
            _share(capitals, bag) if capitals else 1.0,
            float(len(capitals)),
            math.log1p(len(words)),
            math.log1p(len(every)),
        ]
    )


def _share(items: Sequence[str], known: set[str]) -> float:
    return sum(item in known for item in items) / len(items) if items else 0.0


def _runs(words: Sequence[str], size: int) -> list[str]:
    return [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)]
