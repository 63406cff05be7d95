"""An export is there whole or not at all, with what other programs need to open it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapter_world import adapter, write_lora, write_tiny_llama
from ragraft.errors import ModelError, NotAllowedError, UserError
from ragraft.models.files import chat_model_file
from ragraft.tune import export
from ragraft.tune.card import card_page
from ragraft.tune.export import base_name, export_adapter, modelfile, vllm_faults, vllm_rank
from ragraft.tune.weights import LoraConfig, tensors_of
from ragraft.types import Adapter, Source

SAW = (Source("people/leave.md", 2),)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_tiny_llama(tmp_path / "base", vocabulary=300)
    (tmp_path / "base" / "tokenizer.json").write_text("{}")
    return tmp_path / "base"


@pytest.fixture
def lora(tmp_path: Path) -> Adapter:
    write_lora(tmp_path / "lora")
    return adapter(path=tmp_path / "lora", made_from=SAW)


def test_a_peft_folder_names_its_base_and_no_path_of_this_machine(lora: Adapter, tmp_path: Path) -> None:
    export_adapter(lora, to=tmp_path / "out", form="peft")
    config = (tmp_path / "out" / "adapter_config.json").read_text()
    assert json.loads(config)["base_model_name_or_path"] == "tiny"
    assert "/here" not in config


def test_a_peft_folder_has_the_same_weights(lora: Adapter, tmp_path: Path) -> None:
    export_adapter(lora, to=tmp_path / "out", form="peft")
    name = "adapter_model.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "lora" / name).read_bytes()


def test_a_merged_folder_has_what_stands_beside_the_bases_weights(
    lora: Adapter, base: Path, tmp_path: Path
) -> None:
    written = export_adapter(lora, to=tmp_path / "out", form="hf", base=base)
    assert set(written.files) == {
        "README.md",
        "card.json",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }
    assert list(tensors_of(tmp_path / "out")) == list(tensors_of(base))


def test_every_export_has_its_card_with_the_documents_that_it_saw(lora: Adapter, tmp_path: Path) -> None:
    export_adapter(lora, to=tmp_path / "out", form="peft")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["documents"] == [{"document": "people/leave.md", "revision": 2}]
    assert "people/leave.md" in (tmp_path / "out" / "README.md").read_text()


def test_a_folder_that_is_there_is_not_touched(lora: Adapter, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(UserError, match="there already"):
        export_adapter(lora, to=tmp_path / "out", form="peft")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_export_that_fails_leaves_nothing(
    lora: Adapter, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write_tensors", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="No space left"):
        export_adapter(lora, to=tmp_path / "out", form="hf", base=base)
    assert sorted(tmp_path.iterdir()) == before


def test_what_a_killed_export_left_is_replaced(lora: Adapter, tmp_path: Path) -> None:
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished" / "half").write_text("half")
    written = export_adapter(lora, to=tmp_path / "out", form="peft")
    assert "half" not in written.files
    assert not (tmp_path / ".out.unfinished").exists()


def test_a_tainted_adapter_does_not_leave(lora: Adapter, tmp_path: Path) -> None:
    with pytest.raises(NotAllowedError, match="document 7"):
        export_adapter(replace(lora, tainted_by=("document 7 (erased)",)), to=tmp_path / "out", form="peft")
    assert not (tmp_path / "out").exists()


def test_a_model_trained_whole_has_no_peft_form(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="trained whole"):
        export_adapter(adapter(path=base), to=tmp_path / "out", form="peft")


def test_a_model_trained_whole_needs_no_base(base: Path, tmp_path: Path) -> None:
    export_adapter(adapter(path=base), to=tmp_path / "out", form="hf")
    assert len(tensors_of(tmp_path / "out")) == len(tensors_of(base))


def test_an_ordinary_adapter_loads_in_vllm() -> None:
    config = LoraConfig(r=12, lora_alpha=16, target_modules=["q_proj", "down_proj"])
    assert (vllm_faults(config), vllm_rank(config)) == ([], 16)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"r": 600}, "600"), ({"bias": "all"}, "biases"), ({"modules_to_save": ["lm_head"]}, "lm_head"),
     ({"use_dora": True}, "DoRA"), ({"target_modules": ["q_proj", "conv1"]}, "conv1"),
     ({"target_modules": ".*proj"}, "pattern")],
)  # fmt: skip
def test_what_vllm_would_refuse_is_said(change: dict, said: str) -> None:
    config = LoraConfig.model_validate({"r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]} | change)
    (fault,) = vllm_faults(config)
    assert said in fault


def test_no_rank_of_vllm_is_enough_for_a_larger_one() -> None:
    assert vllm_rank(LoraConfig(r=600, lora_alpha=16)) is None


def test_the_modelfile_asks_as_the_embedded_model_was_asked() -> None:
    text = modelfile("m.gguf", chat_model_file())
    assert text.startswith("FROM ./m.gguf\nPARAMETER temperature 0\nPARAMETER num_ctx 8192\n")
    assert (
        "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
        in text
    )
    assert 'SYSTEM """You are a helpful AI assistant named SmolLM, trained by Hugging Face"""' in text


def test_a_base_is_named_by_its_weights(tmp_path: Path) -> None:
    write_tiny_llama(tmp_path / "one", vocabulary=300)
    write_tiny_llama(tmp_path / "two" / "one", vocabulary=301)
    names = [base_name(tmp_path / "one"), base_name(tmp_path / "two" / "one")]
    assert [name.partition("@")[0] for name in names] == ["one", "one"]
    assert len(set(names)) == 2


def test_the_page_says_that_a_gate_failed_and_use_was_forced() -> None:
    page = card_page(adapter(gates={"format": {"passed": False, "value": 0.2, "bar": 0.9}}, forced=True))
    assert "| format | NO | 0.2 |  | 0.9 |" in page
    assert "Its use was forced." in page
