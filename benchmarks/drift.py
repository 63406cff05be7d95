"""How often questions that have moved away are seen, and how often those that have not are taken for it.

A model learns from a handbook's training questions; a tenth of them, whole documents, are held out as `ragraft tune`
does, by another seed in each draw. Today's questions are then the handbook's test questions, which are of
other documents, those of a company that makes castors, those of a bank's customers, and half and half. The value is
the share of draws in which `ragraft tune --due` would give drift as a reason. The reference is the plain rule that
more than a quarter of today's questions are farther off than 95 % of the held-out ones.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.figures import Figure, Report, Target, at_least, at_most, run
from benchmarks.ground import DATA, handbook_questions
from ragraft.chosen import open_embedder
from ragraft.config import Settings, TuneSettings
from ragraft.protocols import Embedder
from ragraft.questions import read_questions
from ragraft.tune.dataset import build_dataset
from ragraft.tune.due import CHANCE, moved_away, nearest_distances, usual_distances
from ragraft.types import Example, Message, Question, Vectors

COMPANY = Path(__file__).resolve().parents[1] / "examples" / "company" / "questions"
PLAIN = "more than 25 % beyond the 95 % quantile"
FALSE, SEEN = at_most(0.05), at_least(0.95)
SIZES = (100, 20)
"""Questions of today; targets are for the first."""


def measure(*, embedder: Embedder, draws: int) -> Report:
    """Return how often each set of questions of today is taken for drift, over draws of what is held out."""
    learned = [_example(question) for question in handbook_questions("train")]
    same = [question.text for question in handbook_questions("test")]
    castors = [
        question.text for name in ("train", "test") for question in read_questions(COMPANY / f"{name}.jsonl")
    ]
    bank = _bank()
    sets: dict[str, tuple[Callable[[random.Random, int], list[str]], Target | None]] = {
        "the same handbook": (lambda draw, size: draw.sample(same, size), FALSE),
        "a maker of castors": (lambda draw, size: draw.sample(castors, size), SEEN),
        "a bank's customers": (lambda draw, size: draw.sample(bank, size), SEEN),
        "half and half": (
            lambda draw, size: [*draw.sample(same, size // 2), *draw.sample(bank, size // 2)],
            None,
        ),
    }
    texts = list(dict.fromkeys([*map(_asked, learned), *same, *castors, *bank]))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    report = Report(settings={"draws": draws, "bar": TuneSettings().due_drift})
    for size in SIZES:
        for name, (today, target) in sets.items():
            trials = [_trial(learned, today, vectors, size=size, seed=seed) for seed in range(draws)]
            values = [trial.moved for trial in trials]
            report.add(
                Figure(
                    f"{name}, {size} questions",
                    fmean(trial.due for trial in trials),
                    target=target if size == SIZES[0] else None,
                    reference=PLAIN,
                    reference_value=fmean(trial.plain for trial in trials),
                    note=f"at least {min(values):.0%} to {max(values):.0%} moved",
                )
            )
    return report


@dataclass(frozen=True, slots=True)
class Trial:
    """One draw: which share has moved, at least, and whether that is drift, by our rule and by the plain one."""

    moved: float
    due: bool
    plain: bool


def _trial(
    learned: Sequence[Example],
    today: Callable[[random.Random, int], list[str]],
    vectors: Mapping[str, Vectors],
    *,
    size: int,
    seed: int,
) -> Trial:
    def embedded(texts: Iterable[str]) -> Vectors:
        return np.stack([vectors[text] for text in texts])

    bar = TuneSettings().due_drift
    dataset = build_dataset(learned, seed=seed).dataset
    train, held_out = embedded(map(_asked, dataset.train)), embedded(map(_asked, dataset.held_out))
    now = nearest_distances(embedded(today(random.Random(seed), size)), train)
    known = [*dataset.train, *dataset.held_out]
    groups = [[one.group for one in part] for part in (known, dataset.train)]
    usual = usual_distances(embedded(map(_asked, known)), groups[0], train, groups[1])
    moved, chance = moved_away(usual, now)
    far = np.quantile(nearest_distances(held_out, train), 0.95, method="higher")
    return Trial(moved, moved > bar and chance < CHANCE, float((now > far).mean()) > bar)


def _example(question: Question) -> Example:
    messages = (Message("user", question.text), Message("assistant", question.expected))
    documents = [evidence.document for evidence in question.evidence]
    return Example(question.id, "question", messages, documents[0] if documents else question.id)


def _asked(example: Example) -> str:
    return example.messages[0].content


def _bank() -> list[str]:
    with (DATA / "banking77/test.csv").open(encoding="utf-8", newline="") as file:
        return random.Random(0).sample([row["text"] for row in csv.DictReader(file)], 400)


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(embedder=open_embedder(Settings().embedder), draws=3 if chosen.quick else 100)


if __name__ == "__main__":
    sys.exit(run("drift", _measure, about="questions that have moved away, and those that have not"))
