"""Models behind an HTTP endpoint: OpenAI's /embeddings and /chat/completions, and the common /rerank."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ragraft.errors import ModelError
from ragraft.models.chat_stream import Reply, read_reply, read_stream
from ragraft.models.tokens import chat_text, load_tokenizer, well_formed
from ragraft.models.transport import Endpoint, RejectedError
from ragraft.types import Completion, Message, Usage, Vectors

__all__ = ["EndpointChatModel", "EndpointEmbedder", "EndpointReranker"]

# The least that common servers accept in one request: 32 texts.
BATCH_TEXTS = 32
WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
BYTES_PER_TOKEN = 4
# What chat templates put around a message (5 tokens in ChatML and Llama 3), and once around all: the
# opening of the answer, and the system prompt that some templates add of their own.
MESSAGE_OVERHEAD = 8
PROMPT_OVERHEAD = 64
AT_A_TIME = 4
"""Requests that are under way at once: enough to fill a server's batch, too few for most limits."""


class EndpointEmbedder:
    """An embedder behind an OpenAI-compatible /embeddings."""

    def __init__(
        self,
        *,
        url: str,
        name: str,
        key: str | None = None,
        dimensions: int | None = None,
        max_tokens: int = 512,
        tokenizer: Path | None = None,
        timeout: float = 60.0,
        first_wait: float = 0.5,
    ) -> None:
        """Note the address; nothing is sent yet.

        `dimensions` is sent with each request, for models that can shorten their vectors; without it
        the length is what the endpoint answers with. `timeout` is for one batch, in seconds.
        `first_wait` is how long to wait before the second attempt; each later wait is twice as long.

        Raises: ModelError if the address, the key or the tokenizer cannot be used.
        """
        self._endpoint = Endpoint(
            url=url, key=key, section="embedder", timeout=timeout, first_wait=first_wait
        )
        self._model = name
        self._asked_dimensions = dimensions
        self._dimensions = dimensions
        self._max_tokens = max_tokens
        self._tokenizer = load_tokenizer(tokenizer) if tokenizer else None

    @property
    def name(self) -> str:
        return f"{self._model}:{self._asked_dimensions}" if self._asked_dimensions else self._model

    @property
    def dimensions(self) -> int:
        """The length of a vector; asked for once, with a text of one word, if nothing has told it yet."""
        if self._dimensions is None:
            self._embed_batch(["dimensions"])
        return cast("int", self._dimensions)

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text: exact with a tokenizer, else an estimate on the high side.

        The estimate is a token for each mark and for each 4 bytes of a word, or part of 4.
        """
        if self._tokenizer is not None:
            return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(well_formed(texts))]
        return [
            sum(-(-len(part.encode()) // BYTES_PER_TOKEN) for part in WORD_OR_MARK.findall(text))
            for text in well_formed(texts)
        ]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given.

        Raises: ModelError if the endpoint fails, or answers with another number of vectors, with other
        dimensions, or with numbers that are not finite.
        """
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        starts = range(0, len(texts), BATCH_TEXTS)
        return np.concatenate([self._embed_batch(texts[at : at + BATCH_TEXTS]) for at in starts])

    def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        # An empty text is an error to most servers; a blank one is not.
        inputs = [text or " " for text in well_formed(texts)]
        body: dict[str, Any] = {"model": self._model, "input": inputs, "encoding_format": "float"}
        if self._asked_dimensions:
            body["dimensions"] = self._asked_dimensions
        items = self._endpoint.post("/embeddings", body).get("data")
        rows = _in_order(items, value="embedding", count=len(texts), what="vectors")
        try:
            vectors = np.array(rows, np.float64)
        except (ValueError, TypeError) as error:
            raise ModelError("the endpoint's vectors are not lists of numbers of equal length") from error
        if vectors.ndim != 2 or vectors.shape[1] != (self._dimensions or vectors.shape[1]):
            raise ModelError(
                f"the endpoint's vectors have shape {vectors.shape[1:]}, expected ({self._dimensions},)",
                hint="set [embedder] dimensions to what the model gives",
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise ModelError("the endpoint gave a vector that is zero or not finite")
        self._dimensions = vectors.shape[1]
        return np.asarray(vectors / lengths, np.float32)


class EndpointReranker:
    """A reranker behind a /rerank of the form that Cohere, Jina and vLLM share."""

    def __init__(
        self, *, url: str, name: str, key: str | None = None, timeout: float = 30.0, first_wait: float = 0.5
    ) -> None:
        self._endpoint = Endpoint(
            url=url, key=key, section="reranker", timeout=timeout, first_wait=first_wait
        )
        self._model = name

    @property
    def name(self) -> str:
        return self._model

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return the endpoint's relevance score for each text, in the order given.

        Raises: ModelError if the endpoint fails, or does not score each text once with a number.
        """
        if not texts:
            return []
        body = {"model": self._model, "query": well_formed([query])[0], "documents": well_formed(texts)}
        items = self._endpoint.post("/rerank", body).get("results")
        scores = _in_order(items, value="relevance_score", count=len(texts), what="scores")
        if not all(isinstance(score, int | float) and np.isfinite(score) for score in scores):
            raise ModelError("the endpoint gave a score that is not a finite number")
        return [float(score) for score in scores]


class EndpointChatModel:
    """A chat model behind an OpenAI-compatible /chat/completions."""

    def __init__(
        self,
        *,
        url: str,
        name: str,
        window: int,
        key: str | None = None,
        tokenizer: Path | None = None,
        timeout: float = 120.0,
        first_wait: float = 0.5,
        section: str = "model",
    ) -> None:
        """Note the address; nothing is sent yet.

        `window` is the model's context length in tokens; `tokenizer` its tokenizer.json, for exact
        counts. `timeout` is for a whole answer, in seconds. `first_wait` as for EndpointEmbedder.
        `section` is the table of ragraft.toml that its errors send the reader to.

        Raises: ModelError if the address, the key or the tokenizer cannot be used.
        """
        self._endpoint = Endpoint(url=url, key=key, section=section, timeout=timeout, first_wait=first_wait)
        self._model = name
        self._window = window
        self._tokenizer = load_tokenizer(tokenizer) if tokenizer else None
        self._unsupported: set[str] = set()

    @property
    def name(self) -> str:
        return self._model

    @property
    def window(self) -> int:
        return self._window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the prompt's tokens, or more.

        With a tokenizer: its count of every content, and an allowance for the chat template (8 a
        message, 64 once). Without: UTF-8 bytes in place of tokens, since no byte-level BPE makes more
        tokens than there are bytes; for English that is about 4 times too many.
        """
        counts = [self._count(chat_text(message.content)) for message in messages]
        return sum(counts) + MESSAGE_OVERHEAD * len(messages) + PROMPT_OVERHEAD

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Return the completion at temperature 0; streamed if `on_text` is given.

        Token counts are the endpoint's, or as in `count_tokens` where it gives none; those from a cache are what it
        tells in `usage.prompt_tokens_details`. A stream that breaks off after its first piece is not asked for again.

        Raises: ModelTimeoutError; ModelError if the prompt does not fit, or the endpoint fails.
        """
        prompt_tokens = self.count_tokens(messages)
        if prompt_tokens + max_tokens > self._window:
            raise ModelError(
                f"a prompt of up to {prompt_tokens} tokens and an answer of {max_tokens} exceed the window of "
                f"{self._model}, {self._window} tokens",
                hint="raise [model] window if the model has more, or set [model] tokenizer for exact counts",
            )
        reply = self._ask(messages, max_tokens, on_text)
        counted = reply.counted
        if counted.prompt is not None:
            prompt_tokens = counted.prompt
        usage = Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=self._count(reply.text) if counted.completion is None else counted.completion,
            cached_tokens=min(counted.cached or 0, prompt_tokens),
        )
        return Completion(text=reply.text, usage=usage, finish=reply.finish)

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        """Return the completion of each prompt, in order; a few are asked for at a time.

        Raises: as `generate` does, for the first that fails.
        """
        with ThreadPoolExecutor(max_workers=AT_A_TIME) as workers:
            return list(workers.map(partial(self.generate, max_tokens=max_tokens), conversations))

    def _count(self, text: str) -> int:
        if self._tokenizer is None:
            return len(text.encode())
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def _ask(
        self, messages: Sequence[Message], max_tokens: int, on_text: Callable[[str], None] | None
    ) -> Reply:
        while True:
            body = self._body(messages, max_tokens, streamed=on_text is not None)
            try:
                if on_text is None:
                    return read_reply(self._endpoint.post("/chat/completions", body))
                read = partial(read_stream, endpoint=self._endpoint, on_text=on_text)
                return self._endpoint.exchange("/chat/completions", body, read)
            except RejectedError as error:
                refused = _refused_parameter(error.said) - self._unsupported
                if not refused:
                    raise
                self._unsupported |= refused

    def _body(self, messages: Sequence[Message], max_tokens: int, *, streamed: bool) -> dict[str, Any]:
        limit = "max_completion_tokens" if "max_tokens" in self._unsupported else "max_tokens"
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": turn.role, "content": chat_text(turn.content)} for turn in messages],
            limit: max_tokens,
        }
        if "temperature" not in self._unsupported:
            body["temperature"] = 0
        if streamed:
            body["stream"] = True
            if "stream_options" not in self._unsupported:
                body["stream_options"] = {"include_usage": True}
        return body


def _refused_parameter(said: str) -> set[str]:
    """Return which of our parameters a rejection names; some models take other ones, or fixed values."""
    if "max_completion_tokens" in said:
        return {"max_tokens"}
    return {name for name in ("temperature", "stream_options") if name in said}


def _in_order(items: object, *, value: str, count: int, what: str) -> list[Any]:
    """Return item[value] of each item, in the order of item["index"].

    Raises: ModelError unless the indices are 0 to count - 1, each once.
    """
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    found = {item["index"]: item.get(value) for item in rows if isinstance(item.get("index"), int)}
    if len(rows) != count or set(found) != set(range(count)):
        raise ModelError(f"the endpoint gave {len(rows)} {what} for {count} texts, or numbered them wrongly")
    return [found[index] for index in range(count)]
