"""How small a difference so many questions can show, and how many questions a difference asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from ragraft.compare.clustered import fewest_documents, quantile

__all__ = ["Reach", "paired_error", "questions_needed", "smallest_difference"]

POWER = 0.8
"""How often a difference is to be found: four times out of five, as is the custom (Cohen 1988, section 2.4)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a comparison can show: the least difference that is found four times out of five, if it is there.

    `smallest` is in the unit of the scores (0.1 is ten points of a hundred), None if nothing can be shown;
    `fewest` is how many documents must differ before anything can be.
    """

    questions: int
    documents: int
    comparisons: int
    smallest: float | None
    fewest: int

    def words(self) -> str:
        """Return what a reader must know before he looks at the differences."""
        asked = f"{_count(self.questions, 'question')} from {_count(self.documents, 'document')}"
        if self.smallest is None:
            return (
                f"{asked} cannot show any difference, however large: {self.fewest} documents are the fewest "
                f"for {_count(self.comparisons, 'comparison')}."
            )
        points = max(1, math.ceil(100 * self.smallest - 1e-9))
        return (
            f"{asked} can show a difference of {_count(points, 'point')} of 100 or more; a smaller one is "
            f"found less than four times out of five, even where there is one."
        )


def smallest_difference(
    error: float, *, freedom: float, comparisons: int = 1, level: float = 0.95, power: float = POWER
) -> float:
    """Return the least difference in means that is found with probability `power`.

    `error` is the standard error of the difference, in the unit of the scores, and `freedom` its degrees of
    freedom. Of several `comparisons` each is held to the strictest step of Holm.

    Source: the minimum detectable effect of Bloom 1995, table 1.
    """
    tail = (1 - level) / (2 * comparisons)
    return error * (quantile(1 - tail, freedom) + quantile(power, freedom))


def paired_error(
    questions: int, *, discordance: float, documents: int | None = None, alike: float = 0.0
) -> float:
    """Return the standard error to expect of the difference between two shares on the same questions.

    `discordance` is the share of questions that one system has right and the other wrong, whichever it is;
    `alike` the correlation of such differences within a document, 0 to 1. Questions are taken to spread
    evenly over the documents, each a document of its own if none are given.

    Raises: ValueError for numbers that no comparison can have.
    Source: the variance of McNemar's difference with no difference in truth, times the design effect
    1 + (m - 1) * alike for m questions in a document (Kish 1965, section 5.4).
    """
    documents = questions if documents is None else documents
    if not (1 <= documents <= questions and 0 <= discordance <= 1 and 0 <= alike <= 1):
        raise ValueError(f"{questions} questions of {documents} documents, {discordance=}, {alike=}")
    return math.sqrt(discordance / questions * (1 + (questions / documents - 1) * alike))


def questions_needed(
    difference: float, *, error: float, questions: int, comparisons: int = 1, level: float = 0.95
) -> int:
    """Return how many questions a difference asks for, if more are like the `questions` that gave this `error`.

    New questions are taken to come in documents of the same length, so that the error falls with the root.

    Raises: ValueError if the difference is not above zero.
    """
    if difference <= 0:
        raise ValueError("a difference must be above zero to be found")
    normal = NormalDist()
    wide = normal.inv_cdf(1 - (1 - level) / (2 * comparisons)) + normal.inv_cdf(POWER)
    return math.ceil(questions * (wide * error / difference) ** 2 - 1e-9)


def reach(
    *, questions: int, documents: int, error: float, freedom: float, comparisons: int, level: float = 0.95
) -> Reach:
    """Return what a comparison with this standard error can show.

    Half a step of an exact test, one question, is added (the continuity correction, as in Fleiss, Levin & Paik
    2003, section 4.2). Where the systems hardly differ the error says too little; a difference is then at
    least one question in each of the fewest documents that must differ.
    """
    fewest = fewest_documents(comparisons, level=level)
    if documents < fewest:
        return Reach(questions, documents, comparisons, None, fewest)
    least = smallest_difference(error, freedom=freedom, comparisons=comparisons, level=level)
    smallest = max(least + 1 / questions, fewest / questions)
    return Reach(questions, documents, comparisons, min(1.0, smallest), fewest)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
