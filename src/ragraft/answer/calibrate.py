"""Fits the confidence to questions whose answers are known, and draws what refusing costs and saves.

Source: selective answering as in El-Yaniv & Wiener 2010, section 2 (risk and coverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragraft.answer.confidence import Confidence

__all__ = ["Calibration", "Judged", "calibrate_confidence", "choose_threshold", "risk_coverage", "told_apart"]

FOLDS = 5
PULL = 1.0
"""How strongly weights are held to those they start from: the weight of a prior with variance 1 / PULL."""
STEPS = 50
SMALLEST_STEP = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A question's signals, whether the documents answer it, and whether what would be quoted is right.

    Questions of one `group` (a document) are never in two folds.
    """

    signals: Floats
    answerable: bool
    right: bool
    group: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted confidence, and what it does to questions it was not fitted on.

    `refitted` is False where the weights that were there before tell the questions apart at least as well: they
    are kept, and only the threshold is new. `curve` has (coverage, risk) from the surest question to all of
    them, `before` the same with the weights that were there. Shares are of the unanswerable and of the
    answerable questions.
    """

    confidence: Confidence
    refitted: bool
    refused: float
    wrongly_refused: float
    curve: tuple[tuple[float, float], ...]
    before: tuple[tuple[float, float], ...]
    chosen: tuple[float, float]


def calibrate_confidence(
    judged: Sequence[Judged], *, start: Confidence, most_wrongly_refused: float, name: str
) -> Calibration:
    """Return weights fitted to the questions, and a threshold that refuses few of the answerable ones.

    The figures come from five folds by group: each question is judged by weights fitted on the others.

    Raises: ValueError unless there are answerable and unanswerable questions.
    """
    features = np.array([one.signals for one in judged])
    labels = np.array([one.answerable for one in judged], bool)
    if labels.all() or not labels.any():
        raise ValueError("both answerable and unanswerable questions are needed")
    right = np.array([one.right and one.answerable for one in judged], bool)
    prior = np.array(start.weights)
    before = _probabilities(features, prior)
    apart = _out_of_fold(features, labels, _folds([one.group for one in judged]), prior)
    refitted = told_apart(apart, labels) > told_apart(before, labels)
    weights = _fit(features, labels, prior) if refitted else prior
    if not refitted:
        apart = before
    threshold = choose_threshold(apart, labels, most_wrongly_refused=most_wrongly_refused)
    answered = apart >= threshold
    return Calibration(
        confidence=Confidence(
            tuple(map(float, weights)), float(threshold), f"{len(judged)} questions of {name}"
        ),
        refitted=bool(refitted),
        refused=float(np.mean(~answered[~labels])),
        wrongly_refused=float(np.mean(~answered[labels])),
        curve=risk_coverage(apart, right),
        before=risk_coverage(before, right),
        chosen=(float(np.mean(answered)), float(np.mean(~right[answered])) if answered.any() else 0.0),
    )


def told_apart(confidences: Floats, answerable: npt.NDArray[np.bool_]) -> float:
    """Return how often an answerable question is surer than an unanswerable one (the area under the ROC curve)."""
    surer = confidences[answerable][:, None] - confidences[~answerable]
    return float(np.mean(surer > 0) + np.mean(surer == 0) / 2)


def choose_threshold(
    confidences: Floats, answerable: npt.NDArray[np.bool_], *, most_wrongly_refused: float
) -> float:
    """Return the highest threshold that refuses at most this share of the answerable questions.

    It lies between the confidences of two questions, as far from each as from the other.
    """
    kept = np.sort(confidences[answerable])
    allowed = int(np.floor(most_wrongly_refused * len(kept)))
    if allowed >= len(kept):
        return 1.0
    below = confidences[confidences < kept[allowed]]
    return float((kept[allowed] + (below.max() if len(below) else 0.0)) / 2)


def risk_coverage(confidences: Floats, right: npt.NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Return (share answered, share of those that is wrong) as more and more questions are answered."""
    order = np.argsort(-confidences, kind="stable")
    wrong = np.cumsum(~right[order])
    count = np.arange(1, len(order) + 1)
    return tuple(zip((count / len(order)).tolist(), (wrong / count).tolist(), strict=True))


def _folds(groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a fold for each question, groups whole, by falling size so that the folds are even."""
    names, sizes = np.unique(groups, return_counts=True)
    load = np.zeros(FOLDS, int)
    fold_of = {}
    for at in np.lexsort((names, -sizes)):
        fold_of[names[at]] = int(load.argmin())
        load[fold_of[names[at]]] += sizes[at]
    return np.array([fold_of[group] for group in groups])


def _out_of_fold(
    features: Floats, labels: npt.NDArray[np.bool_], folds: npt.NDArray[np.int64], prior: Floats
) -> Floats:
    found = np.empty(len(labels))
    for fold in np.unique(folds):
        held_out = folds == fold
        weights = _fit(features[~held_out], labels[~held_out], prior)
        found[held_out] = _probabilities(features[held_out], weights)
    return found


def _fit(features: Floats, labels: npt.NDArray[np.bool_], prior: Floats) -> Floats:
    """Return logistic weights by Newton's method, pulled to the prior; classes weigh the same.

    A step that would not lessen the loss is halved: whole steps run away where the prior is very sure.
    """
    if not len(labels) or labels.all() or not labels.any():
        return prior
    share = labels.mean()
    each = np.where(labels, 0.5 / share, 0.5 / (1 - share))
    sign = np.where(labels, 1.0, -1.0)

    def loss(weights: Floats) -> float:
        pull = PULL / 2 * np.sum((weights - prior) ** 2)
        return float(each @ np.logaddexp(0, -sign * (features @ weights)) + pull)

    weights = prior.copy()
    for _ in range(STEPS):
        chance = _probabilities(features, weights)
        gradient = features.T @ (each * (labels - chance)) - PULL * (weights - prior)
        curvature = (features * (each * chance * (1 - chance))[:, None]).T @ features + PULL * np.eye(
            len(prior)
        )
        step = np.linalg.solve(curvature, gradient)
        while np.abs(step).max() >= SMALLEST_STEP and loss(weights + step) > loss(weights):
            step = step / 2
        weights = weights + step
        if np.abs(step).max() < SMALLEST_STEP:
            break
    return weights


def _probabilities(features: Floats, weights: Floats) -> Floats:
    return np.asarray((1 + np.tanh(features @ weights / 2)) / 2)
