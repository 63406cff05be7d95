"""Whether the tuned model still knows what the base knew: general text and small tasks that ship with ragraft."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from ragraft.errors import ModelError
from ragraft.intervals import mcnemar
from ragraft.questions import holds_answer
from ragraft.tune.gates.gate import Ask, Gate, Loss, gate_below, paired_gate
from ragraft.types import Message, Question

__all__ = ["Task", "general_tasks", "general_text", "general_text_gate", "tasks_gate"]

FOLDER = files("ragraft.tune.gates")


@dataclass(frozen=True, slots=True)
class Task:
    """A small general task. Right is an answer that holds one of `answers`, or that is all of `form`."""

    id: str
    kind: str
    ask: str
    answers: tuple[str, ...] = ()
    form: str = ""

    def solved_by(self, text: str) -> bool:
        """Return whether a text solves the task. White space around it does not count, case does in a form."""
        if self.form:
            return re.fullmatch(self.form, text.strip(), re.DOTALL) is not None
        first, *others = self.answers
        return holds_answer(text, Question(self.id, self.ask, first, tuple(others), (), self.kind))


@lru_cache(maxsize=1)
def general_text() -> tuple[str, ...]:
    """Return the paragraphs of general text that ship with ragraft: facts, in words of the project's own."""
    text = (FOLDER / "general_text.txt").read_text(encoding="utf-8")
    return tuple(" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip())


@lru_cache(maxsize=1)
def general_tasks() -> tuple[Task, ...]:
    """Return the small tasks that ship with ragraft: sums, capitals, opposites, answers in a given form."""
    rows = map(json.loads, (FOLDER / "general_tasks.jsonl").read_text(encoding="utf-8").splitlines())
    return tuple(
        Task(row["id"], row["kind"], row["ask"], tuple(row.get("answers", ())), row.get("form", ""))
        for row in rows
    )


def general_text_gate(
    *,
    base: Loss,
    tuned: Loss,
    texts: Sequence[str] = (),
    most: float = 0.1,
    seed: int = 0,
) -> Gate:
    """Return whether general text has become less likely to the tuned model by at most `most` nats per token.

    The value is the mean rise in cross-entropy over all tokens; tokens of one paragraph stand or fall
    together. 0.1 nats is a perplexity 10.5 % higher. `texts` are the project's own if none are given.

    Raises: ModelError if a loss is no number, or the two models do not count the same tokens.
    """
    texts = texts or general_text()
    before = [_checked(losses) for losses in base(texts)]
    after = [_checked(losses) for losses in tuned(texts)]
    sizes = [len(losses) for losses in before]
    if sizes != [len(losses) for losses in after] or len(sizes) != len(texts) or not all(sizes):
        raise ModelError(
            "base and tuned model do not give one loss for each of the same tokens",
            hint="both must have the same tokenizer, and every text at least two tokens",
        )
    rises = [(sum(new) - sum(old)) / len(old) for old, new in zip(before, after, strict=True)]
    # A rise has no greatest value; what unseen text could shift is judged by the most that was seen.
    reach = max(map(abs, rises))
    return gate_below(
        "general_text",
        rises,
        [str(number) for number in range(len(rises))],
        bar=most,
        limits=(-reach, reach),
        weights=sizes,
        seed=seed,
        texts=len(texts),
        tokens=sum(sizes),
        base=sum(map(sum, before)) / sum(sizes),
        tuned=sum(map(sum, after)) / sum(sizes),
    )


def tasks_gate(
    *, base: Ask, tuned: Ask, tasks: Sequence[Task] = (), margin: float = 0.1, seed: int = 0
) -> Gate:
    """Return whether the tuned model solves small general tasks no worse than the base.

    The detail counts by kind of task what each model solves. `tasks` are the project's own if none are given.
    """
    tasks = tasks or general_tasks()
    asked = [(Message("user", task.ask),) for task in tasks]
    before = [task.solved_by(base(ask)) for task, ask in zip(tasks, asked, strict=True)]
    after = [task.solved_by(tuned(ask)) for task, ask in zip(tasks, asked, strict=True)]
    pairs = list(zip(before, after, strict=True))
    lost, won = pairs.count((True, False)), pairs.count((False, True))
    of = Counter(task.kind for task in tasks)
    kinds = {
        kind: {
            "tasks": of[kind],
            "base": sum(hit for task, hit in zip(tasks, before, strict=True) if task.kind == kind),
            "tuned": sum(hit for task, hit in zip(tasks, after, strict=True) if task.kind == kind),
        }
        for kind in of
    }
    return paired_gate(
        "general_tasks",
        [float(hit) for hit in before],
        [float(hit) for hit in after],
        [task.id for task in tasks],
        margin=margin,
        seed=seed,
        lost=lost,
        won=won,
        p=mcnemar(lost, won),
        kinds=kinds,
    )


def _checked(losses: Sequence[float]) -> list[float]:
    found = [float(loss) for loss in losses]
    if not all(map(math.isfinite, found)):
        raise ModelError("a loss on general text is no number", hint="train again with a lower learning rate")
    return found
