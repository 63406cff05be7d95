"""Learning in stages: each on what the one before gave, all of it in one adapter at the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ragraft.errors import ModelError, UserError
from ragraft.raft import learning
from ragraft.raft.learning import join_adapters, learn
from ragraft.raft.recipe import Stage
from ragraft.tune.presets import SMALL_ON_CPU
from ragraft.tune.weights import Tensor, merged_weights, read_lora_config, tensors_of, write_tensors
from ragraft.types import AccessLabel, Dataset, Example

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
    (folder / "training.json").write_text(json.dumps({"seed": seed}))
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


class Training:
    """Stands in for `train`: writes an adapter of random weights, and keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        self.fail_at = -1
        monkeypatch.setattr(learning, "train", self)

    def __call__(self, dataset: Dataset, **given: Any) -> None:
        if len(self.calls) == self.fail_at:
            raise KeyboardInterrupt
        self.calls.append({"dataset": dataset, **given})
        adapter(given["out"], len(self.calls))


def stage(name: str, rows: int) -> Stage:
    examples = tuple(Example(f"{name}{n}", "raft", (), "g") for n in range(rows))
    return Stage(name, Dataset(examples, (), name, AccessLabel()))


STAGES = (stage("answers", 30), stage("refusals", 10))


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Training:
    return Training(monkeypatch)


def run(tmp_path: Path, **changed: Any) -> Path:
    base = tmp_path / "base"
    if not base.exists():
        base_model(base)
    out = tmp_path / "out"
    learn(STAGES, base=base, out=out, work=tmp_path / "work", preset=SMALL_ON_CPU, **changed)
    return out


def test_a_stage_begins_where_the_one_before_ended(tmp_path: Path, training: Training) -> None:
    run(tmp_path)
    first, second = training.calls
    base = weights_of(tmp_path / "base")
    assert first["base"] == tmp_path / "base"
    assert_same(weights_of(second["base"]), folded(base, first["out"], folder=tmp_path / "x"))
    assert (second["base"] / "tokenizer.json").read_text() == "tokens"


def test_what_comes_out_is_all_stages_on_the_base(tmp_path: Path, training: Training) -> None:
    out = run(tmp_path)
    base = weights_of(tmp_path / "base")
    parts = [call["out"] for call in training.calls]
    assert_same(folded(base, out, folder=tmp_path / "x"), folded(base, *parts, folder=tmp_path / "y"))


def test_an_adapter_to_begin_from_is_part_of_the_result(tmp_path: Path, training: Training) -> None:
    start = adapter(tmp_path / "start", 9)
    out = run(tmp_path, start=start)
    base = weights_of(tmp_path / "base")
    parts = [start, *(call["out"] for call in training.calls)]
    assert_same(weights_of(training.calls[0]["base"]), folded(base, start, folder=tmp_path / "z"))
    assert_same(folded(base, out, folder=tmp_path / "x"), folded(base, *parts, folder=tmp_path / "y"))


def test_a_stage_that_was_finished_is_not_learned_again(tmp_path: Path, training: Training) -> None:
    training.fail_at = 1
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    training.fail_at = -1
    run(tmp_path)
    assert [call["dataset"].fingerprint for call in training.calls] == ["answers", "refusals"]


def test_minutes_are_shared_by_rows(tmp_path: Path, training: Training) -> None:
    run(tmp_path, minutes=20)
    assert [call["minutes"] for call in training.calls] == [15, 5]


def test_the_figures_of_every_stage_are_kept(tmp_path: Path, training: Training) -> None:
    told = json.loads((run(tmp_path) / "training.json").read_text())
    assert told == {"answers": {"seed": 1}, "refusals": {"seed": 2}}
    assert len(training.calls) == 2


def test_what_is_there_already_is_not_learned_again(tmp_path: Path, training: Training) -> None:
    run(tmp_path)
    with pytest.raises(UserError, match="is there already"):
        run(tmp_path)
    assert len(training.calls) == 2


def test_a_second_stage_goes_on_where_the_first_ended(tmp_path: Path, tiny_llama: Path) -> None:
    from training_world import PRESET, small_dataset

    twice = [Stage(name, small_dataset(train=40, held_out=2)) for name in ("first", "second")]
    preset = replace(PRESET, epochs=2, looks=1)
    learn(twice, base=tiny_llama, out=tmp_path / "out", work=tmp_path / "work", preset=preset)
    told = json.loads((tmp_path / "out" / "training.json").read_text())
    begun, went_on = (told[name]["looks"][0]["loss"] for name in ("first", "second"))
    ended = told["first"]["best"]["loss"]
    assert ended < 0.8 * begun
    assert abs(went_on - ended) < 0.02 * begun
