"""Tokens counted as a model counts them, without opening it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ragraft.errors import ModelError
from ragraft.tune.masking import open_chat_encoder
from ragraft.types import Completion, Message

__all__ = ["TokenCounter"]


class TokenCounter:
    """The ChatModel that a prompt is measured with where none is asked: the model's tokenizer and its window."""

    name = "token counter"

    def __init__(self, model: Path) -> None:
        self._encoder = open_chat_encoder(model)
        if self._encoder.window is None:
            raise ModelError(
                f"{model} does not say how long its context is",
                hint="its config.json needs max_position_embeddings",
            )
        self.window = self._encoder.window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return how many tokens a prompt of these messages has."""
        text = self._encoder.render(messages, prompt=True)
        return len(self._encoder.tokenizer.encode(text, add_special_tokens=False).ids)

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Raise ModelError: it only counts."""
        raise ModelError("a token counter was asked a question")
