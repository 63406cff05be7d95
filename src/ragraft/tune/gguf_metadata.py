"""What a GGUF file says of a model beside its weights: its sizes, its tokenizer, its chat template.

Described from a Hugging Face folder. Source of the keys: the GGUF specification, version 3, and what llama.cpp's
converter writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragraft.errors import ModelError

if TYPE_CHECKING:
    import gguf

__all__ = ["Shape", "describe_metadata", "model_shape"]

ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""What both OpenVINO GenAI and llama.cpp open: {model_type of config.json: GGUF architecture}."""

_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN_2 = _LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model's config.json a GGUF needs. `heads` and `kv_heads` count attention heads per layer."""

    architecture: str
    layers: int
    window: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_width: int
    rope_base: float
    norm_epsilon: float
    vocabulary: int
    tied: bool


def model_shape(folder: Path) -> Shape:
    """Return the shape that a folder's config.json states.

    Raises: ModelError if it cannot be read, or is of a kind that is not written as GGUF here.
    """
    config = _json(folder / "config.json")
    kind = config.get("model_type")
    if kind not in ARCHITECTURES:
        raise ModelError(
            f"a model of the type {kind!r} cannot be written as GGUF here, only {', '.join(ARCHITECTURES)}",
            hint="export it with --format hf and convert it with llama.cpp",
        )
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise ModelError(
            f"a model with {rope.get('rope_type', rope.get('type'))} rope scaling cannot be written as GGUF here",
            hint="export it with --format hf and convert it with llama.cpp",
        )
    try:
        heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
        return Shape(
            architecture=ARCHITECTURES[kind],
            layers=int(config["num_hidden_layers"]),
            window=int(config["max_position_embeddings"]),
            width=width,
            feed_forward=int(config["intermediate_size"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_width=int(config.get("head_dim") or width // heads),
            rope_base=float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0),
            norm_epsilon=float(config["rms_norm_eps"]),
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'} does not describe a model: {error!r}") from error


def describe_metadata(writer: gguf.GGUFWriter, folder: Path) -> None:
    """Describe the model of a Hugging Face folder and its tokenizer.

    Raises: ModelError if its tokenizer cuts words in a way that has no name in GGUF.
    """
    import gguf

    shape = model_shape(folder)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.window)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_vocab_size(shape.vocabulary)
    tokenizer = _json(folder / "tokenizer.json")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_cutting(tokenizer, folder))
    tokens, types = _vocabulary(tokenizer, shape.vocabulary)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_add_space_prefix(False)  # noqa: FBT003 - the library's signature
    gguf.SpecialVocab(folder, load_merges=True, n_vocab=shape.vocabulary).add_to_gguf(writer, quiet=True)


def _cutting(tokenizer: dict[str, Any], folder: Path) -> str:
    """Return GGUF's name for how a byte-level tokenizer cuts a text before it merges."""
    cutter = tokenizer.get("pre_tokenizer") or {}
    steps = cutter.get("pretokenizers", [cutter])
    kinds = [step.get("type") for step in steps]
    pattern = next((step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"), None)
    if tokenizer.get("model", {}).get("type") == "BPE" and kinds and kinds[-1] == "ByteLevel":
        if kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits"):
            return "smollm"
        if kinds == ["ByteLevel"]:
            return "gpt-2"
        if kinds == ["Split", "ByteLevel"] and pattern in (_LLAMA_3, _QWEN_2):
            return "llama-bpe" if pattern == _LLAMA_3 else "qwen2"
    raise ModelError(
        f"the tokenizer in {folder} has no name in GGUF that is known here",
        hint="export it with --format hf and convert it with llama.cpp",
    )


def _vocabulary(tokenizer: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Return the tokens by number and their GGUF types; numbers without a token become unused ones."""
    import gguf

    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [int(gguf.TokenType.UNUSED)] * size
    for token, number in tokenizer["model"]["vocab"].items():
        tokens[number], types[number] = token, int(gguf.TokenType.NORMAL)
    for added in tokenizer.get("added_tokens", []):
        kind = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], types[added["id"]] = added["content"], int(kind)
    return tokens, types


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is no description of a model")
    return value
