"""Tokenizers read from a tokenizer.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from ragraft.errors import ModelError

__all__ = ["chat_text", "cut_to_limit", "load_tokenizer", "well_formed"]

# How ChatML, Llama 3, Phi, Gemma, Llama 2 and Mistral mark turns and ends.
CONTROL_TOKEN = re.compile(r"(?:<(?=\|[^|<>\s]{1,40}\|>|/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\]))")


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


def cut_to_limit(tokenizer: Tokenizer, texts: Sequence[str], *, limit: int) -> list[npt.NDArray[np.int32]]:
    """Return the token ids of each text, of one that is too long the first ones.

    A cut text keeps its last token, the separator that a model saw at every end in training.
    """
    found = (encoding.ids for encoding in tokenizer.encode_batch_fast(well_formed(texts)))
    return [np.array(ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]], np.int32) for ids in found]


def chat_text(text: str) -> str:
    """Return a message's text as a chat template may take it.

    A document that holds <|im_start|> or its like would open a turn of its own, since the tokenizers of
    most models and servers read such marks wherever they stand. A space takes that meaning away.
    """
    return CONTROL_TOKEN.sub(r"\g<0> ", well_formed([text])[0])
