"""Tuning the embedder from top to bottom: questions drawn towards the passages that answer them.

The loss is InfoNCE over the right passage, the other passages of the batch and hard negatives (van den Oord et al.
2018; in-batch negatives as in Henderson et al. 2017, section 4). Only the upper layers learn: what the lower ones
make of a text is computed once and kept. Against forgetting, the tuned weights are drawn back towards the base's by
as much as serves held-out questions best (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.models.processor import thread_count
from ragraft.tune.folders import fresh_folder
from ragraft.tune.plan import rate_at
from ragraft.tune.retriever_pairs import FALSE_NEGATIVE, Pair, dense_ndcg
from ragraft.tune.retriever_student import EmbedderStudent
from ragraft.types import Vectors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Recipe", "Step", "TunedWeights", "save_embedder", "tune_embedder"]

CARD = "tuning.json"

PROBED = 3
"""Steps after which the rest is fitted into the time there is, so that the rate falls to zero within it."""

Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; what was measured for each value is in docs/concepts/retriever-tuning.md.

    `layers` from the top learn. A batch has `questions`, each with its passage and `negatives` hard ones.
    `blends` are the parts of the way from the base's weights to the tuned ones that are tried at the end.
    """

    layers: int = 3
    questions: int = 16
    negatives: int = 2
    rate: float = 3e-5
    warm_up: float = 0.1
    temperature: float = 0.05
    epochs: int = 4
    patience: int = 2
    blends: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is."""

    step: int
    steps: int
    loss: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class TunedWeights:
    """What training gave: the tensors that changed, by name.

    `looks` are the nDCG@10 on held-out questions before training and after each epoch; `blends` those of each blend.
    `blend` is the one chosen, 0 if the base itself did best: then nothing changed.
    """

    arrays: Arrays
    looks: tuple[float, ...]
    blends: Mapping[float, float]
    blend: float
    steps: int


def tune_embedder(
    folder: Path,
    *,
    train: Sequence[Pair],
    choose: Sequence[Pair],
    texts: Mapping[int, str],
    vectors: Mapping[int, Vectors],
    recipe: Recipe,
    seconds: float | None = None,
    threads: int | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> TunedWeights:
    """Tune the encoder in `folder` on pairs and return the weights that serve the held-out pairs best.

    `texts` are passages by number, `vectors` the untuned embedder's of them. Training ends when `seconds` are over,
    or when several epochs brought nothing; what was best is returned. It writes nothing, so it may be stopped at
    any time.

    Raises: ModelError if the loss is no number; MissingExtraError without torch.
    """
    began = time.monotonic()
    student = EmbedderStudent(
        folder, layers=recipe.layers, seed=recipe.seed, threads=threads or thread_count()
    )
    exam = _Exam(student, choose, texts)
    course = _Course(student, train, texts, vectors, recipe)
    looks, best, best_state = [exam.mark()], -1.0, student.trained()
    first_look = time.monotonic() - began
    closing = first_look * len(recipe.blends)
    steps = recipe.epochs * course.per_epoch
    done = 0
    for epoch in range(recipe.epochs):
        for batch in course.batches(epoch):
            loss = course.step(batch, rate_at(done, steps=steps, warm_up=recipe.warm_up, peak=recipe.rate))
            done += 1
            spent = time.monotonic() - began
            per_step, looking = (spent - first_look) / done, first_look * (recipe.epochs - epoch)
            if seconds is not None and done == PROBED:
                steps = min(steps, done + max(0, int((seconds - spent - looking - closing) / per_step)))
            on_step(Step(done, steps, loss, per_step * (steps - done) + looking))
            if done == steps or (seconds is not None and spent > seconds - closing):
                break
        looks.append(exam.mark())
        if looks[-1] > best:
            best, best_state = looks[-1], student.trained()
        if _is_over(looks, recipe.patience) or done == steps or done < (epoch + 1) * course.per_epoch:
            break
    blends = {0.0: looks[0]} | {part: exam.mark_of(best_state, part) for part in recipe.blends}
    blend = max(blends, key=lambda part: (round(blends[part], 4), -part))
    arrays = student.blended(best_state, blend) if blend else {}
    return TunedWeights(arrays, tuple(looks), blends, blend, done)


def save_embedder(folder: Path, trained: TunedWeights, *, base: Path, card: Mapping[str, object]) -> None:
    """Write an embedder's folder, whole or not at all: the base's files with the tuned weights, and a card.

    Raises: UserError if it cannot be written.
    """
    from safetensors.numpy import load_file, save_file

    with fresh_folder(folder) as draft:
        shutil.copytree(
            base, draft, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors", "*.md")
        )
        save_file(
            {**load_file(base / "model.safetensors"), **trained.arrays},
            draft / "model.safetensors",
            metadata={"format": "pt"},
        )
        (draft / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")


def _is_over(looks: Sequence[float], patience: int) -> bool:
    """Return whether the last looks brought nothing beyond those before."""
    return len(looks) > patience + 1 and max(looks[-patience:]) <= max(looks[1:-patience])


class _Exam:
    """Held-out questions, ranked over every passage that they or their negatives name."""

    def __init__(self, student: EmbedderStudent, pairs: Sequence[Pair], texts: Mapping[int, str]) -> None:
        self._student = student
        self._pairs = pairs
        self._numbers = sorted({number for pair in pairs for number in (*pair.positives, *pair.negatives)})
        self._texts = [texts[number] for number in self._numbers]

    def mark(self) -> float:
        """Return the nDCG@10 of the student as it is."""
        asked = self._student.vectors([pair.question for pair in self._pairs])
        return dense_ndcg(self._pairs, asked, self._student.vectors(self._texts), numbers=self._numbers)

    def mark_of(self, state: Mapping[str, Tensor], part: float) -> float:
        """Return the nDCG@10 of a blend of the base with these weights."""
        import torch

        self._student.take({k: torch.from_numpy(v) for k, v in self._student.blended(state, part).items()})
        return self.mark()


class _Course:
    """The batches of training and one step over each."""

    def __init__(
        self,
        student: EmbedderStudent,
        pairs: Sequence[Pair],
        texts: Mapping[int, str],
        vectors: Mapping[int, Vectors],
        recipe: Recipe,
    ) -> None:
        import torch

        self._student, self._pairs, self._texts, self._recipe = student, pairs, texts, recipe
        self._vectors = vectors
        self._asked = student.vectors([pair.question for pair in pairs])
        self._optimizer = torch.optim.AdamW(student.learning.values(), lr=recipe.rate, weight_decay=0.01)
        self.per_epoch = math.ceil(len(pairs) / recipe.questions)

    def batches(self, epoch: int) -> Iterator[list[tuple[int, list[int]]]]:
        """Yield batches of (pair, its passages, the right one first); the order follows from (seed, epoch)."""
        draw = random.Random(f"{self._recipe.seed} {epoch}")  # noqa: S311 - not a secret
        order = draw.sample(range(len(self._pairs)), len(self._pairs))
        for start in range(0, len(order), self._recipe.questions):
            batch = []
            for at in order[start : start + self._recipe.questions]:
                pair = self._pairs[at]
                hard = draw.sample(pair.negatives, min(self._recipe.negatives, len(pair.negatives)))
                batch.append((at, [draw.choice(pair.positives), *hard]))
            yield batch

    def step(self, batch: Sequence[tuple[int, list[int]]], rate: float) -> float:
        """Learn from a batch and return its loss in nats. Raises: ModelError if that is no number."""
        import torch

        numbers = list(dict.fromkeys(number for _, passages in batch for number in passages))
        right = torch.tensor([numbers.index(passages[0]) for _, passages in batch])
        questions = self._student.embed([self._pairs[at].question for at, _ in batch])
        passages = self._student.embed([self._texts[number] for number in numbers])
        logits = questions @ passages.T / self._recipe.temperature
        logits = logits.masked_fill(self._left_out([at for at, _ in batch], numbers, right), -torch.inf)
        loss = torch.nn.functional.cross_entropy(logits, right)
        if not math.isfinite(loss.item()):
            raise ModelError("the loss is no longer a number", hint="try again with fewer --minutes")
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        torch.nn.utils.clip_grad_norm_(self._student.learning.values(), 1.0)
        self._optimizer.step()
        return float(loss.item())

    def _left_out(self, asked: Sequence[int], numbers: Sequence[int], right: Tensor) -> Tensor:
        """Return which passages are no negatives of a question: what answers it, or by the base might."""
        import torch

        near = torch.from_numpy(
            self._asked[list(asked)] @ np.stack([self._vectors[number] for number in numbers]).T
        )
        own = near.gather(1, right[:, None])
        answers = torch.tensor([[number in self._pairs[at].positives for number in numbers] for at in asked])
        out = (near > FALSE_NEGATIVE * own) | answers
        return out.scatter(1, right[:, None], value=False)
