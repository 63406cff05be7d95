"""How likely it is that the passages found answer a question, before any model is asked.

A logistic model of a few signals that mean the same in every library: what a reader makes of the passages,
and how near their sentences come to what it asks for. The shipped weights were fitted by
training/confidence.py; `ragraft calibrate` fits them to a library's own questions.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragraft.answer.answer_type import answer_type, has_type
from ragraft.answer.question import topic_words
from ragraft.answer.sentence import Sentence
from ragraft.errors import WorkspaceError
from ragraft.types import Passage, Reading

__all__ = [
    "SIGNALS",
    "Confidence",
    "load_confidence",
    "log_odds",
    "missing_words",
    "save_confidence",
    "signals",
]

SIGNALS = ("relevant and near", "near", "asks for a thing", "bias")
"""What a confidence is made of. Only sentences count that have the kind of thing the question asks for (a number,
a time, a name): the greatest of a passage's log-odds of relevance and NEARNESS times the likeness of its likest
sentence; the greatest likeness of all. Then whether the question asks for such a thing, and 1."""

NEARNESS = 6.0
MOST_LOG_ODDS = 8.0

Terms = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Confidence:
    """Weights for SIGNALS, and the probability under which a question is refused.

    `fitted_on` says on how many questions, for a person to read.
    """

    weights: tuple[float, ...]
    threshold: float
    fitted_on: str

    def probability(self, found: npt.NDArray[np.float64]) -> float:
        """Return the probability that a question with these signals is answered by its passages."""
        return (1 + math.tanh(float(np.dot(self.weights, found)) / 2)) / 2


def load_confidence(path: Path | None = None) -> Confidence:
    """Return the weights in a file, or those shipped.

    Raises: WorkspaceError if the file is damaged.
    """
    source = path if path is not None and path.exists() else files("ragraft.answer") / "confidence.json"
    try:
        values = json.loads(source.read_text(encoding="utf-8"))
        weights = tuple(float(values["weights"][name]) for name in SIGNALS)
        threshold = float(values["threshold"])
        if not all(map(math.isfinite, weights)) or not 0 <= threshold <= 1:
            raise ValueError("a weight or the threshold is out of bounds")
        return Confidence(weights, threshold, str(values["fitted_on"]))
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{source} is damaged: {error!r}", hint="delete it; `ragraft calibrate` makes a new one"
        ) from error


def save_confidence(confidence: Confidence, path: Path) -> None:
    """Write a confidence where `load_confidence` finds it, whole or not at all."""
    values = {
        "weights": dict(zip(SIGNALS, confidence.weights, strict=True)),
        "threshold": confidence.threshold,
        "fitted_on": confidence.fitted_on,
    }
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def signals(
    question: str, *, readings: Sequence[Reading], sentences: Sequence[Sentence]
) -> npt.NDArray[np.float64]:
    """Return the values of SIGNALS for a question, float64 of shape (4,).

    `readings` are those of the passages, at least one; `sentences` what `split_passages` made of them.
    """
    kind = answer_type(question)
    nearest = [0.0] * len(readings)
    for one in sentences:
        if has_type(one.text, kind):
            nearest[one.place] = max(nearest[one.place], one.likeness)
    return np.array(
        [
            max(
                log_odds(reading.relevance) + NEARNESS * near
                for reading, near in zip(readings, nearest, strict=True)
            ),
            max(nearest),
            float(kind is not None),
            1.0,
        ]
    )


def missing_words(question: str, *, passages: Sequence[Passage], terms: Terms) -> list[str]:
    """Return the words of a question that no passage has in any form, as they stand in it, in order."""
    held = frozenset().union(*(terms(passage.chunk.full_text) for passage in passages))
    return [word for word in topic_words(question) if (stems := terms(word)) and not held & frozenset(stems)]


def log_odds(probability: float) -> float:
    """Return ln(p / (1 - p)), within MOST_LOG_ODDS of zero."""
    bound = 1 / (1 + math.exp(MOST_LOG_ODDS))
    kept = min(max(probability, bound), 1 - bound)
    return math.log(kept / (1 - kept))
