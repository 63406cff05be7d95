"""A tiny BERT with random weights in a Hugging Face folder, and the same mathematics in plain numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

Array = npt.NDArray[np.float64]

WORDS = [
    *("how", "long", "do", "refunds", "take", "thirty", "days", "a", "dog", "ran", "home", "orders", "ship"),
    *("in", "three", "the", "cat", "?", ".", ",", "##s", "##ing"),
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
HIDDEN, HEADS, LAYERS, INNER, POSITIONS = 32, 4, 2, 64, 64


def write_bert(folder: Path, *, labels: int = 0, pooling: str = "mean", seed: int = 0, **config: Any) -> Path:
    """Write an encoder, or with `labels` a BertForSequenceClassification, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute",
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "hidden_size": HIDDEN,
        "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS, **config,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps(
            {"pooling_mode_mean_tokens": False, f"pooling_mode_{_POOLING.get(pooling, pooling)}": True}
        )
    )
    save_file(_weights(labels, np.random.default_rng(seed)), folder / "model.safetensors")
    write_tokenizer(folder / "tokenizer.json")
    return folder


_POOLING = {"mean": "mean_tokens", "cls": "cls_token"}


def write_tokenizer(path: Path) -> Path:
    """Write a WordPiece tokenizer of a few words, padded and truncated to 8 as saved ones often are."""
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.enable_padding(length=8)
    tokenizer.enable_truncation(8)
    tokenizer.save(str(path))
    return path


def _weights(labels: int, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(SPECIAL + WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "pooler.dense.weight": (HIDDEN, HIDDEN),
        "pooler.dense.bias": (HIDDEN,),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        dense = {f"attention.self.{part}": (HIDDEN, HIDDEN) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (HIDDEN, HIDDEN)}
        dense |= {"intermediate.dense": (INNER, HIDDEN), "output.dense": (HIDDEN, INNER)}
        for name, shape in dense.items():
            shapes[f"{layer}.{name}.weight"] = shape
            shapes[f"{layer}.{name}.bias"] = shape[:1]
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (HIDDEN,)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    if not labels:
        return weights
    head = {"classifier.weight": (labels, HIDDEN), "classifier.bias": (labels,)}
    return {f"bert.{name}": array for name, array in weights.items()} | {
        name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in head.items()
    }


def reference_vector(folder: Path, ids: list[int], *, pooling: str = "mean") -> Array:
    """Return the unit vector of one sequence of token ids."""
    hidden = last_hidden_states(folder, ids, [0] * len(ids))
    pooled = hidden.mean(axis=0) if pooling == "mean" else hidden[0]
    return np.asarray(pooled / np.linalg.norm(pooled))


def reference_score(folder: Path, ids: list[int], types: list[int]) -> float:
    """Return the logit of one pair."""
    weights = load_file(folder / "model.safetensors")
    first = last_hidden_states(folder, ids, types)[0]
    pooled = np.tanh(first @ weights["bert.pooler.dense.weight"].T + weights["bert.pooler.dense.bias"])
    return float((pooled @ weights["classifier.weight"].T + weights["classifier.bias"])[0])


def last_hidden_states(folder: Path, ids: list[int], types: list[int]) -> Array:
    """Return BertModel's output for one sequence, in float64: (len(ids), hidden). Devlin et al. 2019."""
    config = json.loads((folder / "config.json").read_text())
    weights = {
        name.removeprefix("bert."): array.astype(np.float64)
        for name, array in load_file(folder / "model.safetensors").items()
        if array.dtype.kind == "f"
    }

    def dense(x: Array, name: str) -> Array:
        return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + config["layer_norm_eps"])
        return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])

    def heads(x: Array) -> Array:
        return x.reshape(len(ids), config["num_attention_heads"], -1).transpose(1, 0, 2)

    words, positions, segments = (
        weights[f"embeddings.{part}_embeddings.weight"] for part in ("word", "position", "token_type")
    )
    x = norm(words[ids] + positions[: len(ids)] + segments[types], "embeddings.LayerNorm")
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            heads(dense(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        context = (shares @ value).transpose(1, 0, 2).reshape(len(ids), -1)
        attended = x + dense(context, f"{layer}.attention.output.dense")
        x = norm(attended, f"{layer}.attention.output.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x
