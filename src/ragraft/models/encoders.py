"""The embedded embedder: a sentence encoder on OpenVINO."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.models.bert import Pooling, build_embedder, read_json
from ragraft.models.files import fingerprint, require_engine
from ragraft.models.processor import compile_for_processor
from ragraft.models.tokens import load_tokenizer, well_formed
from ragraft.types import Vectors

__all__ = ["OpenVinoEmbedder"]

# Measured in docs/decisions/models.md. Small batches lose nothing on two cores, keep memory low and let a
# query in between; lengths in steps of 16 mean few shapes, each of which the runtime prepares once.
BATCH_TOKENS = 2048
LENGTH_STEP = 16
# Texts that are tokenised and sorted at a time: bounds the memory for token ids.
WINDOW = 8192


class OpenVinoEmbedder:
    """A BERT sentence encoder from a sentence-transformers folder, on the CPU.

    Threads may share one; batches of concurrent calls take turns.
    """

    def __init__(self, folder: Path, *, name: str = "", threads: int | None = None) -> None:
        """Load the weights and compile the graph (about 0.2 s for all-MiniLM-L6-v2).

        `name` defaults to the folder's; the fingerprint of the weights is added to it, so that an index
        knows which model made it. `threads` defaults to the processors this process may use.

        Raises: ModelError if the folder does not hold such a model; MissingExtraError without OpenVINO.
        """
        require_engine("openvino", needed_for="the embedded embedder")
        weights = folder / "model.safetensors"
        parts = [folder / "config.json", folder / "tokenizer.json", weights]
        self._name = f"{name or folder.name}@{fingerprint(parts)}"
        self._max_tokens = _max_tokens(folder)
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        model = build_embedder(folder, pooling=_pooling(folder))
        self._dimensions = int(model.output(0).partial_shape[1].get_length())
        self._request = compile_for_processor(model, threads=threads).create_infer_request()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the exact tokens of each text, the two special ones included.

        A text is embedded whole if its count is at most `max_tokens`.
        """
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(well_formed(texts))]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given.

        Texts longer than the model's window (256 tokens) are cut at the end; the chunker never makes one.

        Returns: float32 array of shape (len(texts), dimensions), rows of length 1.
        Raises: ModelError if the runtime fails.
        Source: mean pooling as in Reimers & Gurevych 2019, section 3.
        """
        vectors = np.empty((len(texts), self._dimensions), np.float32)
        for start in range(0, len(texts), WINDOW):
            tokens = self._tokenise(texts[start : start + WINDOW])
            for rows in length_sorted_batches([len(ids) for ids in tokens]):
                vectors[start + rows] = self._infer([tokens[row] for row in rows])
        return vectors

    def _tokenise(self, texts: Sequence[str]) -> list[npt.NDArray[np.int32]]:
        limit = self._max_tokens
        found = (encoding.ids for encoding in self._tokenizer.encode_batch_fast(well_formed(texts)))
        # A cut text keeps its last token, the separator that the model saw at every end in training.
        return [
            np.array(ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]], np.int32) for ids in found
        ]

    def _infer(self, tokens: Sequence[npt.NDArray[np.int32]]) -> Vectors:
        ids, mask = pad(tokens)
        with self._lock:
            try:
                return np.array(self._request.infer([ids, mask], share_inputs=True)[0])
            except RuntimeError as error:
                raise ModelError(f"OpenVINO failed while embedding: {error}") from error


def length_sorted_batches(lengths: Sequence[int]) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the row numbers of each batch: longest first, at most BATCH_TOKENS after padding.

    The largest batch comes first, so memory does not creep up, and a lack of it shows at once.
    """
    order = np.argsort(-np.array(lengths, np.int64), kind="stable")
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, BATCH_TOKENS // padded_length(lengths[order[start]]))]
        yield rows
        start += len(rows)


def pad(tokens: Sequence[npt.NDArray[np.int32]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return token ids and mask, both of shape (len(tokens), longest length in steps of LENGTH_STEP)."""
    width = padded_length(max(len(ids) for ids in tokens))
    padded = np.zeros((len(tokens), width), np.int32)
    mask = np.zeros((len(tokens), width), np.float32)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return padded, mask


def padded_length(length: int) -> int:
    """Return `length` rounded up to a multiple of LENGTH_STEP."""
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def _max_tokens(folder: Path) -> int:
    own = folder / "sentence_bert_config.json"
    limit = read_json(own).get("max_seq_length") if own.exists() else None
    return int(limit or read_json(folder / "config.json")["max_position_embeddings"])


def _pooling(folder: Path) -> Pooling:
    path = folder / "1_Pooling" / "config.json"
    chosen = [key for key, value in read_json(path).items() if key.startswith("pooling_mode_") and value]
    if chosen == ["pooling_mode_mean_tokens"]:
        return "mean"
    if chosen == ["pooling_mode_cls_token"]:
        return "cls"
    raise ModelError(f"{path} asks for {', '.join(chosen) or 'no pooling'}; mean or cls is supported")
