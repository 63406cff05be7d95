"""All that a tuned model is asked before it is used, so that it can be asked at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragraft.tune.checkpoints import put_in_place
from ragraft.tune.gates.context import Frame, context_gate, refusal_gate
from ragraft.tune.gates.forgetting import tasks_gate
from ragraft.tune.gates.gate import Ask, Gate
from ragraft.tune.gates.quality import HeldOut, held_out_from, quality_gate
from ragraft.tune.gates.style import Style, StyleCase, style_gate
from ragraft.tune.gates.terms import Term, terms_from, terms_gate
from ragraft.types import Dataset, Message

__all__ = ["AnswerSheet", "AskMany", "Exam", "exam_for"]

AskMany = Callable[[Sequence[Sequence[Message]]], Sequence[str]]
"""Asks a model several things at once: conversations in, what it says to each out. Greedy."""


@dataclass(frozen=True, slots=True)
class Exam:
    """What is asked of base and tuned model. What a data set holds nothing of is not asked.

    `held_out` are questions that were not trained on, `terms` house terms that were; `style` are the user's
    rules, if there are any.
    """

    held_out: tuple[HeldOut, ...]
    terms: tuple[Term, ...]
    style: Style | None
    frame: Frame
    seed: int = 0

    def marked(self, *, base: Ask, tuned: Ask) -> list[Gate]:
        """Return the gates that are judged by answers."""
        missing = (self.style.missing,) if self.style and self.style.missing else ()
        gates = [
            tasks_gate(base=base, tuned=tuned, seed=self.seed),
            context_gate(base=base, tuned=tuned, frame=self.frame, seed=self.seed),
            refusal_gate(base=base, tuned=tuned, frame=self.frame, words=missing, seed=self.seed),
        ]
        if self.held_out:
            gates.insert(0, quality_gate(self.held_out, base=base, tuned=tuned, seed=self.seed))
        if self.style and (cases := self._style_cases()):
            gates.append(style_gate(cases, self.style, base=base, tuned=tuned, seed=self.seed))
        if self.terms:
            gates.append(terms_gate(self.terms, base=base, tuned=tuned, seed=self.seed))
        return gates

    def questions(self) -> list[tuple[Message, ...]]:
        """Return everything that will be asked of each model, each once, in a fixed order."""
        asked: dict[tuple[Message, ...], None] = {}

        def note(messages: Sequence[Message]) -> str:
            asked[tuple(messages)] = None
            return ""

        self.marked(base=note, tuned=note)
        return list(asked)

    def _style_cases(self) -> list[StyleCase]:
        # What a term means is taught in wordings of ragraft's own, which follow no house's rules.
        return [
            StyleCase(
                one.messages,
                next((turn.content for turn in reversed(one.messages) if turn.role == "user"), ""),
                one.group,
            )
            for one in self.held_out
            if one.question.kind != "term"
        ]


def exam_for(dataset: Dataset, *, frame: Frame, style: Style | None = None, seed: int = 0) -> Exam:
    """Return what a model that is tuned on a data set is asked."""
    return Exam(
        tuple(held_out_from(dataset.held_out)),
        tuple(terms_from(dataset.train)),
        style,
        frame,
        seed,
    )


class AnswerSheet:
    """What a model said, each question asked once; what is kept in a file is not asked again.

    Questions stand in the file as digests: it holds nothing of what they were made from.
    """

    def __init__(self, ask: AskMany, *, kept: Path | None = None, together: int = 32) -> None:
        self._ask, self._kept, self._together = ask, kept, together
        self._said: dict[str, str] = {}
        if kept is not None and kept.exists():
            self._said = json.loads(kept.read_text(encoding="utf-8"))

    def fill(
        self, questions: Sequence[Sequence[Message]], *, on_answers: Callable[[int], None] = lambda _: None
    ) -> None:
        """Ask what has not been asked yet; `on_answers` is told how many questions are answered."""
        named = {_digest(one): one for one in questions}
        open_ones = [one for name, one in named.items() if name not in self._said]
        for at in range(0, len(open_ones), self._together):
            part = open_ones[at : at + self._together]
            self._said |= {_digest(one): said for one, said in zip(part, self._ask(part), strict=True)}
            self._save()
            on_answers(len(questions) - len(open_ones) + at + len(part))

    def __call__(self, messages: Sequence[Message]) -> str:
        """Return what was said to this; asked now if it was not before."""
        if _digest(messages) not in self._said:
            self.fill([messages])
        return self._said[_digest(messages)]

    def _save(self) -> None:
        if self._kept is not None:
            draft = self._kept.with_suffix(".unfinished")
            draft.write_text(json.dumps(self._said, ensure_ascii=False), encoding="utf-8")
            put_in_place(draft, self._kept)


def _digest(messages: Sequence[Message]) -> str:
    told = json.dumps([(turn.role, turn.content) for turn in messages])
    return hashlib.sha256(told.encode()).hexdigest()[:24]
