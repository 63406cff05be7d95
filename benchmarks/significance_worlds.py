"""Made-up comparisons whose truth is known: marks of systems on questions that come in documents.

Arrays of marks have the shape (runs, systems, documents, 8); a document has 1 to 8 questions, and what is beyond
its length is nan. `alike` is how strongly questions of one document go together, 0 to 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ragraft.compare.statistics import Scores

__all__ = [
    "Marks",
    "alike_systems",
    "differences",
    "fractions",
    "scores_of",
    "shares",
    "sums_and_sizes",
    "uneven_differences",
]

LONGEST = 8

Marks = npt.NDArray[np.float64]


def alike_systems(
    chance: np.random.Generator, *, runs: int, systems: int, documents: int, alike: float, binary: bool
) -> Marks:
    """Return marks of systems none of which is better in truth, on the same questions.

    Questions are hard or easy for all of them. Of what is alike in a document half is shared by the systems,
    and half is each system's own: it knows this document, and another system knows another one.
    """
    shape = (runs, systems, documents, LONGEST)
    shared = chance.normal(size=(runs, 1, documents, 1))
    own = chance.normal(size=(runs, systems, documents, 1))
    question = chance.normal(size=(runs, 1, documents, LONGEST))
    rest = 1 - alike
    latent = (
        np.sqrt(alike / 2) * (shared + own)
        + np.sqrt(rest / 2) * question
        + np.sqrt(rest / 2) * chance.normal(size=shape)
    )
    marks = (latent < 0.25).astype(float) if binary else np.clip(0.6 + 0.4 * latent, 0, 1)
    return _cut(chance, marks)


def shares(
    chance: np.random.Generator, *, runs: int, documents: int, alike: float, share: float
) -> tuple[Marks, float]:
    """Return right and wrong answers of one system, and the share it has right in truth."""
    if alike:
        weight = (1 - alike) / alike
        known = chance.beta(share * weight, (1 - share) * weight, size=(runs, 1, documents, 1))
    else:
        known = np.full((runs, 1, documents, 1), share)
    return _cut(chance, (chance.random((runs, 1, documents, LONGEST)) < known).astype(float)), share


def fractions(
    chance: np.random.Generator, *, runs: int, documents: int, alike: float, share: float
) -> tuple[Marks, float]:
    """Return marks between 0 and 1 of one system, many of them 0 or 1, and their mean in truth."""

    def marks(latent: Marks) -> Marks:
        return np.clip(share + 0.45 * latent, 0, 1)

    document = chance.normal(size=(runs, 1, documents, 1))
    question = chance.normal(size=(runs, 1, documents, LONGEST))
    truth = float(marks(np.random.default_rng(0).normal(size=2_000_000)).mean())
    return _cut(chance, marks(np.sqrt(alike) * document + np.sqrt(1 - alike) * question)), truth


def differences(
    chance: np.random.Generator,
    *,
    runs: int,
    documents: int,
    alike: float,
    won: float,
    lost: float,
    length: int | None = None,
) -> tuple[Marks, float]:
    """Return a pair's differences of right and wrong, 1, 0 or -1, and the mean difference in truth.

    `won` and `lost` are the shares of questions that only the one and only the other has right; `length` is
    how many questions each document has, if all have as many.
    """
    mean = np.broadcast_to([won, lost, 1 - won - lost], (runs, 1, documents, 3))
    marks = _outcomes(chance, mean, alike=alike, length=LONGEST if length is None else length)
    return marks if length is not None else _cut(chance, marks), won - lost


def uneven_differences(
    chance: np.random.Generator, *, runs: int, documents: int, alike: float
) -> tuple[Marks, float]:
    """Return a pair's differences that are nought in the mean and in no document: much better in one of five."""
    strong, weak = [0.45, 0.05, 0.5], [0.05, 0.15, 0.8]
    mean = np.where(chance.random((runs, 1, documents, 1)) < 0.2, strong, weak)
    return _cut(chance, _outcomes(chance, mean, alike=alike, length=LONGEST)), 0.0


def _outcomes(chance: np.random.Generator, mean: Marks, *, alike: float, length: int) -> Marks:
    """Return 1, -1 or 0 per question, as likely as each document's `mean` says on average."""
    known = mean
    if alike:
        drawn = np.maximum(chance.standard_gamma(mean * (1 - alike) / alike), 1e-300)
        known = drawn / drawn.sum(axis=-1, keepdims=True)
    place = chance.random((*mean.shape[:3], length))
    wins, losses = known[..., :1], known[..., 1:2]
    return (place < wins).astype(float) - ((place >= wins) & (place < wins + losses))


def sums_and_sizes(marks: Marks) -> tuple[Marks, Marks]:
    """Return sums over the questions of each document and how many there are, without the last axis."""
    return np.nansum(marks, axis=-1), np.sum(~np.isnan(marks), axis=-1).astype(float)


def scores_of(marks: Marks) -> Scores:
    """Return one run's marks, of shape (systems, documents, questions), as the comparison takes them."""
    there = ~np.isnan(marks[0])
    documents = [str(one) for one in np.nonzero(there)[0]]
    return Scores("made up", documents, {f"s{at}": list(rows[there]) for at, rows in enumerate(marks)})


def _cut(chance: np.random.Generator, marks: Marks) -> Marks:
    """Return marks with documents cut to 1 to 8 questions; the systems are asked the same ones."""
    runs, _, documents, _ = marks.shape
    lengths = chance.integers(1, LONGEST + 1, size=(runs, 1, documents, 1))
    return np.where(np.arange(LONGEST) < lengths, marks, np.nan)
