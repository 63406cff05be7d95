"""The seams, on one page. A part fits a seam by its methods, not by inheritance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from ragraft.types import (
    Answer,
    Caller,
    Chunk,
    Completion,
    Finding,
    Message,
    ParsedDocument,
    Passage,
    Reading,
    SystemCard,
    Vectors,
)

__all__ = [
    "ChatModel",
    "Chunker",
    "Embedder",
    "Entailment",
    "Parser",
    "Reader",
    "Reranker",
    "Retriever",
    "System",
    "Verifier",
    "WritesTogether",
]


class System(Protocol):
    """A way to answer a question: plain, rag, long_context, tuned, tuned_rag, raft."""

    @property
    def card(self) -> SystemCard: ...

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return the answer; `on_text` is given the draft as it comes, before it is checked."""
        ...

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers that `answer` gives to each question alone, in order, in less time where it can.

        Raises: what `answer` raises, for the first that fails; the others are then lost.
        """
        ...


class Retriever(Protocol):
    """Finds passages that the caller may read, best first."""

    def retrieve(
        self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
    ) -> list[Passage]: ...


class ChatModel(Protocol):
    """A generator. `window` is its context length in tokens, prompt and answer together."""

    @property
    def name(self) -> str: ...

    @property
    def window(self) -> int: ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the tokens of the whole templated prompt: exact, or an upper bound."""
        ...

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Return the completion; `on_text` is given each piece of text as it comes.

        Raises: ModelError if the model or its endpoint fails.
        """
        ...


@runtime_checkable
class WritesTogether(Protocol):
    """What some chat models can besides: answer several prompts at once."""

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        """Return the completion of each prompt, in order. Raises: as `generate` does, for the first that fails."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...


class Reranker(Protocol):
    """Scores passages against a query, higher is better, in the order given."""

    @property
    def name(self) -> str: ...

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]: ...


class Reader(Protocol):
    """Reads texts for a question: are they about it, do they answer it, and where."""

    @property
    def name(self) -> str: ...

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """Return one reading per text, in the order given."""
        ...


class Verifier(Protocol):
    """Judges sentences by passages."""

    def check(
        self, sentences: Sequence[str], *, passages: Sequence[Passage], question: str = ""
    ) -> list[Finding]:
        """Return one finding per sentence; `question` is what short answers take their topic from."""
        ...


class Entailment(Protocol):
    """Says how likely a premise makes a hypothesis true, from 0 to 1."""

    @property
    def name(self) -> str: ...

    def entail(self, premise: str, hypothesis: str) -> float: ...


class Parser(Protocol):
    """Turns the bytes of one file into text with offsets. Raises UnreadableError with the reason."""

    def parse(self, content: bytes, *, name: str, media_type: str = "") -> ParsedDocument: ...


class Chunker(Protocol):
    """Cuts a document into chunks that fit the embedder's window, in order of `start`."""

    def chunk(self, document: ParsedDocument) -> list[Chunk]: ...
