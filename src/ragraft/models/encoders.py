"""The embedded embedder and reranker: BERT encoders on OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragraft.errors import ModelError
from ragraft.models.bert import Pooling, build_embedder, build_scorer, read_json
from ragraft.models.files import fingerprint, require_engine
from ragraft.models.network import Network
from ragraft.models.tokens import cut_to_limit, load_tokenizer, well_formed
from ragraft.types import Vectors

__all__ = ["LocalReranker", "OpenVinoEmbedder", "token_limit"]

# Texts that are tokenised and sorted at a time: bounds the memory for token ids.
WINDOW = 8192


class OpenVinoEmbedder:
    """A BERT sentence encoder from a sentence-transformers folder, on the CPU.

    Threads may share one.
    """

    def __init__(self, folder: Path, *, name: str = "", threads: int | None = None) -> None:
        """Load the weights and compile the graph (about 0.2 s for all-MiniLM-L6-v2).

        `name` defaults to the folder's; the fingerprint of the weights is added to it, so that an index
        knows which model made it. `threads` defaults to the processors this process may use.

        Raises: ModelError if the folder does not hold such a model; MissingExtraError without OpenVINO.
        """
        require_engine("openvino", "safetensors", needed_for="the embedded embedder")
        self._name = f"{name or folder.name}@{_fingerprint(folder)}"
        self._max_tokens = token_limit(folder)
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        self._network = Network(build_embedder(folder, pooling=_pooling(folder)), threads=threads)

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._network.width

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
        windows = [texts[start : start + WINDOW] for start in range(0, len(texts), WINDOW)]
        limit = self._max_tokens
        vectors = [
            self._network.run(cut_to_limit(self._tokenizer, window, limit=limit)) for window in windows
        ]
        return np.concatenate([np.empty((0, self.dimensions), np.float32), *vectors])


class LocalReranker:
    """A cross-encoder from a Hugging Face folder (BertForSequenceClassification), on the CPU.

    Threads may share one.
    """

    def __init__(self, folder: Path, *, name: str = "", threads: int | None = None) -> None:
        """Load the weights and compile the graph; arguments as for OpenVinoEmbedder.

        Raises: ModelError if the folder does not hold such a model; MissingExtraError without OpenVINO.
        """
        require_engine("openvino", "safetensors", needed_for="the local reranker")
        self._name = f"{name or folder.name}@{_fingerprint(folder)}"
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        # A pair too long loses tokens from its longer side, which is the passage.
        self._tokenizer.enable_truncation(_positions(folder), strategy="longest_first")
        self._network = Network(build_scorer(folder), threads=threads)

    @property
    def name(self) -> str:
        return self._name

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return the logit of relevance for each text, in the order given.

        Raises: ModelError if the runtime fails.
        """
        asked = well_formed([query])[0]
        pairs = self._tokenizer.encode_batch_fast([(asked, text) for text in well_formed(texts)])
        ids = [np.array(pair.ids, np.int32) for pair in pairs]
        types = [np.array(pair.type_ids, np.int32) for pair in pairs]
        return [float(score) for score in self._network.run(ids, types)[:, 0]]


def _fingerprint(folder: Path) -> str:
    return fingerprint([folder / name for name in ("config.json", "tokenizer.json", "model.safetensors")])


def token_limit(folder: Path) -> int:
    """Return how many tokens of a text, the two special ones included, the embedder in a folder reads."""
    own = folder / "sentence_bert_config.json"
    limit = read_json(own).get("max_seq_length") if own.exists() else None
    return int(limit or _positions(folder))


def _positions(folder: Path) -> int:
    return int(read_json(folder / "config.json").get("max_position_embeddings", 512))


def _pooling(folder: Path) -> Pooling:
    path = folder / "1_Pooling" / "config.json"
    chosen = [key for key, value in read_json(path).items() if key.startswith("pooling_mode_") and value]
    if chosen == ["pooling_mode_mean_tokens"]:
        return "mean"
    if chosen == ["pooling_mode_cls_token"]:
        return "cls"
    raise ModelError(f"{path} asks for {', '.join(chosen) or 'no pooling'}; mean or cls is supported")
