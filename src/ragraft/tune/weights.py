"""Weights on disk without a training library: safetensors read and written, LoRA folded into its base.

Source of the form: the safetensors format: the length of a JSON header (8 bytes), the header with each tensor's
type, shape and place, then the tensors' bytes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragraft.errors import ModelError

__all__ = [
    "ADAPTER_CONFIG",
    "LoraConfig",
    "Tensor",
    "merged_weights",
    "read_lora_config",
    "tensors_of",
    "write_tensors",
]

Floats = npt.NDArray[np.float32]

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_PREFIX = "base_model.model."
LONGEST_HEADER = 100 * 1024 * 1024

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor stands in a file; its numbers are read when asked for."""

    file: Path
    start: int
    kind: str
    shape: tuple[int, ...]

    def read(self) -> Floats:
        """Return the numbers as float32 in the tensor's shape.

        Raises: ModelError if the file is cut short, or a number is none.
        """
        count = math.prod(self.shape)
        try:
            raw = np.fromfile(self.file, _TYPES[self.kind], count, offset=self.start)
        except OSError as error:
            raise ModelError(f"{self.file} cannot be read: {error.strerror}") from error
        if raw.size != count:
            raise ModelError(f"{self.file} is not whole", hint="train again, or restore it from a copy")
        wide = raw.astype("<u4") << 16 if self.kind == "BF16" else raw
        numbers = (wide.view("<f4") if self.kind == "BF16" else wide).astype(np.float32).reshape(self.shape)
        if not np.isfinite(numbers).all():
            raise ModelError(
                f"{self.file} holds weights that are no numbers", hint="train again with a lower rate"
            )
        return numbers


class LoraConfig(BaseModel):
    """What of a PEFT folder's adapter_config.json decides how its weights are used."""

    model_config = ConfigDict(extra="ignore")

    base_model_name_or_path: str | None = None
    peft_type: str = "LORA"
    r: int = Field(ge=1)
    lora_alpha: float
    use_rslora: bool = False
    use_dora: bool = False
    fan_in_fan_out: bool = False
    bias: str = "none"
    target_modules: list[str] | str | None = None
    modules_to_save: list[str] | None = None
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}

    @property
    def scale(self) -> float:
        """What the product of the two small matrices is multiplied with.

        Source: Hu et al. 2021, section 4.1 (alpha / r); Kalajdzievski 2023 for rank-stabilised LoRA.
        """
        return self.lora_alpha / (math.sqrt(self.r) if self.use_rslora else self.r)

    def unusual(self) -> list[str]:
        """Return what of it goes beyond the plain LoRA that can be folded into a base."""
        return [
            said
            for said, is_so in (
                (f"its type is {self.peft_type}, not LORA", self.peft_type != "LORA"),
                ("it uses DoRA", self.use_dora),
                ("its matrices are transposed (fan_in_fan_out)", self.fan_in_fan_out),
                (f"it trains biases (bias = {self.bias})", self.bias != "none"),
                ("it replaces whole modules (modules_to_save)", bool(self.modules_to_save)),
                ("its modules differ in rank or alpha", bool(self.rank_pattern or self.alpha_pattern)),
            )
            if is_so
        ]


def read_lora_config(folder: Path) -> LoraConfig | None:
    """Return the configuration of a PEFT folder; None if the folder holds a whole model.

    Raises: ModelError if it cannot be read.
    """
    path = folder / ADAPTER_CONFIG
    if not path.exists():
        return None
    try:
        return LoraConfig.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path} is no configuration of an adapter: {error}") from error


def tensors_of(folder: Path) -> dict[str, Tensor]:
    """Return every tensor of a folder's safetensors files, by name.

    Raises: ModelError if there is none or one is not readable.
    """
    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found.update(_tensors_of_file(file))
    if not found:
        raise ModelError(
            f"there are no safetensors weights in {folder}", hint="train again, or name the model's folder"
        )
    return found


def merged_weights(base: Mapping[str, Tensor], adapter: Path) -> Iterator[tuple[str, Floats]]:
    """Yield the tensors of the tuned model by name, in the order of `base`, one at a time.

    `adapter` is a PEFT folder, whose products are added to the base in float32, or the folder of a model that was
    trained whole, whose tensors take the base's place.

    Raises: ModelError if the adapter is of a kind that cannot be folded, or was made for another base.
    """
    config = read_lora_config(adapter)
    tuned = tensors_of(adapter)
    if config is None:
        _require_same_shapes(base, tuned)
        yield from ((name, tuned.get(name, tensor).read()) for name, tensor in base.items())
        return
    if unusual := config.unusual():
        raise ModelError(f"the adapter {adapter} cannot be folded into its base: {'; '.join(unusual)}")
    pairs = _pairs(tuned, base, adapter)
    for name, tensor in base.items():
        numbers = tensor.read()
        if name in pairs:
            down, up = (part.read() for part in pairs[name])
            numbers += np.float32(config.scale) * (up @ down)
        yield name, numbers


def write_tensors(path: Path, tensors: Iterator[tuple[str, Floats]], like: Mapping[str, Tensor]) -> None:
    """Write tensors one after another to a safetensors file, in the names, order, types and shapes of `like`."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in like.items():
        start, end = end, end + math.prod(tensor.shape) * np.dtype(_TYPES[tensor.kind]).itemsize
        header[name] = {"dtype": tensor.kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, numbers in tensors:
            kind = like[name].kind
            file.write((_bfloat16(numbers) if kind == "BF16" else numbers.astype(_TYPES[kind])).tobytes())


def _bfloat16(numbers: Floats) -> npt.NDArray[np.uint16]:
    """Return the upper halves of the numbers, rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def _tensors_of_file(file: Path) -> dict[str, Tensor]:
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if length > LONGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(opened.read(length))
        header.pop("__metadata__", None)
        return {
            name: Tensor(file, 8 + length + entry["data_offsets"][0], entry["dtype"], tuple(entry["shape"]))
            for name, entry in header.items()
            if entry["dtype"] in _TYPES or _reject(name, entry["dtype"])
        }
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError(f"{file} is not a readable safetensors file: {error}") from error


def _reject(name: str, kind: str) -> bool:
    raise ValueError(f"{name} has the type {kind}, which weights do not have")


def _pairs(
    tuned: Mapping[str, Tensor], base: Mapping[str, Tensor], adapter: Path
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the two small matrices of each weight of the base that the adapter changes."""
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for name, down in tuned.items():
        if name.endswith(".lora_B.weight") and name.replace("lora_B", "lora_A") in tuned:
            continue
        target = name.removeprefix(ADAPTER_PREFIX).removesuffix(".lora_A.weight") + ".weight"
        up = tuned.get(name.replace(".lora_A.", ".lora_B."))
        known = base.get(target)
        if not name.endswith(".lora_A.weight") or up is None or known is None:
            raise ModelError(
                f"the base has no place for {name} of the adapter {adapter}",
                hint="it was made for another base",
            )
        if known.shape != (up.shape[0], down.shape[1]):
            raise ModelError(
                f"{target} has the shape {known.shape}, and the adapter {adapter} was made for another"
            )
        pairs[target] = (down, up)
    return pairs


def _require_same_shapes(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> None:
    wrong = [name for name, tensor in tuned.items() if name not in base or base[name].shape != tensor.shape]
    if wrong:
        raise ModelError(f"the tuned model is not of its base's shape: {', '.join(wrong[:3])}")
