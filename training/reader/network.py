"""The network: MiniLM with three heads, and what its mistakes cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from training.reader.samples import Sample, width_of
from transformers import BertConfig, BertModel

from ragraft.models.files import embedder_folder

__all__ = ["ReaderNetwork", "loss_of", "tensors"]

FROZEN_LAYERS = 1
DROPOUT = 0.1


class CheapDropout(nn.Module):
    """Dropout of a hidden unit in all tokens of a row at once: a random number per token costs a tenth of a step."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (B, L, hidden) with a share of the units at 0."""
        if not self.training:
            return hidden
        kept = torch.rand(len(hidden), 1, hidden.shape[-1]) >= DROPOUT
        return hidden * (kept / (1 - DROPOUT)).to(hidden.dtype)


class ReaderNetwork(nn.Module):
    """MiniLM; start and end logits of each token, and from [CLS] the logits of relevant and answerable."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_pretrained(embedder_folder())
        # Dropout in the attention would shut off its fast path; the rest is CheapDropout.
        config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
        self.body = BertModel.from_pretrained(
            embedder_folder(), config=config, attn_implementation="sdpa", add_pooling_layer=False
        )
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.judge = nn.Linear(config.hidden_size, 2)
        self.span = nn.Linear(config.hidden_size, 2)
        for layer in self.body.encoder.layer[FROZEN_LAYERS:]:
            layer.attention.output.dropout, layer.output.dropout = CheapDropout(), CheapDropout()
        for fixed in (self.body.embeddings, *self.body.encoder.layer[:FROZEN_LAYERS]):
            fixed.requires_grad_(requires_grad=False)

    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> Any:
        """Return logits (B, 2) of the pair and (B, L, 2) of the tokens."""
        hidden = self.body(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        pooled = torch.tanh(self.pooler(hidden[:, 0]))
        return self.judge(pooled).float(), self.span(hidden).float()


def tensors(batch: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ids, types and mask, (B, L)."""
    shape = (len(batch), width_of(batch))
    ids, types, mask = (np.zeros(shape, np.int64) for _ in range(3))
    for place, one in enumerate(batch):
        ids[place, : len(one.ids)] = one.ids
        types[place, one.second : len(one.ids)] = 1
        mask[place, : len(one.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(types), torch.from_numpy(mask)


def loss_of(network: ReaderNetwork, batch: Sequence[Sample]) -> torch.Tensor:
    """Return the sum of the three losses; a span may be any gold one, and is [CLS] where there is none."""
    ids, types, mask = tensors(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        judged, logits = network(ids, types, mask)
    open_places = (types * mask).bool()
    open_places[:, 0] = True
    logits = logits.masked_fill(~open_places[..., None], -1e4)
    gold = torch.zeros_like(logits, dtype=torch.bool)
    for place, one in enumerate(batch):
        for first, last in one.spans or [(0, 0)]:
            gold[place, first, 0] = gold[place, last, 1] = True
    chances = functional.log_softmax(logits, dim=1)
    spans = -torch.logsumexp(chances.masked_fill(~gold, -1e4), dim=1).mean()
    wanted = torch.tensor([[one.relevant, one.answerable] for one in batch])
    return spans + functional.binary_cross_entropy_with_logits(judged, wanted)
