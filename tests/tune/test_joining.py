"""Adapters on top of each other, in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ragraft.errors import ModelError
from ragraft.tune.joining import join_adapters, with_adapter
from ragraft.tune.weights import Tensor, merged_weights, read_lora_config, tensors_of, write_tensors

Floats = npt.NDArray[np.float32]
TARGETS = ("model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj")
SHAPE = (6, 4)


def save(path: Path, tensors: dict[str, Floats]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    like = {name: Tensor(path, 0, "F32", one.shape) for name, one in tensors.items()}
    write_tensors(path, iter(tensors.items()), like)


def base_model(folder: Path) -> Path:
    chance = np.random.default_rng(0)
    weights = {f"{target}.weight": chance.standard_normal(SHAPE).astype(np.float32) for target in TARGETS}
    save(folder / "model.safetensors", weights)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("tokens")
    return folder


def adapter(
    folder: Path,
    seed: int,
    *,
    rank: int = 2,
    alpha: float = 4,
    targets: tuple[str, ...] = TARGETS,
    **more: Any,
) -> Path:
    """Write a LoRA adapter of random weights for some of the targets."""
    chance = np.random.default_rng(seed)
    tensors: dict[str, Floats] = {}
    for target in targets:
        sizes = {"A": (rank, SHAPE[1]), "B": (SHAPE[0], rank)}
        for side, size in sizes.items():
            name = f"base_model.model.{target}.lora_{side}.weight"
            tensors[name] = chance.standard_normal(size).astype(np.float32)
    save(folder / "adapter_model.safetensors", tensors)
    layers = None if len(targets) == len(TARGETS) else [int(one.split(".")[2]) for one in targets]
    settings = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": ["up_proj"]}
    settings |= {"layers_to_transform": layers, **more}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def folded(base: dict[str, Floats], *adapters: Path, folder: Path) -> dict[str, Floats]:
    """Return the base's weights with adapters added one after another."""
    for number, one in enumerate(adapters):
        save(folder / f"{number}" / "model.safetensors", base)
        base = dict(merged_weights(tensors_of(folder / f"{number}"), one))
    return base


def weights_of(folder: Path) -> dict[str, Floats]:
    return {name: tensor.read() for name, tensor in tensors_of(folder).items()}


def joined(tmp_path: Path, *adapters: Path) -> Path:
    to = tmp_path / "joined"
    to.mkdir()
    join_adapters(adapters, to=to)
    return to


def assert_same(one: dict[str, Floats], other: dict[str, Floats]) -> None:
    assert one.keys() == other.keys()
    for name, numbers in one.items():
        np.testing.assert_allclose(numbers, other[name], rtol=0, atol=0.03)


def test_a_joined_adapter_does_what_its_parts_do_in_turn(tmp_path: Path) -> None:
    base = weights_of(base_model(tmp_path / "base"))
    first, second = adapter(tmp_path / "a", 1), adapter(tmp_path / "b", 2, rank=3, alpha=1.5)
    both = joined(tmp_path, first, second)
    assert_same(folded(base, both, folder=tmp_path / "x"), folded(base, first, second, folder=tmp_path / "y"))


def test_adapters_of_different_layers_can_be_joined(tmp_path: Path) -> None:
    base = weights_of(base_model(tmp_path / "base"))
    first, second = adapter(tmp_path / "a", 1, targets=TARGETS[1:]), adapter(tmp_path / "b", 2)
    both = joined(tmp_path, first, second)
    assert_same(folded(base, both, folder=tmp_path / "x"), folded(base, first, second, folder=tmp_path / "y"))
    assert json.loads((both / "adapter_config.json").read_text())["layers_to_transform"] is None


def test_layers_that_no_part_changes_are_not_named(tmp_path: Path) -> None:
    parts = [adapter(tmp_path / name, 1, targets=TARGETS[1:]) for name in "ab"]
    assert json.loads((joined(tmp_path, *parts) / "adapter_config.json").read_text())[
        "layers_to_transform"
    ] == [1]


def test_the_scale_of_rank_stabilised_parts_is_kept(tmp_path: Path) -> None:
    base = weights_of(base_model(tmp_path / "base"))
    part = adapter(tmp_path / "a", 1, use_rslora=True)
    assert_same(
        folded(base, joined(tmp_path, part), folder=tmp_path / "x"),
        folded(base, part, folder=tmp_path / "y"),
    )


def test_a_joined_adapter_has_the_ranks_together_in_half_precision(tmp_path: Path) -> None:
    both = joined(tmp_path, adapter(tmp_path / "a", 1), adapter(tmp_path / "b", 2, rank=3))
    config = read_lora_config(both)
    assert config is not None
    assert (config.r, config.scale) == (5, 1.0)
    assert {tensor.kind for tensor in tensors_of(both).values()} == {"F16"}


def test_a_model_that_was_trained_whole_cannot_be_joined(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no plain LoRA"):
        joined(tmp_path, base_model(tmp_path / "whole"))


def test_a_base_with_an_adapter_folded_in_keeps_its_tokenizer(tmp_path: Path) -> None:
    base, part = base_model(tmp_path / "base"), adapter(tmp_path / "a", 1)
    merged = with_adapter(base, part, to=tmp_path / "merged")
    assert_same(weights_of(merged), folded(weights_of(base), part, folder=tmp_path / "x"))
    assert (merged / "tokenizer.json").read_text() == "tokens"


def test_a_base_is_merged_once(tmp_path: Path) -> None:
    base, part = base_model(tmp_path / "base"), adapter(tmp_path / "a", 1)
    merged = with_adapter(base, part, to=tmp_path / "merged")
    (merged / "tokenizer.json").write_text("kept")
    assert (with_adapter(base, part, to=merged) / "tokenizer.json").read_text() == "kept"
