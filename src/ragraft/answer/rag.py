"""Retrieval-augmented answers: retrieve, read, generate, check, and show what holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ragraft.answer.confidence import Confidence, Terms
from ragraft.answer.decision import Decision, Generated
from ragraft.answer.followup import Rewriter, rewrite_by_rules
from ragraft.answer.ground import Ground, Grounding
from ragraft.answer.policy import Policy
from ragraft.answer.prompt import Budget, build_prompt
from ragraft.answer.sentence import Likeness
from ragraft.answer.stopwatch import Stopwatch
from ragraft.answer.together import complete_all
from ragraft.protocols import ChatModel, Reader, Retriever, Verifier
from ragraft.types import Answer, Caller, Message, Prompt, SystemCard

__all__ = ["RagSystem"]

UNSURE = "the passages found do not seem to answer the question"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way: its ground and its prompt, which is yet to be answered."""

    ground: Ground
    clock: Stopwatch
    prompt: Prompt


class RagSystem:
    """Answers from passages that the caller may read, and shows only what they support; fits the System seam.

    Without a `reader` there is no confidence and no quoting fallback. `quote` False leaves the fallback
    out. With `weigh`, for a model that often misses the point, its text is shown only if it rests on the
    sentence that would be quoted and the reader finds the answer in it at least as likely.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        retriever: Retriever,
        model: ChatModel,
        verifier: Verifier,
        terms: Terms,
        reader: Reader | None = None,
        likeness: Likeness | None = None,
        confidence: Confidence | None = None,
        rewrite: Rewriter = rewrite_by_rules,
        policy: Policy = "strict",
        quote: bool = True,
        weigh: bool = False,
        passages: int = 5,
        budget: Budget | None = None,
    ) -> None:
        self.card = card
        self._model = model
        self._budget = budget or Budget()
        self._grounding = Grounding(
            retriever=retriever,
            reader=reader,
            likeness=likeness,
            confidence=confidence,
            rewrite=rewrite,
            passages=passages,
        )
        self._decision = Decision(
            card=card,
            verifier=verifier,
            terms=terms,
            reader=reader,
            policy=policy,
            quote=quote,
            weigh=weigh,
        )

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return a checked answer with citations, or a refusal that says what is missing.

        `on_text` is given the model's draft as it comes, before anything of it is checked.

        Raises: ModelError if the model fails; UserError if its window is too small.
        """
        asked = self._ask(question, caller=caller, history=history, as_of=as_of)
        if isinstance(asked, Answer):
            return asked
        with asked.clock.time("generate"):
            completion = self._model.generate(
                asked.prompt.messages, max_tokens=asked.prompt.max_answer_tokens, on_text=on_text
            )
        return self._decision.decide(asked.ground, asked.clock, asked.prompt, completion)

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers that `answer` gives, in order; the model writes them together where it can.

        Raises: as `answer` does, for the first question that fails.
        """
        asked = [self._ask(question, caller=caller, history=(), as_of=None) for question in questions]
        waiting = [one for one in asked if not isinstance(one, Answer)]
        made = iter(complete_all(self._model, [(one.prompt, one.clock) for one in waiting]))
        return [
            one if isinstance(one, Answer) else self._decision.decide(one.ground, one.clock, one.prompt, next(made))
            for one in asked
        ]  # fmt: skip

    def ground(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        clock: Stopwatch | None = None,
    ) -> Ground:
        """Return what there is to answer a question from, without asking the chat model to answer it."""
        return self._grounding.ground(
            question, caller=caller, history=history, as_of=as_of, clock=clock or Stopwatch()
        )

    def quotation(self, ground: Ground, *, refuse: bool = True) -> Answer:
        """Return the answer that the reader alone gives: the likeliest sentence, quoted, or a refusal.

        `refuse` False quotes something whenever it can, however unsure it is.
        """
        clock = Stopwatch()
        if refused := self._refused(ground, clock, unsure=refuse):
            return refused
        return self._decision.quoted(ground, clock, "", Generated()) or self._decision.refuse(
            ground, clock, "no sentence of the passages answers the question"
        )

    def _ask(
        self, question: str, *, caller: Caller, history: Sequence[Message], as_of: datetime | None
    ) -> Asked | Answer:
        """Return what the model is to be given, or the refusal for which it need not be asked."""
        clock = Stopwatch()
        ground = self.ground(question, caller=caller, history=history, as_of=as_of, clock=clock)
        if refused := self._refused(ground, clock, unsure=True):
            return refused
        with clock.time("prompt"):
            prompt = build_prompt(
                ground.question,
                passages=ground.passages,
                history=history,
                model=self._model,
                budget=self._budget,
            )
        if not prompt.passages:
            reason = "no passage fits the model's window"
            return self._decision.refuse(ground, clock, reason, Generated(prompt))
        return Asked(ground, clock, prompt)

    def _refused(self, ground: Ground, clock: Stopwatch, *, unsure: bool) -> Answer | None:
        if not ground.passages:
            return self._decision.refuse(ground, clock, "no passage was found")
        if unsure and self._grounding.too_unsure(ground):
            return self._decision.refuse(ground, clock, UNSURE)
        return None
