"""Whether the tuned model still answers from its passages, and still says when they do not answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from ragraft.answer.prompt import FENCE, Budget, build_prompt
from ragraft.intervals import mcnemar
from ragraft.protocols import ChatModel
from ragraft.questions import holds_answer, says_no_answer
from ragraft.tune.gates.forgetting import FOLDER
from ragraft.tune.gates.gate import Ask, Gate, paired_gate
from ragraft.types import Chunk, Message, Passage, Question

__all__ = [
    "Frame",
    "GivenPassage",
    "context_gate",
    "follows",
    "given_passages",
    "refusal_gate",
    "refuses",
    "retrieval_frame",
    "without_echo",
]

Frame = Callable[[str, str], Sequence[Message]]
"""The retrieval prompt for a question and the text of a passage."""

_ECHO = re.compile(rf"{re.escape(FENCE[0])}(?s:.*?)(?:{re.escape(FENCE[1])}|\Z)|^Question:.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A made-up passage with a question.

    `answer` is what the passage says, against what the world knows, which is `world`. Where the passage does
    not answer, `answer` is empty and `world` is what a model would be tempted to say.
    """

    id: str
    passage: str
    question: str
    answer: str
    world: str


@lru_cache(maxsize=1)
def given_passages() -> tuple[GivenPassage, ...]:
    """Return the passages that ship with ragraft: 70 that contradict the world, 30 that do not answer."""
    lines = (FOLDER / "given_passages.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(GivenPassage(**json.loads(line)) for line in lines)


def retrieval_frame(model: ChatModel, *, budget: Budget | None = None) -> Frame:
    """Return the frame that `ragraft ask` puts passages in; `model` counts its tokens."""

    def frame(question: str, text: str) -> Sequence[Message]:
        passage = Passage(
            Chunk(0, len(text), text),
            "passage.md",
            "Passage",
            revision=1,
            score=1.0,
            read_at=datetime.now(UTC),
        )
        return build_prompt(
            question, passages=[passage], history=(), model=model, budget=budget or Budget()
        ).messages

    return frame


def follows(text: str, given: GivenPassage) -> bool:
    """Return whether an answer is what the passage says and not what the world knows.

    A model that says its prompt again has not answered, though the passage stands in it.
    """
    said = without_echo(text)
    return _holds(said, given.answer) and not _holds(said, given.world)


def without_echo(text: str) -> str:
    """Return a text without what only a prompt holds: fenced passages, whether they end or not, and its question."""
    return _ECHO.sub(" ", text)


def refuses(text: str, given: GivenPassage, *, words: Sequence[str] = ()) -> bool:
    """Return whether a text says that the passage does not answer, and gives no answer of its own.

    `words` are other ways in which the house says so, such as "not in the documents".
    """
    said = any(word.casefold() in text.casefold() for word in words)
    return (said or says_no_answer(text)) and not _holds(text, given.world)


def context_gate(
    *,
    base: Ask,
    tuned: Ask,
    frame: Frame,
    passages: Sequence[GivenPassage] = (),
    margin: float = 0.2,
    seed: int = 0,
) -> Gate:
    """Return whether the tuned model follows its passages no worse than the base.

    Each passage contradicts what a model learned of the world, so that only who reads it answers right.

    Source: knowledge conflicts as in Longpre et al. 2021, which substitutes what a text says.
    """
    chosen = [one for one in passages or given_passages() if one.answer]
    return _paired("context", chosen, base, tuned, frame, follows, margin=margin, seed=seed)


def refusal_gate(
    *,
    base: Ask,
    tuned: Ask,
    frame: Frame,
    passages: Sequence[GivenPassage] = (),
    words: Sequence[str] = (),
    margin: float = 0.2,
    seed: int = 0,
) -> Gate:
    """Return whether the tuned model still says when a passage does not answer, no less often than the base."""
    chosen = [one for one in passages or given_passages() if not one.answer]

    def judged(text: str, given: GivenPassage) -> bool:
        return refuses(text, given, words=words)

    return _paired("refusal", chosen, base, tuned, frame, judged, margin=margin, seed=seed)


def _paired(
    name: str,
    passages: Sequence[GivenPassage],
    base: Ask,
    tuned: Ask,
    frame: Frame,
    judge: Callable[[str, GivenPassage], bool],
    *,
    margin: float,
    seed: int,
) -> Gate:
    asked = [frame(one.question, one.passage) for one in passages]
    before = [judge(base(messages), one) for one, messages in zip(passages, asked, strict=True)]
    after = [judge(tuned(messages), one) for one, messages in zip(passages, asked, strict=True)]
    pairs = list(zip(before, after, strict=True))
    lost, won = pairs.count((True, False)), pairs.count((False, True))
    return paired_gate(
        name,
        [float(hit) for hit in before],
        [float(hit) for hit in after],
        [one.id for one in passages],
        margin=margin,
        seed=seed,
        lost=lost,
        won=won,
        p=mcnemar(lost, won),
    )


def _holds(text: str, answer: str) -> bool:
    return holds_answer(text, Question("", "", answer, (), (), ""))
