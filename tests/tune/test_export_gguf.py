"""A GGUF file says the same as the model that it was made from, in every program that opens it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapter_world import adapter, write_lora, write_tiny_llama, write_tokenizer
from ragraft.errors import ModelError
from ragraft.models.files import chat_model_file
from ragraft.models.gguf_header import check_whole
from ragraft.models.local import LocalChatModel
from ragraft.models.signal_stack import kept_signal_stack
from ragraft.tune.export import export_adapter, served_file, write_served
from ragraft.tune.gguf_file import write_gguf
from ragraft.tune.gguf_metadata import model_shape
from ragraft.tune.gguf_values import read_values
from ragraft.tune.masking import open_chat_encoder
from ragraft.types import Message

VOCABULARY = 49152
ASKED = [Message("user", "What may a hotel in Kassel cost in 2026?")]
ANSWER_TOKENS = 24


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer model with random weights and the packaged model's tokenizer."""
    folder = tmp_path_factory.mktemp("tiny") / "base"
    write_tiny_llama(folder, vocabulary=VOCABULARY)
    write_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def lora(base: Path) -> Path:
    folder = base.parent / "lora"
    write_lora(folder, modules=("self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"))
    return folder


@pytest.fixture(scope="module")
def written(base: Path, lora: Path) -> Callable[[str], Path]:
    """Return the GGUF file of a type, written once."""

    def write(kind: str) -> Path:
        path = base.parent / f"{kind}.gguf"
        if not path.exists():
            write_gguf(path, base=base, adapter=lora, kind=kind, name="tiny")
        return path

    return write


@pytest.fixture(scope="module")
def asked(base: Path) -> list[int]:
    encoder = open_chat_encoder(base)
    return encoder.tokenizer.encode(encoder.render(ASKED, prompt=True), add_special_tokens=False).ids


@pytest.fixture(scope="module")
def by_trainer(base: Path, lora: Path, asked: list[int]) -> list[int]:
    """What the model answers in torch, with its adapter beside it: the next tokens, chosen greedily."""
    torch = pytest.importorskip("torch", reason="the trainer is not installed")
    peft = pytest.importorskip("peft", reason="the trainer is not installed")
    transformers = pytest.importorskip("transformers", reason="the trainer is not installed")
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(model, lora).eval()
    ids = list(asked)
    with torch.no_grad():
        for _ in range(ANSWER_TOKENS):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(asked) :]


def test_openvino_answers_token_for_token_as_the_trainer(
    written: Callable[[str], Path], asked: list[int], by_trainer: list[int]
) -> None:
    import openvino
    import openvino_genai

    # In float32 and without the packing of activations, so that nothing but the file can make a difference.
    exact = {
        "INFERENCE_PRECISION_HINT": "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
        "KV_CACHE_PRECISION": "f32",
    }
    file = str(written("f16"))
    with kept_signal_stack():
        pipeline = openvino_genai.LLMPipeline(
            file, "CPU", INFERENCE_NUM_THREADS=1, ATTENTION_BACKEND="SDPA", **exact
        )
    config = openvino_genai.GenerationConfig(max_new_tokens=ANSWER_TOKENS, do_sample=False, ignore_eos=True)
    given = openvino.Tensor(np.array([asked], np.int64))
    assert list(pipeline.generate(given, config).tokens[0]) == by_trainer


def test_llama_cpp_answers_token_for_token_as_the_trainer(
    written: Callable[[str], Path], base: Path, asked: list[int], by_trainer: list[int]
) -> None:
    llama = pytest.importorskip("xllamacpp", reason="llama.cpp is not installed")
    settings = llama.CommonParams()
    settings.model.path = str(written("f16"))
    settings.n_ctx, settings.n_parallel, settings.warmup = 256, 1, False
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = llama.Server(settings)
    told = server.handle_completions(
        {
            "prompt": asked,
            "n_predict": ANSWER_TOKENS,
            "temperature": 0.0,
            "ignore_eos": True,
            "return_tokens": True,
        }
    )
    expected = open_chat_encoder(base).tokenizer.decode(by_trainer, skip_special_tokens=False)
    assert told["choices"][0]["text"] == expected


