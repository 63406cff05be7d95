from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from safetensors.numpy import load_file, save_file

from ragraft.errors import ModelError
from ragraft.models.bert import build_embedder, build_scorer
from tiny_bert import POSITIONS, reference_score, reference_vector, write_bert

IDS = [2, 5, 6, 7, 8, 9, 3]
SHORTER = [2, 13, 14, 3]


def run_exactly(model: openvino.Model, *inputs: Any) -> np.ndarray:
    """Run a graph in float32, so that only its mathematics can differ from the reference."""
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    arrays = [
        np.array(value, np.float32 if place == len(inputs) - 1 else np.int32)
        for place, value in enumerate(inputs)
    ]
    return np.array(compiled(arrays)[0])


def test_the_vector_is_that_of_the_reference(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    vector = run_exactly(build_embedder(folder, pooling="mean"), [IDS], [[1] * len(IDS)])
    assert vector[0] == pytest.approx(reference_vector(folder, IDS), abs=1e-5)


def test_the_vector_of_the_first_token_is_that_of_the_reference(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    vector = run_exactly(build_embedder(folder, pooling="cls"), [IDS], [[1] * len(IDS)])
    assert vector[0] == pytest.approx(reference_vector(folder, IDS, pooling="cls"), abs=1e-5)


def test_padding_changes_nothing(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    filled = len(IDS) - len(SHORTER)
    vectors = run_exactly(
        build_embedder(folder, pooling="mean"),
        [IDS, SHORTER + [9] * filled],
        [[1] * len(IDS), [1] * len(SHORTER) + [0] * filled],
    )
    assert vectors[1] == pytest.approx(reference_vector(folder, SHORTER), abs=1e-5)


def test_a_sequence_as_long_as_the_table_of_positions_is_that_of_the_reference(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    ids = [2, *(5 + n % 20 for n in range(POSITIONS - 2)), 3]
    vector = run_exactly(build_embedder(folder, pooling="mean"), [ids], [[1] * len(ids)])
    assert vector[0] == pytest.approx(reference_vector(folder, ids), abs=1e-5)


def test_the_score_is_that_of_the_reference(tmp_path: Path) -> None:
    folder = write_bert(tmp_path, labels=1)
    types = [0, 0, 0, 0, 1, 1, 1]
    score = run_exactly(build_scorer(folder), [IDS], [types], [[1] * len(IDS)])
    assert score == pytest.approx(reference_score(folder, IDS, types), abs=1e-4)


def test_the_segment_of_a_token_matters_to_the_score(tmp_path: Path) -> None:
    folder = write_bert(tmp_path, labels=1)
    model, mask = build_scorer(folder), [[1] * len(IDS)]
    one, two = (run_exactly(model, [IDS], [types], mask) for types in ([0] * 7, [0] * 4 + [1] * 3))
    assert abs(one - two) > 1e-3


def test_weights_in_float16_are_read(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    path = folder / "model.safetensors"
    save_file({name: array.astype(np.float16) for name, array in load_file(path).items()}, path)
    vector = run_exactly(build_embedder(folder, pooling="mean"), [IDS], [[1] * len(IDS)])
    assert vector[0] == pytest.approx(reference_vector(folder, IDS), abs=1e-5)


@pytest.mark.parametrize(
    "setting",
    [{"model_type": "roberta"}, {"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}],
)
def test_another_architecture_is_refused(tmp_path: Path, setting: dict[str, str]) -> None:
    folder = write_bert(tmp_path, **setting)
    with pytest.raises(ModelError, match=next(iter(setting))):
        build_embedder(folder, pooling="mean")


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    path = folder / "model.safetensors"
    save_file(
        {name: array for name, array in load_file(path).items() if "layer.1.output.dense" not in name}, path
    )
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\.output\.dense"):
        build_embedder(folder, pooling="mean")


def test_a_missing_number_in_the_config_is_named(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["num_hidden_layers"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="num_hidden_layers"):
        build_embedder(folder, pooling="mean")


@pytest.mark.parametrize("labels", [0, 2])
def test_a_folder_without_a_single_relevance_score_is_no_reranker(tmp_path: Path, labels: int) -> None:
    with pytest.raises(ModelError, match="not a reranker"):
        build_scorer(write_bert(tmp_path, labels=labels))


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"{}"])
def test_damaged_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_bert(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        build_embedder(folder, pooling="mean")


def test_weights_cut_short_are_refused(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        build_embedder(folder, pooling="mean")


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_damaged_config_is_refused(tmp_path: Path, content: str) -> None:
    folder = write_bert(tmp_path)
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        build_embedder(folder, pooling="mean")
