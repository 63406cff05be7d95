"""Whether the tuned model is better, and surely not worse, on questions that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragraft.answer.cite import read_claims
from ragraft.intervals import mcnemar
from ragraft.questions import holds_answer, says_no_answer, token_f1
from ragraft.tune.gates.gate import Ask, Gate, paired_gate
from ragraft.tune.wording import REFUSAL
from ragraft.types import Example, Message, Question

__all__ = ["HeldOut", "held_out_from", "quality_gate"]

MOST_PASSAGES = 99
"""Numbers in brackets up to this one are citations of a passage."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A question that was not trained on: what is asked, what is expected, and what it stands or falls with."""

    messages: tuple[Message, ...]
    question: Question
    group: str


def held_out_from(examples: Sequence[Example]) -> list[HeldOut]:
    """Return what to ask of held-out examples: all before the last turn, which is what is expected."""
    return [HeldOut(example.messages[:-1], _question(example), example.group) for example in examples]


def quality_gate(
    held_out: Sequence[HeldOut], *, base: Ask, tuned: Ask, margin: float = 0.05, seed: int = 0
) -> Gate:
    """Return whether the tuned model answers held-out questions no worse than the base.

    The value is the mean difference in marks, question by question; questions of one group (a document) stand or
    fall together. A mark is the F1 over words. Of answers from passages it is 1 if the expected answer or an alias is
    held, whatever is quoted beside it, and else the F1 of the whole or of its last paragraph, whichever is better;
    where the passages do not answer, whether the model says so. The detail has the shares of answers that hold the
    expected one or an alias, and the exact McNemar test of those, which takes questions for independent and decides
    nothing.
    """
    said = [(base(one.messages), tuned(one.messages)) for one in held_out]
    marks = [
        (_mark(before, one.question), _mark(after, one.question))
        for one, (before, after) in zip(held_out, said, strict=True)
    ]
    right = [
        (_right(before, one.question), _right(after, one.question))
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


def _question(example: Example) -> Question:
    """Return what an example expects; of one with passages the answer alone, without the quotation before it."""
    expected, kind = example.messages[-1].content, example.kind
    if kind == "raft":
        expected, kind = ("", "unanswerable") if expected == REFUSAL else (_words(_last(expected)), kind)
    return Question(example.id, "", expected, aliases=example.aliases, evidence=(), kind=kind)


def _last(text: str) -> str:
    """Return the last paragraph."""
    return text.rstrip().rpartition("\n\n")[2]


def _words(text: str) -> str:
    """Return what is said, without the passages' numbers and the marks around a quotation."""
    return " ".join(claim.text for claim in read_claims(text, passages=MOST_PASSAGES)).strip("“”")


def _mark(text: str, question: Question) -> float:
    if not question.answerable:
        return float(says_no_answer(text))
    if question.kind != "raft":
        return token_f1(text, question)
    if holds_answer(text, question):
        return 1.0
    return max(token_f1(_words(part), question) for part in (text, _last(text)))


def _right(text: str, question: Question) -> bool:
    if question.answerable:
        return holds_answer(text, question)
    return says_no_answer(text)
