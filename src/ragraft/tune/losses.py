"""What a model thinks of texts: the cross-entropy of each token, for gates that look beneath the answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragraft.errors import ModelError
from ragraft.models.processor import thread_count
from ragraft.tune.feed import BATCH_TOKENS
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.plan import packed
from ragraft.tune.student import LOGIT_ROWS, multiplies_bfloat16
from ragraft.tune.weights import ADAPTER_CONFIG
from ragraft.types import Message

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Losses"]


class Losses:
    """A model as its trainer has it: the folder `base`, or what was made of it in `tuned`.

    `tuned` is a PEFT folder or that of a model trained whole. It has the memory of the model, until it goes.
    Raises: ModelError if the folders hold no model.
    """

    def __init__(self, base: Path, tuned: Path | None = None, *, threads: int | None = None) -> None:
        import torch

        torch.set_num_threads(threads or thread_count())
        self._encoder = open_chat_encoder(base)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = _open(base, tuned, device=self._device)
        self._decoder = self._model.get_decoder()

    def of_texts(self, texts: Sequence[str]) -> list[list[float]]:
        """Return for each plain text the loss in nats of every token but the first."""
        rows = [self._encoder.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        return self._losses(rows, [[True] * len(row) for row in rows])

    def of_turns(self, conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
        """Return for each conversation the loss in nats of every token that would be trained on."""
        encoded = [self._encoder.encode(messages) for messages in conversations]
        return self._losses([list(one.ids) for one in encoded], [list(one.trained) for one in encoded])

    def _losses(self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[bool]]) -> list[list[float]]:
        """Compute what all rows begin with once, and the rest of them in batches of like length."""
        import torch

        shared = _shared_start(rows, wanted)
        found: list[list[float]] = [[] for _ in rows]
        with torch.inference_mode():
            start = self._read(rows[0][:shared]) if shared else None
            rest = [row[shared:] for row in rows]
            for part in packed(range(len(rows)), [len(row) for row in rest], tokens=BATCH_TOKENS):
                marks = [wanted[at][shared:] for at in part]
                losses = iter(self._batch([rest[at] for at in part], marks, start).tolist())
                for at, marked in zip(part, marks, strict=True):
                    found[at] = [next(losses) for _ in range(sum(marked[1:]))]
        return found

    def _read(self, ids: Sequence[int]) -> Any:
        """Return what the model keeps of tokens that others follow."""
        import torch

        return self._decoder(torch.tensor([list(ids)], device=self._device), use_cache=True).past_key_values

    def _batch(self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[bool]], start: Any) -> Tensor:
        """Return the losses of the wanted tokens, row after row; logits are computed for these alone."""
        import copy

        import torch
        from torch.nn.functional import cross_entropy
        from torch.nn.utils.rnn import pad_sequence

        ids = pad_sequence([torch.tensor(list(row)) for row in rows], batch_first=True).to(self._device)
        marks = pad_sequence([torch.tensor(list(row)) for row in wanted], batch_first=True).to(self._device)
        cache = None
        if start is not None:
            cache = copy.deepcopy(start)
            cache.batch_repeat_interleave(len(rows))
        states = self._decoder(ids, past_key_values=cache, use_cache=cache is not None).last_hidden_state
        # What stands behind the end of a padded row is never looked at: a causal model does not look ahead.
        expected, hidden = ids[:, 1:][marks[:, 1:]], states[:, :-1][marks[:, 1:]]
        head = self._model.get_output_embeddings()
        parts = [
            cross_entropy(
                head(hidden[at : at + LOGIT_ROWS]).float(), expected[at : at + LOGIT_ROWS], reduction="none"
            )
            for at in range(0, len(expected), LOGIT_ROWS)
        ]
        return torch.cat(parts)


def _shared_start(rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[bool]]) -> int:
    """Return how many tokens all rows begin with, of which none but the last has its loss asked for.

    The last of them is left to the rest: from it the first token of the rest is expected.
    """
    if len(rows) < 2:
        return 0
    alike = (len(set(column)) == 1 for column in zip(*rows, strict=False))
    start = next((at for at, same in enumerate(alike) if not same), min(map(len, rows)))
    asked = min((marks.index(True) for marks in wanted if True in marks), default=0)
    return max(0, min(start, asked, min(map(len, rows)) - 1) - 1)


def _open(base: Path, tuned: Path | None, *, device: Any) -> Any:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped library
    adapted = tuned is not None and (tuned / ADAPTER_CONFIG).exists()
    whole = base if tuned is None or adapted else tuned
    try:
        model = AutoModelForCausalLM.from_pretrained(
            whole,
            dtype=torch.bfloat16 if multiplies_bfloat16(device) else torch.float32,
            device_map={"": device},
            local_files_only=True,
            use_safetensors=True,
        )
        if adapted:
            model = PeftModel.from_pretrained(model, str(tuned)).merge_and_unload()
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the model {tuned or base} cannot be opened: {error}") from error
    model.eval()  # type: ignore[no-untyped-call]  # untyped library
    return model
