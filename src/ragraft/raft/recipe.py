"""The order of learning and the share of refusals: what keeps a small model from refusing everything.

Refusing is one sentence, always the same, so it is learned within a few steps; reading is not. A small model that meets
many refusals before it can read refuses whatever it is asked. So answers come first, refusals later and few, and
how few is found out on held-out questions (docs/concepts/raft.md).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ragraft.access.labels import strictest
from ragraft.errors import UserError
from ragraft.questions import holds_answer, says_no_answer
from ragraft.raft.rows import Rows
from ragraft.tune.dataset import Built
from ragraft.types import Dataset, Example, Question

__all__ = [
    "MOST_WRONGLY_REFUSED",
    "SHARES",
    "SUCCESS",
    "Outcome",
    "Trial",
    "best_trial",
    "data_of",
    "mixed",
    "outcome_of",
    "raft_dataset",
    "split_questions",
    "sweep",
]

SUCCESS = 0.9
"""Share of rows with an answer in the last pass. Own trials with SmolLM2-135M: at 62 % it refused 93 % of the answerable
test questions, at 93 % 27 %. Where a larger model is at hand, sweep."""

SHARES = (1.0, 0.95, 0.9, 0.8, 0.6)
"""Shares that a sweep tries. Zhang et al. 2024 found the best between 0.4 and 1, by data set."""

HELD_OUT_SUCCESS = 2 / 3
MOST_WRONGLY_REFUSED = 0.15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model did with held-out questions: how many of those with and without an answer, and what of them."""

    answerable: int
    right: int
    wrongly_refused: int
    unanswerable: int
    refused: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One share of success rows, how many rows and refusals among them that were, and what came of it."""

    success: float
    rows: int
    refusals: int
    outcome: Outcome


def split_questions(
    questions: Sequence[Question], *, share: float = 0.1, seed: int = 0
) -> tuple[list[Question], list[Question]]:
    """Return the questions to learn from and those held out, about a `share`, with no document on both sides.

    Rows are split before they are made: afterwards every document is a distractor somewhere, and all would be one.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for question in questions:
        for evidence in question.evidence:
            root[find(f"document {evidence.document}")] = find(f"question {question.id}")
    sets: dict[str, list[Question]] = {}
    for question in questions:
        sets.setdefault(find(f"question {question.id}"), []).append(question)
    order = sorted(sets, key=lambda name: sets[name][0].id)
    random.Random(seed).shuffle(order)  # noqa: S311  an order, not a secret
    held: set[str] = set()
    for name in order:
        if len(held) + len(sets[name]) <= share * len(questions):
            held |= {question.id for question in sets[name]}
    return (
        [question for question in questions if question.id not in held],
        [question for question in questions if question.id in held],
    )


def mixed(rows: Rows, *, success: float = HELD_OUT_SUCCESS, seed: int = 0) -> tuple[Example, ...]:
    """Return all rows with an answer, and as many refusals that answers make up a share of `success`.

    Where there are too few refusals, all of them. What a lower share has, a higher one has not more of. Held-out rows
    are a third refusals unless told otherwise: both are to be seen.

    Raises: UserError if `success` is not above 0 and at most 1.
    """
    if not 0 < success <= 1:
        raise UserError(f"{success} is no share of success rows", hint="give one above 0 and at most 1")
    refused = list(rows.refused)
    random.Random(seed).shuffle(refused)  # noqa: S311
    return rows.answered + tuple(refused[: round(len(rows.answered) * (1 - success) / success)])


def raft_dataset(rows: Rows, held_out: Rows, *, success: float = SUCCESS, seed: int = 0) -> Built:
    """Return what to learn and what to hold out.

    Answers are learned in both passes and refusals in the second (`ragraft.tune.train`, `later`).

    Raises: UserError if no row has an answer.
    """
    if not rows.answered:
        raise UserError("no question made a row with an answer", hint=_why_none(rows))
    train = mixed(rows, success=success, seed=seed)
    return Built(data_of(train, mixed(held_out, seed=seed)), dict(rows.skipped))


def data_of(train: Sequence[Example], held_out: Sequence[Example]) -> Dataset:
    """Return the data set of rows to learn and rows held out."""
    sides = ("\n".join(sorted(example.id for example in side)) for side in (train, held_out))
    fingerprint = hashlib.sha256("\n\n".join(sides).encode()).hexdigest()[:16]
    label = strictest(example.label for example in (*train, *held_out))
    return Dataset(tuple(train), tuple(held_out), fingerprint, label)


def sweep(
    rows: Rows,
    *,
    measure: Callable[[Sequence[Example]], Outcome],
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> tuple[Trial, ...]:
    """Return what came of each share of success rows; `measure` trains on rows and asks held-out questions."""
    trials = []
    for success in shares:
        chosen = mixed(rows, success=success, seed=seed)
        refusals = len(chosen) - len(rows.answered)
        trials.append(Trial(success, len(chosen), refusals, measure(chosen)))
    return tuple(trials)


def best_trial(trials: Sequence[Trial], *, most_wrongly_refused: float = MOST_WRONGLY_REFUSED) -> Trial:
    """Return the trial with the best mean of right answers and right refusals among those that refuse little wrongly.

    Of equals the one with more success rows. If all refuse more, the one that refuses least wrongly.
    """

    def wrongly(trial: Trial) -> float:
        return _share(trial.outcome.wrongly_refused, trial.outcome.answerable)

    def worth(trial: Trial) -> float:
        outcome = trial.outcome
        return _share(outcome.right, outcome.answerable) + _share(outcome.refused, outcome.unanswerable)

    fit = [trial for trial in trials if wrongly(trial) <= most_wrongly_refused]
    if fit:
        return max(fit, key=lambda trial: (worth(trial), trial.success))
    return min(trials, key=lambda trial: (wrongly(trial), -worth(trial)))


def outcome_of(said: Iterable[tuple[Question, str]]) -> Outcome:
    """Return the counts of what a model said to questions, before anything of it is checked."""
    counts = {"answerable": 0, "right": 0, "wrongly_refused": 0, "unanswerable": 0, "refused": 0}
    for question, text in said:
        right = question.answerable and holds_answer(text, question)
        refused = not right and says_no_answer(text)
        counts["answerable" if question.answerable else "unanswerable"] += 1
        counts["right"] += right
        counts["wrongly_refused" if question.answerable else "refused"] += refused
    return Outcome(**counts)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _why_none(rows: Rows) -> str:
    reasons = [f"{reason} ({count})" for reason, count in rows.skipped.items()]
    return "; ".join(reasons[:3]) or "give questions with answers and evidence"
