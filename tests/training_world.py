"""A tiny Llama with random weights and SmolLM2's tokenizer, and something for it to learn.

Run as a program it trains and prints each step, for tests that kill it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragraft.models.files import chat_model_file
from ragraft.tune import train as training
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.presets import SMALL_ON_CPU, Preset
from ragraft.tune.train import Progress
from ragraft.tune.trained import Trained
from ragraft.types import AccessLabel, Dataset, Example, Message

PRESET = replace(SMALL_ON_CPU, upper=0.5, rate=2e-2, epochs=3, looks=3)
"""Two layers of four frozen: both parts of the model have work to do."""


def write_base(folder: Path) -> Path:
    """Write a Llama of 4 layers, 64 wide, whose weights are drawn from a fixed seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    encoder = open_chat_encoder(chat_model_file())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=encoder.tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.1,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(encoder.template)
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(special))
    return folder


def example(number: int) -> Example:
    turns = (
        Message("user", f"What is the code of item {number}?"),
        Message("assistant", f"Item {number} has the code {7 * number % 10}."),
    )
    return Example(f"item-{number}", "question", turns, group=f"group-{number}")


def small_dataset(*, train: int = 60, held_out: int = 6) -> Dataset:
    rows = [example(number) for number in range(train + held_out)]
    return Dataset(tuple(rows[:train]), tuple(rows[train:]), "f00d", AccessLabel())


def run(
    base: Path,
    folder: Path,
    *,
    dataset: Dataset | None = None,
    preset: Preset = PRESET,
    on_progress: Callable[[Progress], None] = lambda _: None,
    **more: Any,
) -> Trained:
    """Train the tiny model into folder/out, with checkpoints in folder/work."""
    return training.train(
        dataset or small_dataset(),
        base=base,
        out=folder / "out",
        work=folder / "work",
        preset=preset,
        threads=1,
        on_progress=on_progress,
        **more,
    )


if __name__ == "__main__":
    training.SAVE_SECONDS = 0.0
    run(Path(sys.argv[1]), Path(sys.argv[2]), on_progress=lambda now: print(now.step, flush=True))
