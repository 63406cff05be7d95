"""BERT encoders as OpenVINO graphs, built from a Hugging Face folder without torch.

The folder holds config.json and model.safetensors. A graph takes, for B sequences padded to L tokens,

    ids    int32   (B, L)   token ids
    types  int32   (B, L)   0 for the first segment, 1 for the second; only where two are compared
    mask   float32 (B, L)   1 for a token, 0 for padding

Source: Devlin et al. 2019; parameter names as in transformers' BertModel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError

if TYPE_CHECKING:
    import openvino

__all__ = [
    "Pooling",
    "Shape",
    "build_embedder",
    "build_entailment",
    "build_reader",
    "build_scorer",
    "read_encoder",
    "read_json",
]

Node: TypeAlias = "openvino.Node"
Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
Pooling = Literal["mean", "cls"]

FAR_BELOW = -1e4  # added to the attention scores of padding: its softmax is exactly 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of config.json that the graph needs."""

    layers: int
    heads: int
    hidden: int
    epsilon: float


def build_embedder(folder: Path, *, pooling: Pooling) -> openvino.Model:
    """Return the graph (ids, mask) -> float32 (B, hidden): one unit vector per sequence.

    Raises: ModelError if the folder is not a BERT encoder in safetensors.
    """
    import openvino
    from openvino import opset15 as ops

    shape, weights = read_encoder(folder)
    ids, mask = _input("ids", np.int32), _input("mask", np.float32)
    tokens = _encode(weights, shape, ids=ids, types=None, mask=mask)
    if pooling == "mean":
        # The sum over the tokens points where their mean does, and the length is set to 1 next.
        pooled = ops.reduce_sum(ops.multiply(tokens, ops.unsqueeze(mask, _ints(2))), _ints(1))
    else:
        pooled = ops.gather(tokens, _int(0), _int(1))
    vectors = ops.normalize_l2(pooled, _ints(1), 1e-12, "max")
    return openvino.Model([vectors], [ids, mask], "bert_embedder")


def build_scorer(folder: Path) -> openvino.Model:
    """Return the graph (ids, types, mask) -> float32 (B, 1): one relevance logit per pair.

    Raises: ModelError if the folder is not a BertForSequenceClassification with one label.
    """
    shape, weights = read_encoder(folder)
    if "classifier.weight" not in weights or len(weights["classifier.weight"]) != 1:
        raise ModelError(
            f"{folder} is not a reranker: it has no classifier with one output",
            hint="use a cross-encoder with a single label, such as the ms-marco-MiniLM family",
        )
    return _classifier(shape, weights, name="bert_scorer")


def build_entailment(folder: Path) -> openvino.Model:
    """Return the graph (ids, types, mask) -> float32 (B, labels): the logits of each label per pair.

    Raises: ModelError if the folder is not a BertForSequenceClassification.
    """
    shape, weights = read_encoder(folder)
    if "classifier.weight" not in weights:
        raise ModelError(
            f"{folder} has no classifier", hint="use a BERT cross-encoder trained for NLI, in safetensors"
        )
    return _classifier(shape, weights, name="bert_entailment")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a model's JSON file.

    Raises: ModelError if it is missing or not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the model file {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"the model file {path} holds no JSON object")
    return content


def build_reader(shape: Shape, weights: Weights, *, window: int) -> openvino.Model:
    """Return the graph (ids, types, mask) -> float32 (B, 2 + 2 * window), for L <= window, from merged weights.

    A row holds the logits of relevant and answerable, then the start and the end logits of each token.
    """
    import openvino
    from openvino import opset15 as ops

    ids, types, mask = _input("ids", np.int32), _input("types", np.int32), _input("mask", np.float32)
    hidden = _encode(weights, shape, ids=ids, types=types, mask=mask)
    pooled = ops.tanh(_dense(ops.gather(hidden, _int(0), _int(1)), weights, "reader.pooler"))
    judged = _dense(pooled, weights, "reader.judge")
    # (B, L, 2) to (B, 2, window), so that every row is equally wide.
    spans = ops.transpose(_dense(hidden, weights, "reader.span"), _ints(0, 2, 1))
    length = ops.gather(ops.shape_of(ids, "i32"), _ints(1), _int(0))
    missing = ops.concat([_ints(0, 0), ops.subtract(_ints(window), length)], 0)
    padded = ops.pad(spans, _ints(0, 0, 0), missing, "constant", _float(0.0))
    flat = ops.reshape(padded, _ints(0, 2 * window), special_zero=True)
    return openvino.Model([ops.concat([judged, flat], 1)], [ids, types, mask], "bert_reader")


def read_encoder(folder: Path) -> tuple[Shape, Weights]:
    """Return the shape and the weights of the encoder in a folder.

    Raises: ModelError if it is not a BERT encoder in safetensors.
    """
    config = read_json(folder / "config.json")
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for key, value in expected.items():
        if config.get(key, value) != value:
            raise ModelError(f"{folder} has {key} {config[key]!r}; only {value!r} is supported")
    try:
        shape = Shape(
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            hidden=config["hidden_size"],
            epsilon=config["layer_norm_eps"],
        )
    except KeyError as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error}") from error
    return shape, _read_weights(folder / "model.safetensors")


def _read_weights(path: Path) -> Weights:
    from safetensors import SafetensorError, safe_open

    weights: dict[str, npt.NDArray[np.float32]] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - this object cannot be iterated over
                if file.get_slice(name).get_dtype() in ("F32", "F16"):
                    weights[name] = file.get_tensor(name).astype(np.float32, copy=False)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the weights {path} cannot be read: {error}") from error
    return weights


