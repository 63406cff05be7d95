"""Retrieval-augmented answers: retrieve, build the prompt, generate, cite."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from ragraft.answer.cite import Terms, cite, claim_spans
from ragraft.answer.prompt import Budget, build_prompt
from ragraft.protocols import ChatModel, Retriever
from ragraft.types import Answer, Caller, Completion, Message, Prompt, SystemCard, Usage, Verdict

__all__ = ["RagSystem"]

NOTHING_FOUND = "I found nothing in the documents you may read that this could be answered from."
NO_PROMPT = Prompt((), (), (), 0, 0)

_LOOP = re.compile(r"(.{20,200}?)(?:[\s;,]*\1){2}", re.DOTALL)
"""A stretch within a sentence that is said three times on end."""


class RagSystem:
    """Answers from passages that the caller may read; fits the System seam."""

    def __init__(
        self,
        *,
        card: SystemCard,
        retriever: Retriever,
        model: ChatModel,
        terms: Terms,
        passages: int = 5,
        budget: Budget | None = None,
    ) -> None:
        self.card = card
        self._retriever = retriever
        self._model = model
        self._terms = terms
        self._passages = passages
        self._budget = budget or Budget()

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return an answer with citations; refused if there is nothing to answer from.

        Raises: ModelError if the model fails; UserError if its window is too small.
        """
        clock = Stopwatch()
        with clock.time("retrieve"):
            passages = self._retriever.retrieve(question, limit=self._passages, caller=caller, as_of=as_of)
        if not passages:
            return self._refuse(clock, "no passage was found")
        with clock.time("prompt"):
            prompt = build_prompt(
                question, passages=passages, history=history, model=self._model, budget=self._budget
            )
        if not prompt.passages:
            return self._refuse(clock, "no passage fits the model's window", prompt)
        with clock.time("generate"):
            completion = self._model.generate(
                prompt.messages, max_tokens=prompt.max_answer_tokens, on_text=on_text
            )
        with clock.time("cite"):
            text, looped = without_loop(completion.text)
            cited = cite(text, passages=prompt.passages, terms=self._terms)
        return Answer(
            text=cited.text,
            refused=False,
            reason=_reason(completion, looped=looped),
            citations=cited.citations,
            verdicts=tuple(
                Verdict(citation, None, f"not checked; {reason}")
                for citation, reason in zip(cited.citations, cited.reasons, strict=True)
            ),
            invented=cited.invented,
            prompt=prompt,
            usage=completion.usage,
            system=self.card,
            timings=clock.timings,
        )

    def _refuse(self, clock: Stopwatch, reason: str, prompt: Prompt = NO_PROMPT) -> Answer:
        return Answer(
            text=NOTHING_FOUND,
            refused=True,
            reason=reason,
            citations=(),
            verdicts=(),
            invented=(),
            prompt=prompt,
            usage=Usage(0, 0),
            system=self.card,
            timings=clock.timings,
        )


def without_loop(text: str) -> tuple[str, bool]:
    """Return the text up to the first sentence that says again what was said, and whether there was one.

    Small models fall into loops, which only their token budget ends.
    """
    seen: set[str] = set()
    for start, end in claim_spans(text):
        said = " ".join(text[start:end].casefold().split())
        if said in seen:
            return text[:start].rstrip(), True
        seen.add(said)
    if loop := _LOOP.search(text):
        return text[: loop.end(1)].rstrip(), True
    return text, False


def _reason(completion: Completion, *, looped: bool) -> str:
    if looped:
        return "cut where the model began to repeat itself"
    return "cut at the token budget" if completion.finish == "length" else ""


class Stopwatch:
    """Milliseconds of each stage."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Note how long the block takes."""
        began = time.perf_counter()
        yield
        self.timings[stage] = round(1000 * (time.perf_counter() - began), 2)
