"""General examples against forgetting: what the base model itself answers, so that learning keeps it as it is."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from ragraft.answer.loops import without_loop
from ragraft.answer.prompt import FENCE
from ragraft.tune.gates.context import Frame
from ragraft.tune.store import example_id
from ragraft.types import EVERYONE, AccessLabel, Completion, Example, Message

__all__ = ["Rehearsal", "rehearse", "replay_prompts"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """General examples, and how many answers of the base were left out, by reason."""

    examples: tuple[Example, ...]
    left_out: dict[str, int]


def replay_prompts(frame: Frame) -> tuple[tuple[Message, ...], ...]:
    """Return the 160 general prompts that ship with ragraft, none of which is like one of the gates' own.

    100 are everyday requests. 60 ask about a passage, which half of them answer; `frame` makes the prompt of
    these, as `ragraft ask` would.
    """
    return tuple(
        (Message("user", row["ask"]),) if "ask" in row else tuple(frame(row["question"], row["passage"]))
        for row in _rows()
    )


def rehearse(
    prompts: Sequence[Sequence[Message]],
    *,
    ask_many: Callable[[Sequence[Sequence[Message]]], Sequence[Completion]],
    count: int,
    seed: int,
    whole: bool = True,
) -> Rehearsal:
    """Return up to `count` prompts, drawn by `seed`, as examples with the base model's own answers.

    `ask_many` asks the base, greedily, several prompts at once. An answer that is empty, cut, goes in circles or
    says the prompt again is left out, and the next prompt is drawn for it: a small base does that most of the time.
    Where answers are not learned and only what the base expects is held on to, they need not be `whole`: the empty
    ones alone are left out. Anybody may read the examples: they narrow the label of no data set.

    Source: after Huang et al. 2024, "Mitigating catastrophic forgetting in large language models with
    self-synthesized rehearsal", where the model answers for itself as well; the prompts it makes up too.
    """
    examples: dict[str, Example] = {}
    left_out: Counter[str] = Counter()
    left = random.Random(seed).sample(list(prompts), len(prompts))  # noqa: S311 - not a secret
    while left and len(examples) < count:
        asked = left[: count - len(examples)]
        del left[: len(asked)]
        for prompt, answer in zip(asked, ask_many(asked), strict=True):
            if fault := _fault_of(answer, prompt) if whole else ("" if answer.text.strip() else "empty"):
                left_out[fault] += 1
                continue
            messages = (*prompt, Message("assistant", answer.text.strip()))
            name = example_id(messages)
            examples[name] = Example(name, "replay", messages, name, label=AccessLabel(frozenset({EVERYONE})))
    return Rehearsal(tuple(examples.values()), dict(left_out))


def _fault_of(answer: Completion, prompt: Sequence[Message]) -> str:
    if not answer.text.strip():
        return "empty"
    if without_loop(answer.text)[1]:
        return "goes in circles"
    if answer.finish == "length":  # to be trained on, its end would be taught as a place to stop
        return "cut"
    said = {line.strip() for line in prompt[-1].content.splitlines() if len(line.split()) > 1}
    again = FENCE[0] in answer.text or any(line.strip() in said for line in answer.text.splitlines())
    return "says the prompt again" if again else ""


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, str], ...]:
    text = (files("ragraft.tune") / "replay_prompts.jsonl").read_text(encoding="utf-8")
    return tuple(map(json.loads, text.splitlines()))
