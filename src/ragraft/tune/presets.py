"""Values that training begins with, by the size of the model and where it is trained, each with its source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ragraft.errors import UserError

__all__ = ["LARGE_ON_GPU", "SMALL_ON_CPU", "SOURCES", "Method", "Preset", "preset_for"]

Method = Literal["lora", "qlora", "full"]

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Preset:
    """How a model is trained. `SOURCES` says where each value comes from.

    `upper` is the share of the layers, counted from the top, that get adapters; what lies below is only ever
    read. `rows` examples make one step of the optimiser; they are computed `micro_tokens` at a time. `replay` is
    the share of general examples among those of an epoch, and `anchor` what their drift from the base weighs beside the
    loss of a step, both per token. `looks` times in a run the held-out examples are
    tried, and after `patience` looks without anything better the training stops.
    """

    name: str
    method: Method
    rank: int
    alpha: int
    dropout: float
    modules: tuple[str, ...]
    upper: float
    rate: float
    warm_up: float
    decay: float
    clip: float
    betas: tuple[float, float]
    epochs: int
    rows: int
    micro_tokens: int
    replay: float
    anchor: float
    looks: int
    patience: int
    checkpointing: bool


SMALL_ON_CPU = Preset(
    name="small-on-cpu",
    method="lora",
    rank=16,
    alpha=32,
    dropout=0.0,
    modules=ALL_LINEAR,
    upper=1 / 2,
    rate=7e-4,
    warm_up=0.05,
    decay=0.0,
    clip=1.0,
    betas=(0.9, 0.999),
    epochs=3,
    rows=8,
    micro_tokens=4096,
    replay=0.3,
    anchor=3.0,
    looks=6,
    patience=2,
    checkpointing=False,
)
"""Models of 100 to 500 million parameters on a few cores."""

LARGE_ON_GPU = replace(
    SMALL_ON_CPU,
    name="large-on-gpu",
    dropout=0.05,
    upper=1.0,
    rate=2e-4,
    warm_up=0.03,
    rows=16,
    micro_tokens=8192,
    checkpointing=True,
)
"""Models of 7 to 8 billion parameters on one GPU."""

FULL_RATE = 2e-5
QLORA_RANK, QLORA_CLIP = 64, 0.3

SOURCES = {
    "rank": "16: Hu et al. 2021, table 6: ranks 4 to 64 do alike; for qlora 64: Dettmers et al. 2023, appendix B.2",
    "alpha": "32: Schulman et al. 2025, 'LoRA Without Regret', the parametrisation section; "
    "divided by the rank, so that the best rate hardly depends on it",
    "dropout": "on a GPU 0.05: Dettmers et al. 2023, appendix B.2, use that for 33B and 65B, and 0.1 below; "
    "on a CPU none: it costs a pass over every activation, and early stopping guards against learning by heart",
    "modules": "every linear layer: Dettmers et al. 2023, section 4, figure 2: attention alone does not reach "
    "full fine-tuning",
    "upper": "on a CPU the upper half: own measurement (docs/decisions/training.md); on a GPU every layer",
    "rate": "on a CPU 7e-4: own measurement (docs/decisions/training.md); on a GPU 2e-4: Dettmers et al. 2023, "
    "table 9, for 7B and 13B; for full 2e-5: Taori et al. 2023 (Alpaca), training of 7B",
    "warm_up": "3 % of the steps: the scripts published with Dettmers et al. 2023; 5 % on a CPU, where runs are short",
    "decay": "0: Dettmers et al. 2023, appendix B.2, name none; an adapter of low rank has little to decay",
    "clip": "1.0: the default of transformers' trainer; for qlora 0.3: Dettmers et al. 2023, appendix B.2",
    "betas": "0.9 and 0.999: Dettmers et al. 2023, appendix B.2",
    "epochs": "3: Taori et al. 2023 (Alpaca), training of 7B; the best look is kept, so more can do no harm",
    "rows": "16: Dettmers et al. 2023, table 9; 8 on a CPU, the default of transformers' trainer, so that a few "
    "hundred examples give enough steps",
    "micro_tokens": "own measurement: 4,096 tokens of a 135M model take about 1 GB; a bound on memory, not on what "
    "is learned, for the gradients of a step are added up",
    "replay": "30 %: own measurement (docs/decisions/training.md); Ibrahim et al. 2024 find 1 to 5 % of the real old data "
    "enough in long runs, which these are not, and it is not at hand",
    "anchor": "3: own measurement (docs/decisions/training.md); the measure is that of Li and Hoiem 2016",
    "looks": "own choice: twice an epoch; a look takes seconds",
    "patience": "own choice: two looks are one epoch",
    "checkpointing": "on a GPU: Chen et al. 2016: activations of 8B at 8,192 tokens do not fit beside the "
    "weights; on a CPU memory is plenty and the third pass would be the cost",
}
"""Where each value of the presets comes from."""


def preset_for(*, method: Method = "lora", accelerator: bool) -> Preset:
    """Return the preset of a method on this kind of machine; `accelerator` is whether it has a CUDA GPU.

    Raises: UserError if the method needs a GPU and there is none, or is not known.
    """
    start = LARGE_ON_GPU if accelerator else SMALL_ON_CPU
    match method:
        case "lora":
            return start
        case "full":
            return replace(start, method="full", upper=1.0, rate=FULL_RATE, dropout=0.0)
        case "qlora" if accelerator:
            return replace(start, method="qlora", rank=QLORA_RANK, alpha=16, clip=QLORA_CLIP)
        case "qlora":
            raise UserError(
                "qlora needs a GPU with CUDA, and this machine has none: its 4-bit weights are read by CUDA programs",
                hint="train with --method lora, or run the same command on a machine with such a GPU",
            )
    raise UserError(f"there is no method {method!r}", hint="methods are lora, qlora and full")
