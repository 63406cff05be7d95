"""Learning in stages: each is a run of training on what the one before gave, and all end as one adapter.

The product of a LoRA pair is added to a weight, so several pairs for one weight are one pair of greater rank: their
matrices side by side. That is exact, but for the rounding to float16 in which the adapter is kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.raft.recipe import Stage
from ragraft.tune.estimate import Estimate
from ragraft.tune.export import ADAPTER_WEIGHTS, BESIDE_WEIGHTS
from ragraft.tune.folders import fresh_folder
from ragraft.tune.presets import Preset
from ragraft.tune.train import Progress, train
from ragraft.tune.weights import (
    ADAPTER_CONFIG,
    LoraConfig,
    Tensor,
    merged_weights,
    read_lora_config,
    tensors_of,
    write_tensors,
)
from ragraft.types import Example

__all__ = ["join_adapters", "learn"]

Floats = npt.NDArray[np.float32]
TRAINING, DOWN = "training.json", ".lora_A."


def learn(
    stages: Sequence[Stage],
    *,
    base: Path,
    out: Path,
    work: Path,
    preset: Preset,
    start: Path | None = None,
    replay: Sequence[Example] = (),
    seed: int = 0,
    minutes: float | None = None,
    threads: int | None = None,
    on_stage: Callable[[Stage], None] = lambda _: None,
    on_estimate: Callable[[Estimate], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Train the model of the folder `base` in stages and save one adapter for it to `out`.

    `start` is an adapter to begin from, such as the one for grounded reading; it becomes part of the result. `minutes`
    are shared by rows. `work` keeps finished stages and checkpoints: the same call goes on where a killed one stopped.
    The figures of each stage are in `out`/training.json, by its name.

    Raises: what `train` raises; UserError if `out` exists; ModelError if `start` was made for another base.
    """
    adapters = [start] if start else []
    told: dict[str, object] = {}
    rows = sum(len(stage.dataset.train) for stage in stages)
    with fresh_folder(out) as folder:
        for number, stage in enumerate(stages):
            learned = work / f"{number}-{stage.name}"
            if not learned.exists():
                on_stage(stage)
                train(
                    stage.dataset,
                    base=_merged(base, adapters, to=work / f"{number}-base"),
                    out=learned,
                    work=work / f"{number}-run",
                    preset=preset,
                    replay=replay,
                    seed=seed,
                    minutes=None if minutes is None else minutes * len(stage.dataset.train) / rows,
                    threads=threads,
                    on_estimate=on_estimate,
                    on_progress=on_progress,
                )
            told[stage.name] = json.loads((learned / TRAINING).read_text(encoding="utf-8"))
            adapters.append(learned)
        join_adapters(adapters, to=folder)
        (folder / TRAINING).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


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


def _merged(base: Path, adapters: Sequence[Path], *, to: Path) -> Path:
    """Return the folder of the base with all adapters folded in, made once; the base itself if there are none."""
    if not adapters:
        return base
    if not to.exists():
        with fresh_folder(to) as folder, tempfile.TemporaryDirectory() as joined:
            join_adapters(adapters, to=Path(joined))
            weights = tensors_of(base)
            write_tensors(folder / "model.safetensors", merged_weights(weights, Path(joined)), weights)
            for name in BESIDE_WEIGHTS:
                if (base / name).exists():
                    shutil.copyfile(base / name, folder / name)
    return to