def test_llama_cpp_cuts_text_into_the_same_tokens(written: Callable[[str], Path], asked: list[int]) -> None:
    llama = pytest.importorskip("xllamacpp", reason="llama.cpp is not installed")
    settings = llama.CommonParams()
    settings.model.path = str(written("f16"))
    settings.n_ctx, settings.n_parallel, settings.warmup, settings.use_jinja = 256, 1, False, True
    told = llama.Server(settings).handle_chat_completions(
        {"messages": [{"role": "user", "content": ASKED[0].content}], "max_tokens": 1}
    )
    assert told["usage"]["prompt_tokens"] == len(asked)


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_the_chat_model_opens_it_and_counts_the_same_tokens(
    written: Callable[[str], Path], asked: list[int], kind: str
) -> None:
    model = LocalChatModel(written(kind), threads=1)
    assert model.count_tokens(ASKED) == len(asked)
    assert model.generate(ASKED, max_tokens=4).usage.completion_tokens >= 1


def test_half_the_space_costs_less_than_a_hundredth_of_a_weight(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    import gguf

    exact, packed = (
        {
            one.name: gguf.dequantize(one.data, one.tensor_type)
            for one in gguf.GGUFReader(written(kind)).tensors
        }
        for kind in ("f16", "q8_0")
    )
    worst = max(np.abs(packed[name] - exact[name]).max() / np.abs(exact[name]).max() for name in exact)
    assert 0 < worst < 0.01


def test_the_file_is_whole_and_of_the_size_that_its_type_has(written: Callable[[str], Path]) -> None:
    for kind in ("f16", "q8_0"):
        check_whole(written(kind))
    assert written("q8_0").stat().st_size < 0.7 * written("f16").stat().st_size


def test_the_tokenizer_is_the_one_of_the_file_that_the_base_was_made_from(
    written: Callable[[str], Path],
) -> None:
    told, known = read_values(written("f16")), read_values(chat_model_file())
    same = ("ggml.model", "ggml.pre", "ggml.tokens", "ggml.merges", "ggml.eos_token_id", "chat_template")
    assert [key for key in same if told[f"tokenizer.{key}"] != known[f"tokenizer.{key}"]] == []


def test_an_export_has_the_file_and_a_modelfile(base: Path, lora: Path, tmp_path: Path) -> None:
    done = export_adapter(adapter(path=lora), to=tmp_path / "out", form="gguf", kind="q8_0", base=base)
    assert set(done.files) == {"Modelfile", "README.md", "card.json", "house.q8_0.gguf"}
    assert "FROM ./house.q8_0.gguf" in (tmp_path / "out" / "Modelfile").read_text()


def test_the_served_file_stands_in_the_adapters_own_folder(base: Path, lora: Path, tmp_path: Path) -> None:
    shutil.copytree(lora, tmp_path / "house")
    write_served(tmp_path / "house", base=base, name="house")
    check_whole(served_file(adapter(path=tmp_path / "house")))


def test_a_served_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not in"):
        served_file(adapter(path=tmp_path))


@pytest.mark.parametrize(
    "change",
    [{"model_type": "gpt_neox"}, {"rope_parameters": {"rope_type": "llama3"}}, {"hidden_size": None}],
    ids=["kind", "rope", "size"],
)
def test_a_model_that_has_no_form_in_gguf_here_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    write_tiny_llama(tmp_path, vocabulary=300)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError):
        model_shape(tmp_path)


def test_a_tokenizer_that_cuts_in_an_unknown_way_is_refused(base: Path, lora: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_tiny_llama(other, vocabulary=VOCABULARY)
    tokenizer = json.loads((base / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"] = {"type": "Whitespace"}
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="no name in GGUF"):
        write_gguf(tmp_path / "m.gguf", base=other, adapter=lora, kind="f16", name="x")
