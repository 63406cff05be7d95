"""The header of a GGUF file: how long the model's context is, and whether the file is whole.

Source: the GGUF specification, version 3: magic, version, counts, typed key-value pairs, a description of
each tensor, then the tensors' bytes from the next multiple of the alignment.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ragraft.errors import ModelError

__all__ = ["check_whole", "context_length"]

Value = int | float | bool | str | None
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
LONGEST_STRING = 16 * 1024 * 1024  # a chat template is the longest, a few kilobytes


def context_length(path: Path) -> int:
    """Return the longest context, in tokens, that the model was trained for.

    Raises: ModelError if the file is not a GGUF or does not say.
    """
    with _opened(path) as file:
        _tensors, count = _counts(file)
        for key, value in _pairs(file, count):
            if key.endswith(".context_length") and isinstance(value, int):
                return value
    raise ModelError(f"{path} does not say how long its context is", hint="set the model's window")


def check_whole(path: Path) -> None:
    """Raise ModelError unless every tensor lies within the file.

    OpenVINO GenAI reads a file that was cut short beyond its end, and the process dies of it.
    """
    with _opened(path) as file:
        tensors, count = _counts(file)
        alignment = dict(_pairs(file, count)).get("general.alignment") or 32
        ends = [_tensor_end(file) for _ in range(tensors)]
        start = -(-file.tell() // int(alignment)) * int(alignment)
        missing = start + max(ends, default=0) - path.stat().st_size
    if missing > 0:
        raise ModelError(f"{path} is not whole: {missing} bytes are missing", hint="copy or install it again")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ValueError("it does not begin with GGUF")
            yield file
    except (OSError, ValueError, struct.error) as error:
        raise ModelError(f"{path} is not a readable GGUF file: {error}") from error


def _counts(file: BinaryIO) -> tuple[int, int]:
    """Return how many tensors and how many key-value pairs follow."""
    _version, tensors, pairs = _unpack(file, "IQQ")
    return tensors, pairs


def _pairs(file: BinaryIO, count: int) -> Iterator[tuple[str, Value]]:
    for _ in range(count):
        yield _string(file), _value(file, _unpack(file, "I")[0])


def _tensor_end(file: BinaryIO) -> int:
    """Return where the next tensor ends, counted from where the first begins."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    _string(file)
    (dimensions,) = _unpack(file, "I")
    elements = math.prod(_unpack(file, f"{dimensions}Q"))
    kind, offset = _unpack(file, "IQ")
    block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    return offset + elements // block * size


def _value(file: BinaryIO, kind: int) -> Value:
    """Return a number or a string; an array is passed over and returned as None."""
    if kind == STRING:
        return _string(file)
    if kind == ARRAY:
        element, count = _unpack(file, "IQ")
        if element in NUMBERS:
            file.seek(struct.calcsize(NUMBERS[element]) * count, 1)
        else:
            for _ in range(count):
                _value(file, element)
        return None
    if kind not in NUMBERS:
        raise ValueError(f"value of unknown type {kind}")
    number: int | float | bool = _unpack(file, NUMBERS[kind])[0]
    return number


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > LONGEST_STRING:
        raise ValueError(f"string of {length} bytes")
    return file.read(length).decode("utf-8", "replace")


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))
