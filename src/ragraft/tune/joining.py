"""Adapters on top of each other as one: what is learned begins with what another adapter has learned already.

The product of a LoRA pair is added to a weight, so several pairs for one weight are one pair of greater rank: their
matrices side by side. That is exact, but for the rounding to float16 in which the adapter is kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.tune.export import ADAPTER_WEIGHTS, BESIDE_WEIGHTS
from ragraft.tune.folders import fresh_folder
from ragraft.tune.weights import (
    ADAPTER_CONFIG,
    LoraConfig,
    Tensor,
    merged_weights,
    read_lora_config,
    tensors_of,
    write_tensors,
)

__all__ = ["join_adapters", "with_adapter"]

Floats = npt.NDArray[np.float32]
DOWN = ".lora_A."


def join_adapters(adapters: Sequence[Path], *, to: Path) -> None:
    """Write one PEFT adapter that does what several do together, into the folder `to`.

    Raises: ModelError if one is no plain LoRA, or two are for different bases.
    """
    configs = [_plain(adapter) for adapter in adapters]
    weights = [tensors_of(adapter) for adapter in adapters]
    shapes = {name: tensor.shape for one in weights for name, tensor in one.items()}
    joined: dict[str, Floats] = {}
    for name, shape in shapes.items():
        along = 0 if DOWN in name else 1
        parts = []
        for config, one in zip(configs, weights, strict=True):
            # One that does not change this weight has a share of zeros.
            empty = tuple(config.r if axis == along else size for axis, size in enumerate(shape))
            part = one[name].read() if name in one else np.zeros(empty, np.float32)
            # The scale goes into one matrix of each pair; that of the result is 1.
            parts.append(part if along == 0 else np.float32(config.scale) * part)
        try:
            joined[name] = np.concatenate(parts, axis=along)
        except ValueError as error:
            raise ModelError(f"the adapters are not for one base: {name} differs in size") from error
    like = {name: Tensor(to, 0, "F16", matrix.shape) for name, matrix in joined.items()}
    write_tensors(to / ADAPTER_WEIGHTS, iter(joined.items()), like)
    settings = _settings(adapters, rank=sum(config.r for config in configs))
    (to / ADAPTER_CONFIG).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _plain(adapter: Path) -> LoraConfig:
    config = read_lora_config(adapter)
    if config is None or config.unusual():
        raise ModelError(f"{adapter} is no plain LoRA adapter", hint="train it with --method lora")
    return config


def _settings(adapters: Sequence[Path], *, rank: int) -> Mapping[str, object]:
    """Return the settings of the last adapter, for the layers and modules of all."""
    read = [json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8")) for adapter in adapters]
    layers = [one.get("layers_to_transform") for one in read]
    return {
        **read[-1],
        "r": rank,
        "lora_alpha": rank,
        "use_rslora": False,
        "target_modules": sorted({module for one in read for module in one["target_modules"]}),
        "layers_to_transform": None if None in layers else sorted({at for one in layers for at in one}),
    }


def with_adapter(base: Path, adapter: Path, *, to: Path) -> Path:
    """Return the folder of a base with an adapter folded in, written to `to` unless it is there.

    Raises: ModelError if the adapter is no plain LoRA.
    """
    if not to.exists():
        with fresh_folder(to) as folder, tempfile.TemporaryDirectory() as joined:
            join_adapters([adapter], to=Path(joined))
            weights = tensors_of(base)
            write_tensors(folder / "model.safetensors", merged_weights(weights, Path(joined)), weights)
            for name in BESIDE_WEIGHTS:
                if (base / name).exists():
                    shutil.copyfile(base / name, folder / name)
    return to
