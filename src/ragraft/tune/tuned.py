"""Answers of a tuned model: from memory, where nothing is looked up and nothing cited, or from passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ragraft.answer.plain import PlainSystem
from ragraft.answer.rag import RagSystem
from ragraft.errors import NotAllowedError
from ragraft.protocols import ChatModel
from ragraft.tune.registry import require_usable
from ragraft.types import Adapter, Answer, Caller, Message, SystemCard

__all__ = ["TunedRagSystem", "TunedSystem", "require_admitted"]


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
        self._admit = admit
        self._plain = PlainSystem(
            card=card,
            model=model,
            system=system,
            called="tuned model",
            history_tokens=history_tokens,
            answer_tokens=answer_tokens,
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
        """Return what the model remembers, without links and numbers that would pass for citations.

        Raises: NotAllowedError if the caller may not read all that the model was made from, or the adapter is
        withdrawn; and as PlainSystem.answer does.
        """
        self._admit(caller)
        return self._plain.answer(question, caller=caller, history=history, as_of=as_of, on_text=on_text)

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers that `answer` gives, in order. Raises: as `answer` does."""
        _admit_each(self._admit, questions, caller)
        return self._plain.answer_many(questions, caller=caller)


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

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers that `answer` gives, in order. Raises: as `answer` does."""
        _admit_each(self._admit, questions, caller)
        return self._rag.answer_many(questions, caller=caller)


def require_admitted(adapter: Adapter, caller: Caller) -> None:
    """Raise NotAllowedError unless a caller may read all that an adapter was made from, and it is in service."""
    if not caller.may_read(adapter.label):
        raise NotAllowedError(
            f"{caller.name} may not use this model: it was made from documents that he may not read",
            hint="ask one that answers from the documents themselves: `ragraft ask` without an adapter",
        )
    require_usable(adapter)


def _admit_each(admit: Callable[[Caller], None], questions: Sequence[str], caller: Caller) -> None:
    """Let the caller in once for each question, since each is an answer of its own on record."""
    for _ in questions:
        admit(caller)
