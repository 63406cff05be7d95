"""Deterministic stand-ins for every model, for tests and for trying things out without weights.

They follow words: texts that share words get close vectors and high scores, and the chat model answers
with a sentence from the passages it is given.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np

from ragraft.errors import ModelError
from ragraft.types import Completion, Message, Reading, Usage, Vectors

__all__ = ["FakeChatModel", "FakeEmbedder", "FakeReader", "FakeReranker"]

TOKEN = re.compile(r"\w+|[^\w\s]")
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
PASSAGE_START = re.compile(r"\s*\[(\d+)\]\s*(.*)")
QUESTION_START = re.compile(r"\s*question\s*:\s*(.+)", re.IGNORECASE)
MESSAGE_OVERHEAD = 4


class FakeEmbedder:
    """Hashed bags of words: each word adds or takes 1 at one place of the vector."""

    def __init__(self, *, dimensions: int = 64, max_tokens: int = 256, name: str = "fake-embedder") -> None:
        self._dimensions = dimensions
        self._max_tokens = max_tokens
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the words and punctuation marks of each text."""
        return [len(TOKEN.findall(text)) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text; a text longer than the window is cut at the end."""
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for token in TOKEN.findall(text.casefold())[: self._max_tokens]:
                place = int.from_bytes(blake2b(_utf8(token), digest_size=8).digest())
                row[place // 2 % self._dimensions] += 1 if place % 2 else -1
            if not row.any():  # an empty text, or words that cancel out
                row[0] = 1
            row /= np.linalg.norm(row)
        return vectors


class FakeChatModel:
    """Answers with the sentence of the passages that shares most words with the question, and cites it.

    Passages are lines that begin with `[n] ` and what follows until the next of them; the question is
    the last line that begins with `Question:`, else the last line of the last message. `replies` are
    returned instead, in turn, the last one for ever. `received` keeps every prompt it was given.
    """

    def __init__(
        self,
        replies: Sequence[str] = (),
        *,
        window: int = 4096,
        count_by: Literal["words", "bytes"] = "words",
        unknown: str = "I do not know.",
        name: str = "fake-chat",
    ) -> None:
        self._replies = list(replies)
        self._window = window
        self._count_by = count_by
        self._unknown = unknown
        self._name = name
        self._lock = threading.Lock()
        self.received: list[tuple[Message, ...]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def window(self) -> int:
        return self._window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the words (or UTF-8 bytes) of all messages, and 4 for each message."""
        return sum(len(self._tokens(message.content)) + MESSAGE_OVERHEAD for message in messages)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Return the scripted reply, or the sentence found, cut at `max_tokens`.

        Raises: ModelError if prompt and answer together exceed the window.
        """
        prompt_tokens = self.count_tokens(messages)
        if prompt_tokens + max_tokens > self._window:
            raise ModelError(f"{prompt_tokens} + {max_tokens} tokens exceed the window of {self._window}")
        with self._lock:
            self.received.append(tuple(messages))
            scripted = self._replies.pop(0) if len(self._replies) > 1 else next(iter(self._replies), None)
        reply = _extract(messages, unknown=self._unknown) if scripted is None else scripted
        tokens = self._tokens(reply)
        text = reply if len(tokens) <= max_tokens else reply[: tokens[max_tokens - 1]]
        if on_text is not None:
            for piece in re.findall(r"\s*\S+|\s+$", text):
                on_text(piece)
        usage = Usage(prompt_tokens=prompt_tokens, completion_tokens=min(len(tokens), max_tokens))
        return Completion(text=text, usage=usage, finish="stop" if len(tokens) <= max_tokens else "length")

    def _tokens(self, text: str) -> list[int]:
        """Return where each token ends, in characters."""
        if self._count_by == "words":
            return [match.end() for match in TOKEN.finditer(text)]
        return [end for end, character in enumerate(text, start=1) for _ in _utf8(character)]


class FakeReranker:
    """Scores a text by the share of the query's words that it has."""

    name = "fake-reranker"

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return a score from 0 to 1 for each text."""
        words = _words(query)
        return [len(words & _words(text)) / max(1, len(words)) for text in texts]


DOUBT = 0.01
"""What the words that a text lacks count against those that it has."""


class FakeReader:
    """Takes the sentence that shares most words with the question for the answer."""

    name = "fake-reader"

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """Return readings the surer, the more of the question's words a text has; two of five are plenty."""
        return [_read(_words(question), text) for text in texts]


def _read(wanted: frozenset[str], text: str) -> Reading:
    best, start, end = 0.0, 0, 0
    place = 0
    for sentence in SENTENCE_END.split(text):
        at = text.index(sentence, place)
        place = at + len(sentence)
        share = len(wanted & _words(sentence)) / max(1, len(wanted))
        if share > best:
            best, start, end = share, at, place
    whole = len(wanted & _words(text)) / max(1, len(wanted))
    return Reading(_sure(whole), _sure(best), start, end, best)


def _sure(share: float) -> float:
    return share / (share + DOUBT * (1 - share))


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    passages: dict[int, str]


def _extract(messages: Sequence[Message], *, unknown: str) -> str:
    asked = _read_prompt(messages)
    wanted = _words(asked.question)
    best, found = 0, unknown
    for number, passage in asked.passages.items():
        for sentence in SENTENCE_END.split(passage):
            shared = len(wanted & _words(sentence))
            if shared > best:
                body = sentence.strip()
                end = body[-1] if body[-1] in ".!?" else "."
                best, found = shared, f"{body.rstrip('.!?')} [{number}]{end}"
    return found


def _read_prompt(messages: Sequence[Message]) -> _Asked:
    # None marks the end of a message: a passage does not go on in the next one.
    lines = [
        line
        for message in messages
        if message.role != "assistant"
        for line in [*message.content.split("\n"), None]
    ]
    marked = [match[1] for line in lines if line and (match := QUESTION_START.match(line))]
    plain = [line for line in lines if line and line.strip() and not PASSAGE_START.match(line)]
    question = (marked or plain or [""])[-1]
    passages: dict[int, str] = {}
    number: int | None = None
    for line in lines:
        if line is None or (question and line.endswith(question)):
            number = None
        elif match := PASSAGE_START.match(line):
            number = int(match[1])
            passages[number] = match[2]
        elif number is not None:
            passages[number] += f"\n{line}"
    return _Asked(question, passages)


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.casefold()))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
