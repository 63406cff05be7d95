"""Answers of a model from memory: nothing is looked up, so nothing is cited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ragraft.answer.cite import read_claims
from ragraft.answer.decision import cut_reason
from ragraft.answer.loops import without_loop
from ragraft.answer.stopwatch import Stopwatch
from ragraft.answer.together import complete_all
from ragraft.errors import UserError
from ragraft.protocols import ChatModel
from ragraft.types import Answer, Caller, Completion, Dropped, Message, Prompt, SystemCard

__all__ = ["PlainSystem"]


class PlainSystem:
    """A model asked plainly; fits the System seam.

    It knows no documents, so whoever asks is told the same. `system` is a system text to put first. `called` is what
    its answers call the model, such as "tuned model".
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        model: ChatModel,
        system: str = "",
        called: str = "model",
        history_tokens: int = 600,
        answer_tokens: int = 200,
    ) -> None:
        self.card = card
        self._model = model
        self._system = system
        self._called = called
        self._history_tokens = history_tokens
        self._answer_tokens = answer_tokens

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return what the model remembers, without links and numbers that would pass for citations.

        Raises: UserError for `as_of`, or a question that does not fit the model's window; ModelError if the model
        fails.
        """
        if as_of is not None:
            raise UserError(
                f"a {self._called} has one memory and cannot answer as of a date", hint="leave out --as-of"
            )
        prompt, clock = self._ask(question, history)
        with clock.time("generate"):
            completion = self._model.generate(
                prompt.messages, max_tokens=prompt.max_answer_tokens, on_text=on_text
            )
        return self._result(question, prompt, completion, clock)

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers that `answer` gives, in order; the model writes them together where it can.

        Raises: as `answer` does, for the first question that fails.
        """
        asked = [self._ask(question, ()) for question in questions]
        made = complete_all(self._model, asked)
        return [
            self._result(question, prompt, completion, clock)
            for question, (prompt, clock), completion in zip(questions, asked, made, strict=True)
        ]

    def _ask(self, question: str, history: Sequence[Message]) -> tuple[Prompt, Stopwatch]:
        clock = Stopwatch()
        with clock.time("prompt"):
            return self._prompt(question.strip(), list(history)), clock

    def _prompt(self, question: str, history: list[Message]) -> Prompt:
        """Return the messages that fit the window; the oldest turns are left out first, two by two.

        A turn of the assistant without the question before it would be of a form that was never trained.
        """
        most = self._model.window - self._answer_tokens
        given = list(history)
        alone = self._model.count_tokens(self._messages(question, []))
        if alone > most:
            raise UserError(
                f"the question has {alone} tokens with its frame, and {self._model.name} takes {most}",
                hint="ask a shorter question",
            )
        most = min(most, alone + self._history_tokens)
        while history and self._model.count_tokens(self._messages(question, history)) > most:
            del history[: 2 if history[0].role == "user" else 1]
        messages = self._messages(question, history)
        tokens = self._model.count_tokens(messages)
        lost = self._model.count_tokens(self._messages(question, given)) - tokens
        gone = len(given) - len(history)
        return Prompt(
            messages=tuple(messages),
            passages=(),
            dropped=(Dropped("history", gone, lost),) if gone else (),
            tokens=tokens,
            max_answer_tokens=self._answer_tokens,
        )

    def _messages(self, question: str, history: Sequence[Message]) -> list[Message]:
        system = [Message("system", self._system)] if self._system else []
        return [*system, *history, Message("user", question)]

    def _result(self, question: str, prompt: Prompt, completion: Completion, clock: Stopwatch) -> Answer:
        text, looped = without_loop(completion.text)
        # It was given no passages, so every number in brackets is one that it made up.
        claims = read_claims(text, passages=0)
        text = "".join(claim.before + claim.text for claim in claims).strip()
        told = [f"from the {self._called}'s memory: nothing was looked up, so nothing is cited"]
        if cut := cut_reason(completion, looped=looped):
            told.append(cut)
        return Answer(
            text=text or f"The {self._called} gave no answer.",
            refused=not text,
            reason="; ".join(told),
            citations=(),
            verdicts=(),
            invented=tuple(number for claim in claims for number in claim.invented),
            prompt=prompt,
            usage=completion.usage,
            system=self.card,
            timings=clock.timings,
            question=question,
            origin="model" if text else "refusal",
            draft=completion.text,
        )