def _encode(weights: Weights, shape: Shape, *, ids: Node, types: Node | None, mask: Node) -> Node:
    """Return the last hidden states, (B, L, hidden)."""
    from openvino import opset15 as ops

    hidden = _embed(weights, shape, ids=ids, types=types)
    bias = ops.multiply(ops.subtract(ops.unsqueeze(mask, _ints(1, 2)), _float(1.0)), _float(-FAR_BELOW))
    for number in range(shape.layers):
        layer = f"encoder.layer.{number}"
        context = _attend(hidden, weights, shape, name=f"{layer}.attention", bias=bias)
        hidden = _add_and_normalise(
            hidden, context, weights, name=f"{layer}.attention.output", epsilon=shape.epsilon
        )
        # The exact gelu: the tanh form was no faster.
        inner = ops.gelu(_dense(hidden, weights, f"{layer}.intermediate.dense"), "erf")
        hidden = _add_and_normalise(hidden, inner, weights, name=f"{layer}.output", epsilon=shape.epsilon)
    return hidden


def _classifier(shape: Shape, weights: Weights, *, name: str) -> openvino.Model:
    import openvino
    from openvino import opset15 as ops

    body = {key.removeprefix("bert."): array for key, array in weights.items()}
    ids, types, mask = _input("ids", np.int32), _input("types", np.int32), _input("mask", np.float32)
    first = ops.gather(_encode(body, shape, ids=ids, types=types, mask=mask), _int(0), _int(1))
    pooled = ops.tanh(_dense(first, body, "pooler.dense"))
    return openvino.Model([_dense(pooled, body, "classifier")], [ids, types, mask], name)


def _embed(weights: Weights, shape: Shape, *, ids: Node, types: Node | None) -> Node:
    from openvino import opset15 as ops

    positions, segments = (
        _take(weights, f"embeddings.{n}_embeddings.weight") for n in ("position", "token_type")
    )
    if types is None:  # one segment: its row is the same everywhere, so it joins the table of positions
        positions = positions + segments[0]
    length = ops.gather(ops.shape_of(ids, "i32"), _int(1), _int(0))
    places = ops.range(_int(0), length, _int(1), "i32")
    words = ops.gather(_constant(_take(weights, "embeddings.word_embeddings.weight")), ids, _int(0))
    total = ops.add(words, ops.gather(_constant(positions), places, _int(0)))
    if types is not None:
        total = ops.add(total, ops.gather(_constant(segments), types, _int(0)))
    return _normalise(total, weights, name="embeddings.LayerNorm", epsilon=shape.epsilon)


def _attend(hidden: Node, weights: Weights, shape: Shape, *, name: str, bias: Node) -> Node:
    """Return what every head gathered, side by side: (B, L, hidden)."""
    from openvino import opset15 as ops

    size = shape.hidden // shape.heads
    query, key, value = (
        ops.transpose(
            ops.reshape(
                _dense(hidden, weights, f"{name}.self.{part}"),
                _ints(0, 0, shape.heads, size),
                special_zero=True,
            ),
            _ints(0, 2, 1, 3),
        )
        for part in ("query", "key", "value")
    )
    heads = ops.scaled_dot_product_attention(query, key, value, bias, _float(size**-0.5))
    return ops.reshape(ops.transpose(heads, _ints(0, 2, 1, 3)), _ints(0, 0, shape.hidden), special_zero=True)


def _add_and_normalise(hidden: Node, inner: Node, weights: Weights, *, name: str, epsilon: float) -> Node:
    from openvino import opset15 as ops

    total = ops.add(hidden, _dense(inner, weights, f"{name}.dense"))
    return _normalise(total, weights, name=f"{name}.LayerNorm", epsilon=epsilon)


def _normalise(hidden: Node, weights: Weights, *, name: str, epsilon: float) -> Node:
    from openvino import opset15 as ops

    scaled = ops.mvn(hidden, _ints(-1), normalize_variance=True, eps=epsilon, eps_mode="inside_sqrt")
    gain, bias = (_constant(_take(weights, f"{name}.{part}")) for part in ("weight", "bias"))
    return ops.add(ops.multiply(scaled, gain), bias)


def _dense(hidden: Node, weights: Weights, name: str) -> Node:
    from openvino import opset15 as ops

    matrix, bias = (_constant(_take(weights, f"{name}.{part}")) for part in ("weight", "bias"))
    return ops.add(ops.matmul(hidden, matrix, transpose_a=False, transpose_b=True), bias)


def _take(weights: Weights, name: str) -> npt.NDArray[np.float32]:
    try:
        return weights[name]
    except KeyError:
        raise ModelError(
            f"the weights lack {name} as float32 or float16",
            hint="save the model with its plain BERT parameter names, in float32",
        ) from None


def _input(name: str, dtype: npt.DTypeLike) -> Node:
    from openvino import opset15 as ops

    return ops.parameter([-1, -1], dtype, name=name)


def _constant(array: npt.NDArray[Any]) -> Node:
    from openvino import opset15 as ops

    return ops.constant(array)


def _int(value: int) -> Node:
    return _constant(np.array(value, np.int32))


def _ints(*values: int) -> Node:
    return _constant(np.array(values, np.int32))


def _float(value: float) -> Node:
    return _constant(np.array(value, np.float32))
