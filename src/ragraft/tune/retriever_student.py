"""A BERT sentence encoder in torch whose upper layers learn; the same mathematics as models/bert.py."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragraft.errors import MissingExtraError
from ragraft.models.bert import Shape, read_encoder
from ragraft.models.encoders import token_limit
from ragraft.models.tokens import cut_to_limit, load_tokenizer
from ragraft.types import Vectors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EmbedderStudent"]

KEPT_BYTES = 1 << 30
"""Most memory for what the frozen layers made of texts; beyond it they are asked anew."""


class EmbedderStudent:
    """A BERT encoder whose upper layers learn; embeds as models/bert.py does."""

    def __init__(self, folder: Path, *, layers: int, seed: int, threads: int) -> None:
        """Load the encoder of a folder; of its layers the upper `layers` learn. Raises: ModelError, MissingExtraError."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError("tune", needed_for="tuning the retriever")
        import torch

        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        self.shape, arrays = read_encoder(folder)
        self.base = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        self.split = max(0, self.shape.layers - layers)
        learning = [
            name
            for number in range(self.split, self.shape.layers)
            for name in self.base
            if name.startswith(f"encoder.layer.{number}.")
        ]
        self.learning = {name: self.base[name].clone().requires_grad_() for name in learning}
        self._tokenizer, self._limit = load_tokenizer(folder / "tokenizer.json"), token_limit(folder)
        self._fast = bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        self._kept: dict[str, Tensor] = {}
        self._room = KEPT_BYTES

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors, (texts, hidden), with a gradient to what learns."""
        import torch

        below = [self._below(text) for text in texts]
        lengths = torch.tensor([len(states) for states in below])
        hidden = torch.nn.utils.rnn.pad_sequence(below, batch_first=True).float()
        mask = torch.arange(hidden.shape[1])[None] < lengths[:, None]
        with self._precision():
            for number in range(self.split, self.shape.layers):
                hidden = _layer(hidden, self.learning, self.shape, f"encoder.layer.{number}", mask)
        pooled = (hidden.float() * mask[:, :, None]).sum(1)
        return torch.nn.functional.normalize(pooled, dim=1)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of many texts, in the order given, those of like length together."""
        import torch

        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        found = np.empty((len(texts), self.shape.hidden), np.float32)
        with torch.no_grad():
            for start in range(0, len(order), 32):
                rows = order[start : start + 32]
                found[rows] = self.embed([texts[at] for at in rows]).numpy()
        return found

    def trained(self) -> dict[str, Tensor]:
        """Return a copy of what has been learned."""
        return {name: tensor.detach().clone() for name, tensor in self.learning.items()}

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Go on with these weights."""
        for name, tensor in state.items():
            self.learning[name].data.copy_(tensor)

    def blended(self, state: Mapping[str, Tensor], part: float) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights that lie `part` of the way from the base's to these."""
        return {
            name: (self.base[name] + part * (tensor - self.base[name])).numpy()
            for name, tensor in state.items()
        }

    def _below(self, text: str) -> Tensor:
        """Return what the frozen layers make of a text, (tokens, hidden)."""
        import torch

        if text in self._kept:
            return self._kept[text]
        ids = torch.from_numpy(cut_to_limit(self._tokenizer, [text], limit=self._limit)[0].astype(np.int64))[
            None
        ]
        mask = torch.ones_like(ids, dtype=torch.bool)
        with torch.no_grad(), self._precision():
            hidden = _embeddings(ids, self.base, self.shape)
            for number in range(self.split):
                hidden = _layer(hidden, self.base, self.shape, f"encoder.layer.{number}", mask)
        states = hidden[0].to(torch.bfloat16 if self._fast else torch.float32)
        size = states.numel() * states.element_size()
        if size <= self._room:
            self._room -= size
            self._kept[text] = states
        return states

    def _precision(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast("cpu", torch.bfloat16) if self._fast else nullcontext()


def _embeddings(ids: Tensor, weights: Mapping[str, Tensor], shape: Shape) -> Tensor:
    """Return the first hidden states, (1, tokens, hidden)."""
    words, places, kinds = (
        weights[f"embeddings.{part}_embeddings.weight"] for part in ("word", "position", "token_type")
    )
    total = words[ids] + places[: ids.shape[1]] + kinds[0]
    return _normalised(total, weights, "embeddings.LayerNorm", shape)


def _layer(hidden: Tensor, weights: Mapping[str, Tensor], shape: Shape, name: str, mask: Tensor) -> Tensor:
    """Return what a layer makes of hidden states, (texts, tokens, hidden); `mask` is (texts, tokens)."""
    from torch.nn import functional

    def dense(states: Tensor, part: str) -> Tensor:
        return functional.linear(states, weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"])

    query, key, value = (
        dense(hidden, f"attention.self.{part}").view(*hidden.shape[:2], shape.heads, -1).transpose(1, 2)
        for part in ("query", "key", "value")
    )
    heads = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
    context = dense(heads.transpose(1, 2).flatten(2), "attention.output.dense")
    hidden = _normalised(hidden + context, weights, f"{name}.attention.output.LayerNorm", shape)
    inner = dense(functional.gelu(dense(hidden, "intermediate.dense")), "output.dense")
    return _normalised(hidden + inner, weights, f"{name}.output.LayerNorm", shape)


def _normalised(hidden: Tensor, weights: Mapping[str, Tensor], name: str, shape: Shape) -> Tensor:
    gain, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    from torch.nn import functional

    return functional.layer_norm(hidden, gain.shape, gain, bias, shape.epsilon)
