"""A tuned model as one GGUF file, written tensor by tensor: memory holds the largest of them, not the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ragraft.errors import ModelError
from ragraft.tune.gguf_metadata import Shape, describe_metadata, model_shape
from ragraft.tune.weights import Floats, Tensor, merged_weights, tensors_of

if TYPE_CHECKING:
    import gguf

__all__ = ["GgufType", "write_gguf"]

GgufType = Literal["f16", "q8_0"]


def write_gguf(path: Path, *, base: Path, adapter: Path, kind: GgufType, name: str) -> None:
    """Write the base with an adapter folded in.

    `base` is a Hugging Face folder, whose tokenizer and chat template are carried over; `adapter` is a PEFT folder or
    that of a model trained whole.

    Matrices are stored in `kind`, vectors in float32; a matrix whose rows are no multiple of 32 long is
    stored as f16. Raises: ModelError if base and adapter do not fit, or GGUF has no form for them.
    """
    import gguf

    shape = model_shape(base)
    weights = tensors_of(base)
    if shape.tied:
        weights.pop("lm_head.weight", None)
    writer = gguf.GGUFWriter(path, shape.architecture)
    try:
        writer.add_name(name)
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        describe_metadata(writer, base)
        _announce(writer, weights, shape, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name_, numbers in merged_weights(weights, adapter):
            writer.write_tensor_data(_stored(_rows_in_order(name_, numbers, shape), kind))
    finally:
        writer.close()


_FILE_TYPES = {"f16": 1, "q8_0": 7}
"""llama.cpp's numbers for "mostly F16" and "mostly Q8_0"."""


def _announce(writer: gguf.GGUFWriter, weights: Mapping[str, Tensor], shape: Shape, kind: GgufType) -> None:
    """Enter each tensor's name, shape and type, in the order in which they are written."""
    import gguf

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[shape.architecture.upper()], shape.layers)
    for name, tensor in weights.items():
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise ModelError(f"GGUF has no place for the tensor {name}")
        stored = _type_of(tensor.shape, kind)
        block, size = gguf.GGML_QUANT_SIZES[stored]
        writer.add_tensor_info(
            known, tensor.shape, np.dtype(np.float32), math.prod(tensor.shape) // block * size, stored
        )


def _type_of(shape: tuple[int, ...], kind: GgufType) -> gguf.GGMLQuantizationType:
    import gguf

    if len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    if kind == "q8_0" and shape[-1] % 32 == 0:
        return gguf.GGMLQuantizationType.Q8_0
    return gguf.GGMLQuantizationType.F16


def _stored(numbers: Floats, kind: GgufType) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    import gguf

    stored: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = gguf.quantize(
        np.ascontiguousarray(numbers), _type_of(numbers.shape, kind)
    )
    return stored


def _rows_in_order(name: str, numbers: Floats, shape: Shape) -> Floats:
    """Return a tensor with its rows as GGUF's llama layout has them.

    It turns neighbouring pairs of rows of q and k, where Hugging Face turns a row and the one half a head on.
    """
    heads = {"q_proj": shape.heads, "k_proj": shape.kv_heads}.get(name.split(".")[-2])
    if shape.architecture != "llama" or heads is None:
        return numbers
    rows, rest = numbers.shape[0], numbers.shape[1:]
    halves = numbers.reshape(heads, 2, rows // heads // 2, *rest)
    return halves.swapaxes(1, 2).reshape(numbers.shape)
