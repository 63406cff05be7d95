"""From examples to a data set: split by document, nothing of one side on the other, its label computed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ragraft.access.labels import strictest
from ragraft.errors import UserError
from ragraft.tune.likeness import NearText
from ragraft.tune.validate import NEAR, evaluation_questions
from ragraft.tune.wording import is_kept_back
from ragraft.types import Dataset, Example, Question

__all__ = ["Built", "build_dataset"]


@dataclass(frozen=True, slots=True)
class Built:
    """A data set and what was left out of it: how many examples, by reason."""

    dataset: Dataset
    left_out: dict[str, int]


def build_dataset(
    examples: Iterable[Example],
    *,
    held_out_share: float = 0.1,
    seed: int = 0,
    avoid: Sequence[Question] = (),
    train_only: Collection[str] = ("term",),
) -> Built:
    """Return a data set in which no document, no group and no near-duplicate is on both sides.

    Whole groups are held out, drawn by `seed`, until `held_out_share` of the examples is; where there are at
    least two groups, at least one is. Examples of the kinds `train_only` are not: a house term that was not
    taught cannot be known. But one wording of each term is, or nobody would see whether it was learned. Examples
    that ask a question of `avoid`, and training examples that are near-duplicates of held-out ones, are left out
    and counted.

    Raises: UserError if nothing is left to train on.
    """
    chosen = {example.id: example for example in examples}
    questions = evaluation_questions(avoid)
    asking = {name for name, example in chosen.items() if questions.nearest(_asked(example))}
    kept = [example for name, example in sorted(chosen.items()) if name not in asking]
    held_out = _held_out(kept, share=held_out_share, seed=seed, train_only=train_only)
    outside = {example.id for example in held_out}
    near = NearText(((example.id, _said(example)) for example in held_out), at_least=NEAR)
    train = [example for example in kept if example.id not in outside]
    alike = {example.id for example in train if near.nearest(_said(example))}
    train = [example for example in train if example.id not in alike]
    if held_out_share > 0:
        reworded = [example for example in train if example.kind == "term" and is_kept_back(_asked(example))]
        held_out += reworded if len(reworded) < len(train) else []
        train = [example for example in train if example not in held_out]
    if not train:
        raise UserError("there are no examples to train on", hint="add some: ragraft examples add FILE")
    dataset = Dataset(
        tuple(train),
        tuple(held_out),
        _fingerprint(train, held_out),
        strictest(example.label for example in (*train, *held_out)),
    )
    return Built(dataset, {"asks an evaluation question": len(asking), "like a held-out example": len(alike)})


def _held_out(
    examples: Sequence[Example], *, share: float, seed: int, train_only: Collection[str]
) -> list[Example]:
    # What belongs together stays together, and with it all if one of it must be trained on.
    together = [
        group for group in _together(examples) if not any(example.kind in train_only for example in group)
    ]
    # By digest and not shuffled: what is added later changes little of what is held out, so that a model trained
    # again can be held against the one before.
    together.sort(
        key=lambda group: hashlib.sha256(f"{seed} {min(one.group for one in group)}".encode()).digest()
    )
    wanted = share * len(examples)
    held: list[Example] = []
    for group in together if share > 0 else ():
        fits = len(held) + len(group) <= wanted or not held
        if fits and len(held) + len(group) < len(examples):
            held += group
    return sorted(held, key=lambda example: example.id)


def _together(examples: Sequence[Example]) -> list[list[Example]]:
    """Return the examples in sets that share no group and no document with each other, in a fixed order."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for example in examples:
        for source in example.made_from:
            root[find(source.document)] = find(example.group)
    sets: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        sets[find(example.group)].append(example)
    return [sets[name] for name in sorted(sets, key=lambda name: sets[name][0].id)]


def _asked(example: Example) -> str:
    return next((turn.content for turn in reversed(example.messages) if turn.role == "user"), "")


def _said(example: Example) -> str:
    return "\n".join(turn.content for turn in example.messages if turn.role != "system")


def _fingerprint(train: Sequence[Example], held_out: Sequence[Example]) -> str:
    """Return what tells one data set from another: which examples are on which side."""
    sides = ("\n".join(sorted(example.id for example in side)) for side in (train, held_out))
    return hashlib.sha256("\n\n".join(sides).encode()).hexdigest()[:16]
