"""Whether the tuned model is better, and surely not worse, on questions that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragraft.intervals import mcnemar
from ragraft.questions import holds_answer, token_f1
from ragraft.tune.gates.gate import Ask, Gate, paired_gate
from ragraft.types import Example, Message, Question

__all__ = ["HeldOut", "held_out_from", "quality_gate"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A question that was not trained on: what is asked, what is expected, and what it stands or falls with."""

    messages: tuple[Message, ...]
    question: Question
    group: str


def held_out_from(examples: Sequence[Example]) -> list[HeldOut]:
    """Return what to ask of held-out examples: all before the last turn, which is what is expected."""
    return [
        HeldOut(
            messages=example.messages[:-1],
            question=Question(
                example.id, "", example.messages[-1].content, aliases=(), evidence=(), kind=example.kind
            ),
            group=example.group,
        )
        for example in examples
    ]


def quality_gate(
    held_out: Sequence[HeldOut], *, base: Ask, tuned: Ask, margin: float = 0.05, seed: int = 0
) -> Gate:
    """Return whether the tuned model answers held-out questions no worse than the base.

    The value is the mean difference in F1 over words, question by question; questions of one group (a
    document) stand or fall together. The detail has the shares of answers that hold the expected one or an
    alias, and the exact McNemar test of those, which takes questions for independent and decides nothing.
    """
    said = [(base(one.messages), tuned(one.messages)) for one in held_out]
    marks = [
        (token_f1(before, one.question), token_f1(after, one.question))
        for one, (before, after) in zip(held_out, said, strict=True)
    ]
    right = [
        (holds_answer(before, one.question), holds_answer(after, one.question))
        for one, (before, after) in zip(held_out, said, strict=True)
    ]
    lost, won = right.count((True, False)), right.count((False, True))
    count = max(1, len(held_out))
    return paired_gate(
        "quality",
        [before for before, _ in marks],
        [after for _, after in marks],
        [one.group for one in held_out],
        margin=margin,
        seed=seed,
        holds={
            "base": sum(before for before, _ in right) / count,
            "tuned": sum(after for _, after in right) / count,
            "lost": lost,
            "won": won,
            "p": mcnemar(lost, won),
        },
    )
