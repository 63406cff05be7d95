"""What the network is given: rows cut to windows, with a passage of their own or a mined one, in batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.reader.rows import Row, holds_answer

__all__ = ["SEED", "Sample", "batches", "chance_of", "epoch_samples", "sample", "width_of"]

SEED = 20
TOKENS = 256
BATCH_TOKENS = 4096
NEGATIVE_SHARE = 0.42  # of the answerable rows that bring a mined negative along in a pass
CROPPED = 0.5  # of the rows are cut to a short window, so that answers stand anywhere
CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True)
class Sample:
    """What the network is given for one row in one pass; `spans` count tokens of the whole input."""

    ids: list[int]
    second: int
    spans: list[tuple[int, int]]
    answerable: float
    relevant: float


def chance_of(seed: int | str) -> random.Random:
    """Return the source of what is drawn at random for one purpose, so that a resumed run draws the same."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


def sample(row: Row, passage: Row, *, chance: random.Random, cropped: float) -> Sample:
    """Return a row, with its own passage or another row's, cut to a window that fits.

    The window holds one of the answers, at a random place, where the passage has one.
    """
    own = passage is row
    room = TOKENS - len(row.question) - 3
    spans = row.spans if own else ()
    chosen = chance.choice(spans) if spans else None
    if chance.random() < cropped:
        longest = chosen[1] - chosen[0] + 1 if chosen else 0
        room = min(room, max(chance.randint(60, 150), longest + 20))
    first = _window(len(passage.tokens), room, chosen, chance)
    second = len(row.question) + 2
    inside = [(a, b) for a, b in spans if a >= first and b < first + room]
    return Sample(
        ids=[CLS, *row.question, SEP, *passage.tokens[first : first + room], SEP],
        second=second,
        spans=[(a - first + second, b - first + second) for a, b in inside],
        answerable=float(bool(inside)),
        relevant=float(own),
    )


def _window(length: int, room: int, span: tuple[int, int] | None, chance: random.Random) -> int:
    if span is None:
        return chance.randint(0, max(0, length - room))
    low, high = max(0, span[1] + 1 - room), min(span[0], max(0, length - room))
    return chance.randint(min(low, high), high)


def epoch_samples(rows: Sequence[Row], negatives: Sequence[Sequence[int]], *, epoch: int) -> list[Sample]:
    """Return one pass: every row once, and for a share of the answerable ones a passage without answer."""
    chance = chance_of(f"{SEED} {epoch}")
    samples = []
    for row, others in zip(rows, negatives, strict=True):
        samples.append(sample(row, row, chance=chance, cropped=CROPPED))
        if others and chance.random() < NEGATIVE_SHARE:
            far = chance.random() < 0.1
            other = chance.randrange(len(rows)) if far else chance.choice(others)
            if not holds_answer(rows[other].passage, row):
                samples.append(sample(row, rows[other], chance=chance, cropped=CROPPED))
    return samples


def batches(samples: Sequence[Sample], *, chance: random.Random | None) -> list[list[Sample]]:
    """Return batches of like lengths, of about BATCH_TOKENS after padding; shuffled if `chance` is given.

    How many rows a batch has depends on its width alone, and widths are in steps of 16: for each new shape
    the matrix library would prepare all its products anew, which costs as much as computing them.
    """
    order = sorted(
        range(len(samples)),
        key=lambda n: -len(samples[n].ids) - (chance.randint(0, 12) if chance else 0),
    )
    found: list[list[Sample]] = []
    while order:
        count = BATCH_TOKENS // width_of([samples[order[0]]])
        found.append([samples[number] for number in order[:count]])
        order = order[count:]
    if chance:
        chance.shuffle(found)
    return found


def width_of(batch: Sequence[Sample]) -> int:
    """Return how wide a batch is after padding."""
    return -(-max(len(one.ids) for one in batch) // 16) * 16
