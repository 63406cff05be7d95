"""Answers of a tuned model: from memory, where nothing is looked up and nothing cited, or from passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ragraft.answer.cite import read_claims
from ragraft.answer.loops import without_loop
from ragraft.answer.rag import RagSystem
from ragraft.answer.stopwatch import Stopwatch
from ragraft.errors import NotAllowedError, UserError
from ragraft.protocols import ChatModel
from ragraft.tune.registry import require_usable
from ragraft.types import (
    Adapter,
    Answer,
    Caller,
    Completion,
    Dropped,
    Message,
    Prompt,
    SystemCard,
)

__all__ = ["FROM_MEMORY", "TunedRagSystem", "TunedSystem", "require_admitted"]

FROM_MEMORY = "from the tuned model's memory: nothing was looked up, so nothing is cited"
NO_ANSWER = "The tuned model gave no answer."


class TunedSystem:
    """A tuned model asked plainly; fits the System seam.

    `admit` is called before every answer and raises NotAllowedError unless the caller may use the adapter as it
    stands then: weights cannot leave out what a caller may not read, and a document may be erased while the model
    is loaded. `system` is the system text that the examples had, if they had one.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        model: ChatModel,
        admit: Callable[[Caller], None],
        system: str = "",
        history_tokens: int = 600,
        answer_tokens: int = 200,
    ) -> None:
        self.card = card
        self._model = model
        self._admit = admit
        self._system = system
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

        Raises: NotAllowedError if the caller may not read all that the model was made from, or the adapter is
        withdrawn; UserError for `as_of`, or a question that does not fit the model's window; ModelError if the
        model fails.
        """
        self._admit(caller)
        if as_of is not None:
            raise UserError(
                "a tuned model has one memory and cannot answer as of a date", hint="leave out --as-of"
            )
        clock = Stopwatch()
        with clock.time("prompt"):
            prompt = self._prompt(question.strip(), list(history))
        with clock.time("generate"):
            completion = self._model.generate(
                prompt.messages, max_tokens=prompt.max_answer_tokens, on_text=on_text
            )
        return self._result(question, prompt, completion, clock)

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
        cut = "; cut where the model began to repeat itself" if looped else ""
        if not cut and completion.finish == "length":
            cut = "; cut at the token budget"
        return Answer(
            text=text or NO_ANSWER,
            refused=not text,
            reason=FROM_MEMORY + cut,
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


class TunedRagSystem:
    """A tuned model under the retrieval prompt; fits the System seam, and checks its answers as `rag` does.

    `admit` is as in TunedSystem.
    """

    def __init__(self, rag: RagSystem, *, admit: Callable[[Caller], None]) -> None:
        self.card = rag.card
        self._rag = rag
        self._admit = admit

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return the checked answer from the documents. Raises: as `admit` and RagSystem.answer do."""
        self._admit(caller)
        return self._rag.answer(question, caller=caller, history=history, as_of=as_of, on_text=on_text)


def require_admitted(adapter: Adapter, caller: Caller) -> None:
    """Raise NotAllowedError unless a caller may read all that an adapter was made from, and it is in service."""
    if not caller.may_read(adapter.label):
        raise NotAllowedError(
            f"{caller.name} may not use this model: it was made from documents that he may not read",
            hint="ask one that answers from the documents themselves: `ragraft ask` without an adapter",
        )
    require_usable(adapter)
