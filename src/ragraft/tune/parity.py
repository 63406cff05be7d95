"""Whether the trainer's model and the exported one answer alike.

The exported model answers greedily; then the trainer's is shown the same prompt and answer at once, and at each
token it says which one it would have written there. So one forward pass judges a whole answer, and one early
difference does not make all later ones count as different.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ragraft.protocols import ChatModel
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.weights import Floats
from ragraft.types import Message

__all__ = ["PARITY_BAR", "Parity", "measure_parity"]

PARITY_BAR = 0.9
"""The least share of equal tokens at which two forms of a model are taken to answer alike.

Measured on SmolLM2-135M with a random adapter: docs/concepts/adapters.md.
"""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far two forms of a model agree.

    `equal` of `tokens` are those that both would write; `gap` is the largest difference, in logits, by which the
    trainer's model preferred another one; `identical` of `answers` have no difference at all. `unclear` more
    could not be judged: their text can be cut into tokens in another way than it was written.
    """

    answers: int
    unclear: int
    identical: int
    tokens: int
    equal: int
    gap: float

    @property
    def share(self) -> float:
        """The share of equal tokens; 1 where nothing was said."""
        return self.equal / self.tokens if self.tokens else 1.0

    @property
    def alike(self) -> bool:
        """Whether the share reaches PARITY_BAR."""
        return self.share >= PARITY_BAR


def measure_parity(
    exported: ChatModel,
    *,
    questions: Sequence[str],
    encoder: ChatEncoder,
    logits: Callable[[list[int]], Floats],
    max_tokens: int = 48,
) -> Parity:
    """Return how far an exported model's greedy answers are those that the trainer's model would give.

    `logits` is the trainer's model: for n token numbers, float32 of shape (n, vocabulary), row i being what it
    expects after token i. Raises: ModelError if the exported model fails.
    """
    unclear = identical = tokens = equal = 0
    gap = 0.0
    for question in questions:
        asked = [Message("user", question)]
        answer = exported.generate(asked, max_tokens=max_tokens)
        before, whole = _tokens(encoder, asked, answer.text, ended=answer.finish == "stop")
        if len(whole) - before != answer.usage.completion_tokens:
            unclear += 1
            continue
        expected = logits(whole)[before - 1 : -1]
        written = np.array(whole[before:])
        lost = expected.max(axis=1) - expected[np.arange(len(written)), written]
        tokens += len(written)
        equal += int((lost == 0).sum())
        identical += not lost.any()
        gap = max(gap, float(lost.max(initial=0.0)))
    return Parity(len(questions) - unclear, unclear, identical, tokens, equal, gap)


def _tokens(encoder: ChatEncoder, asked: list[Message], text: str, *, ended: bool) -> tuple[int, list[int]]:
    """Return how many tokens the prompt has, and those of prompt and answer together.

    The token that ends a turn is one of the answer's, if the model wrote it.
    """
    coded = encoder.encode([*asked, Message("assistant", text)])
    first = coded.trained.index(True)
    last = len(coded.trained) - coded.trained[::-1].index(True)
    return first, coded.ids[: last if ended else last - 1]
