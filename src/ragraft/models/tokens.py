"""Tokenizers read from a tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from ragraft.errors import ModelError

__all__ = ["load_tokenizer", "well_formed"]


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json, without the padding and truncation saved in it.

    Raises: ModelError if the file is missing or not a tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(f"the tokenizer {path} cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def well_formed(texts: Sequence[str]) -> list[str]:
    """Return the texts with each lone surrogate as "?", which no tokenizer accepts.

    They come from file names and command lines in a wrong encoding.
    """
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
