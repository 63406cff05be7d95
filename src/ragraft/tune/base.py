"""The base model as a folder that can be trained: Hugging Face layout, made from a GGUF file where need be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ragraft.errors import MissingExtraError, ModelError
from ragraft.models.files import fingerprint
from ragraft.models.prepared import prepare_folder
from ragraft.tune.export import base_name
from ragraft.tune.gguf_file import write_gguf
from ragraft.tune.masking import open_chat_encoder

if TYPE_CHECKING:
    import numpy.typing as npt

    Half = npt.NDArray[np.float16]

__all__ = ["Base", "open_base", "trainable_folder"]

WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
OF_A_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Names of tensors: {in GGUF: in Hugging Face's Llama}."""


@dataclass(frozen=True, slots=True)
class Base:
    """The model that is tuned: as a folder that can be trained, and as the file that is asked."""

    name: str
    folder: Path
    chat: Path


def open_base(path: Path, *, name: str = "", cache: Path) -> Base:
    """Return the model at `path`, a GGUF file or a Hugging Face folder, in the forms that a run needs.

    What has to be made is kept in `cache`. Raises: ModelError if it cannot be trained.
    """
    folder = trainable_folder(path, cache=cache)
    if path.is_file():
        return Base(base_name(path, name=name), folder, path)
    known = base_name(path, name=name)
    file = "base.gguf"

    def make(made: Path) -> None:
        write_gguf(made / file, base=folder, adapter=folder, kind="f16", name=known)

    key = fingerprint([folder / "config.json", *sorted(folder.glob("*.safetensors"))])
    return Base(known, folder, prepare_folder(cache, f"asked-{key}", make) / file)


def trainable_folder(path: Path, *, cache: Path) -> Path:
    """Return a Hugging Face folder of the model at `path`: itself, or made from a GGUF file into `cache`.

    Quantised weights become float16, which holds what they stand for to three digits, so the tuned model starts
    as the one that answered until now. 270 MB for SmolLM2-135M, made in about 5 s, once.

    Raises: ModelError if it is no model, or a GGUF file of another architecture than Llama's;
    MissingExtraError without the packages that read it.
    """
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"{path} is no model: it has no config.json", hint="name a Hugging Face folder")
        return path
    return prepare_folder(cache, f"trainable-{fingerprint([path])}", lambda folder: _unpack(path, folder))


def _unpack(path: Path, folder: Path) -> None:
    try:
        from gguf import GGUFReader
        from safetensors.numpy import save_file
    except ImportError as error:
        raise MissingExtraError("tune", needed_for="training") from error
    try:
        reader = GGUFReader(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not a readable GGUF file: {error}") from error
    about = {name: field.contents() for name, field in reader.fields.items()}
    if about.get("general.architecture") != "llama":
        raise ModelError(
            f"{path} holds a model of the type {about.get('general.architecture')!r}; only Llama's is unpacked here",
            hint="give the model's Hugging Face folder instead of the GGUF file",
        )
    weights = dict(_weights(reader, heads=_heads(about)))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = _config(
        about, vocabulary=len(weights[WHOLE["token_embd.weight"]]), tied="lm_head.weight" not in weights
    )
    _write_json(folder / "config.json", config)
    encoder = open_chat_encoder(path)
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(encoder.template, encoding="utf-8")
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(about))


def _weights(reader: Any, *, heads: Mapping[str, int]) -> Iterator[tuple[str, Half]]:
    from gguf.quants import dequantize

    for tensor in reader.tensors:
        numbers = dequantize(tensor.data, tensor.tensor_type).astype(np.float16)
        _, layer, part = [*tensor.name.split("."), "", ""][:3]
        if part in heads:
            # GGUF's Llama turns neighbouring pairs of rows, Hugging Face's a row and the one half a head on.
            pairs = numbers.reshape(heads[part], len(numbers) // heads[part] // 2, 2, -1)
            numbers = np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(numbers.shape)
        if tensor.name in WHOLE:
            yield WHOLE[tensor.name], numbers
        elif part in OF_A_LAYER and tensor.name.startswith("blk."):
            yield f"model.layers.{layer}.{OF_A_LAYER[part]}.weight", numbers
        elif not tensor.name.startswith("rope_"):  # computed anew from the rope's base
            raise ModelError(f"the GGUF file has a tensor of unknown use: {tensor.name}")


def _heads(about: Mapping[str, Any]) -> dict[str, int]:
    heads = int(about["llama.attention.head_count"])
    return {"attn_q": heads, "attn_k": int(about.get("llama.attention.head_count_kv") or heads)}


def _config(about: Mapping[str, Any], *, vocabulary: int, tied: bool) -> dict[str, Any]:
    heads, width = _heads(about), int(about["llama.embedding_length"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float16",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": int(about["llama.feed_forward_length"]),
        "num_hidden_layers": int(about["llama.block_count"]),
        "num_attention_heads": heads["attn_q"],
        "num_key_value_heads": heads["attn_k"],
        "head_dim": int(about.get("llama.rope.dimension_count") or width // heads["attn_q"]),
        "hidden_act": "silu",
        "max_position_embeddings": int(about["llama.context_length"]),
        "rms_norm_eps": float(about["llama.attention.layer_norm_rms_epsilon"]),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": float(about.get("llama.rope.freq_base") or 10000.0),
        },
        "tie_word_embeddings": tied,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": about.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": about.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": about.get("tokenizer.ggml.padding_token_id"),
    }


def _tokenizer_config(about: Mapping[str, Any]) -> dict[str, Any]:
    words = about["tokenizer.ggml.tokens"]
    numbers = {
        f"{ours}_token": about.get(f"tokenizer.ggml.{theirs}_token_id")
        for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
    }
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": int(about["llama.context_length"]),
        "clean_up_tokenization_spaces": False,
        **{name: words[at] for name, at in numbers.items() if at is not None},
    }


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
