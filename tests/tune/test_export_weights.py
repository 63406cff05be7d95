"""Weights read, folded and written without a training library."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from adapter_world import write_lora, write_tiny_llama, write_weights
from ragraft.errors import ModelError
from ragraft.tune.weights import merged_weights, read_lora_config, tensors_of, write_tensors

Q = "model.layers.1.self_attn.q_proj.weight"
PEFT_Q = "base_model.model.model.layers.1.self_attn.q_proj"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_tiny_llama(tmp_path / "base", vocabulary=300)
    return tmp_path / "base"


def merged(base: Path, adapter: Path) -> dict[str, np.ndarray]:
    return dict(merged_weights(tensors_of(base), adapter))


@pytest.mark.parametrize(("kind", "error"), [("F32", 0.0), ("F16", 1e-3), ("BF16", 4e-3)])
def test_numbers_are_read_as_they_were_written(tmp_path: Path, kind: str, error: float) -> None:
    numbers = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    write_weights(tmp_path, {"a": np.ones(3, np.float32), "b": numbers}, kind=kind)
    assert np.allclose(tensors_of(tmp_path)["b"].read(), numbers, rtol=error, atol=0)


def test_bfloat16_is_rounded_to_the_nearest_and_ties_to_even(tmp_path: Path) -> None:
    between = np.array([1 + 3 / 256, 1 + 1 / 256, 1 + 0.9 / 128], np.float32)
    write_weights(tmp_path, {"a": between}, kind="BF16")
    assert tensors_of(tmp_path)["a"].read().tolist() == [1 + 2 / 128, 1.0, 1 + 1 / 128]


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_weights(tmp_path, {"a": numbers, "b": -numbers})
    assert load_file(tmp_path / "model.safetensors")["b"].tolist() == (-numbers).tolist()


def test_a_product_is_added_to_the_weight_that_it_was_trained_for(base: Path, tmp_path: Path) -> None:
    parts = write_lora(tmp_path / "lora", rank=4, lora_alpha=8)
    weights = merged(base, tmp_path / "lora")
    product = parts[f"{PEFT_Q}.lora_B.weight"] @ parts[f"{PEFT_Q}.lora_A.weight"]
    assert np.allclose(weights[Q], tensors_of(base)[Q].read() + 2 * product, atol=1e-5)


def test_all_other_weights_stay_as_they_are(base: Path, tmp_path: Path) -> None:
    write_lora(tmp_path / "lora")
    before = {name: tensor.read() for name, tensor in tensors_of(base).items()}
    weights = merged(base, tmp_path / "lora")
    changed = {name for name in before if not np.array_equal(before[name], weights[name])}
    assert changed == {Q, "model.layers.1.mlp.down_proj.weight"}


def test_rank_stabilised_lora_has_its_own_scale(tmp_path: Path) -> None:
    write_lora(tmp_path, rank=4, lora_alpha=8, use_rslora=True)
    config = read_lora_config(tmp_path)
    assert config is not None
    assert config.scale == 4


def test_a_model_trained_whole_takes_the_bases_place(base: Path, tmp_path: Path) -> None:
    whole = write_tiny_llama(tmp_path / "whole", vocabulary=300)
    write_weights(tmp_path / "whole", whole | {Q: np.full((64, 64), 3, np.float32)})
    assert (merged(base, tmp_path / "whole")[Q] == 3).all()


@pytest.mark.parametrize(
    ("config", "said"),
    [({"use_dora": True}, "DoRA"), ({"bias": "all"}, "biases"), ({"modules_to_save": ["lm_head"]}, "whole modules"),
     ({"fan_in_fan_out": True}, "transposed"), ({"rank_pattern": {"q_proj": 2}}, "differ"), ({"peft_type": "IA3"}, "IA3")],
)  # fmt: skip
def test_an_adapter_that_cannot_be_folded_is_refused_by_name(
    base: Path, tmp_path: Path, config: dict, said: str
) -> None:
    write_lora(tmp_path / "lora", **config)
    with pytest.raises(ModelError, match=said):
        merged(base, tmp_path / "lora")


def test_an_adapter_of_another_base_is_refused(base: Path, tmp_path: Path) -> None:
    pair = (np.ones((4, 99), np.float32), np.ones((64, 4), np.float32))
    wide = {f"{PEFT_Q}.lora_{part}.weight": numbers for part, numbers in zip("AB", pair, strict=True)}
    write_lora(tmp_path / "lora")
    write_weights(tmp_path / "lora", wide, file="adapter_model")
    with pytest.raises(ModelError, match="was made for another"):
        merged(base, tmp_path / "lora")


def test_an_adapter_for_a_place_that_the_base_lacks_is_refused(base: Path, tmp_path: Path) -> None:
    of = "base_model.model.model.layers.7.self_attn.q_proj"
    pair = {
        f"{of}.lora_A.weight": np.ones((4, 64), np.float32),
        f"{of}.lora_B.weight": np.ones((64, 4), np.float32),
    }
    write_lora(tmp_path / "lora")
    write_weights(tmp_path / "lora", pair, file="adapter_model")
    with pytest.raises(ModelError, match="no place"):
        merged(base, tmp_path / "lora")


def test_a_matrix_without_its_partner_is_refused(base: Path, tmp_path: Path) -> None:
    write_lora(tmp_path / "lora")
    write_weights(
        tmp_path / "lora", {f"{PEFT_Q}.lora_B.weight": np.ones((64, 4), np.float32)}, file="adapter_model"
    )
    with pytest.raises(ModelError, match="no place"):
        merged(base, tmp_path / "lora")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path, {"a": np.array([1, np.nan], np.float32)})
    with pytest.raises(ModelError, match="no numbers"):
        tensors_of(tmp_path)["a"].read()


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path, {"a": np.ones(100, np.float32)})
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ModelError, match="not whole"):
        tensors_of(tmp_path)["a"].read()


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights at all", struct.pack("<Q", 1 << 60), struct.pack("<Q", 2) + b"{]",
     struct.pack("<Q", 60) + json.dumps({"a": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}}).ljust(60).encode()],
)  # fmt: skip
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        tensors_of(tmp_path)


def test_a_merged_file_keeps_the_types_of_the_base(tmp_path: Path) -> None:
    write_weights(tmp_path / "base", {"a": np.ones((2, 2), np.float32)}, kind="BF16")
    like = tensors_of(tmp_path / "base")
    (tmp_path / "out").mkdir()
    write_tensors(
        tmp_path / "out" / "model.safetensors", ((name, one.read()) for name, one in like.items()), like
    )
    assert tensors_of(tmp_path / "out")["a"].kind == "BF16"
