"""The reader: does a passage bear on a question, does it answer it, and in which words.

A BERT cross-encoder with three heads, on the CPU. What ships is a small delta over a packaged encoder
(reader.safetensors): for most matrices the difference to the packaged one in 4 bits, for the rest in
float16. It is made by training/reader/ and added to the packaged weights each time a reader is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.models.bert import build_reader, read_encoder
from ragraft.models.files import fingerprint, require_engine
from ragraft.models.network import Network
from ragraft.models.tokens import load_tokenizer, well_formed
from ragraft.types import Reading

if TYPE_CHECKING:
    import openvino
    from tokenizers import Encoding

__all__ = [
    "DELTA",
    "GROUP",
    "LocalReader",
    "base_fingerprint",
    "best_span",
    "merge",
    "reader_card",
]

DELTA = Path(__file__).with_name("reader.safetensors")
GROUP = 128
"""How many neighbours of a row share one scale of their 4-bit differences."""

WINDOW = 256
"""Tokens of question and passage together that are read at a time; the reader was trained on no more."""
QUESTION_TOKENS = 64
OVERLAP = 64
MAX_ANSWER_TOKENS = 60

Floats = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one text's tokens, as it is read together with the question."""

    text: int
    first: int
    ids: Tokens
    types: Tokens


class LocalReader:
    """The reader over a packaged encoder; also fits the Reranker seam. Threads may share one."""

    def __init__(
        self, folder: Path, *, delta: Path | None = None, name: str = "", threads: int | None = None
    ) -> None:
        """Merge the delta into the weights in `folder` and compile the graph.

        `delta` defaults to the one that ships; `threads` to the processors this process may use.

        Raises: ModelError if the delta was made for other weights; MissingExtraError without OpenVINO.
        """
        require_engine("openvino", "safetensors", needed_for="the reader")
        delta = delta or DELTA
        self._name = f"{name or 'reader'}@{base_fingerprint(folder)}-{fingerprint([delta])}"
        self._card = reader_card(delta)
        self._answerable = [float(weight) for weight in self._card["answerable"]]
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        self._network = Network(_build_graph(folder, delta), threads=threads)

    @property
    def name(self) -> str:
        return self._name

    @property
    def card(self) -> dict[str, Any]:
        """What the delta says of itself: base, seed, sets it was trained on, figures."""
        return self._card

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return the logit of relevance for each text, in the order given.

        Raises: ModelError if the runtime fails.
        """
        return [_logit(reading.relevance) for reading in self.read(query, texts)]

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """Return what the reader makes of each text, in the order given.

        `span_score` is the probability of the span, given that the text holds an answer; there is a span,
        however unlikely, unless the text has no words. A text too long for one window is read in several
        that overlap: it is as relevant as the most relevant of them, and the one that is most likely to
        hold the answer gives the rest.

        Raises: ModelError if the runtime fails.
        """
        asked = self._encode([question])[0].ids[:QUESTION_TOKENS]
        found = self._encode(texts)
        windows = [
            window for number, text in enumerate(found) for window in self._windows(asked, text, number)
        ]
        outputs = self._network.run([one.ids for one in windows], [one.types for one in windows])
        readings: list[list[Reading]] = [[] for _ in texts]
        for window, output in zip(windows, outputs, strict=True):
            readings[window.text].append(self._reading(window, output, found[window.text]))
        return [_together(of_text) for of_text in readings]

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        # The faster encode_batch_fast would leave the offsets out.
        return self._tokenizer.encode_batch(well_formed(texts), add_special_tokens=False)

    def _windows(self, question: list[int], text: Encoding, number: int) -> list[Window]:
        first_mark, mark = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        head = [first_mark, *question, mark]
        room = WINDOW - len(head) - 1
        windows = []
        for first in _window_starts(len(text.ids), room):
            part = [*text.ids[first : first + room], mark]
            types = np.repeat(np.array([0, 1], np.int32), [len(head), len(part)])
            windows.append(Window(number, first, np.array([*head, *part], np.int32), types))
        return windows

    def _reading(self, window: Window, output: Floats, text: Encoding) -> Reading:
        relevant, judged = output[:2]
        logits = output[2:].reshape(2, WINDOW)
        second = len(window.types) - int(window.types.sum())
        starts, ends = logits[:, second : len(window.ids) - 1]
        if not len(starts):
            return Reading(_probability(relevant), 0.0, 0, 0, 0.0)
        first, last, score = best_span(starts, ends)
        # Whether there is an answer shows in two ways: what [CLS] says, and how far the span is ahead of "none".
        by_judge, by_span, shift = self._answerable
        answerable = by_judge * judged + by_span * (score - logits[:, 0].sum()) + shift
        start, end = _characters(text, window.first + first, window.first + last)
        chance = math.exp(min(0.0, score - _log_sum(starts) - _log_sum(ends)))
        return Reading(_probability(relevant), _probability(answerable), start, end, chance)


def best_span(starts: Floats, ends: Floats) -> tuple[int, int, float]:
    """Return the first and last token of the best span, and its score: the sum of its two logits.

    Both arrays hold one logit per token of the passage. A span has at most MAX_ANSWER_TOKENS.
    """
    sums = starts[:, None] + ends[None, :]
    lengths = np.arange(len(ends))[None, :] - np.arange(len(starts))[:, None]
    sums[(lengths < 0) | (lengths >= MAX_ANSWER_TOKENS)] = -np.inf
    first, last = divmod(int(np.argmax(sums)), len(ends))
    return first, last, float(sums[first, last])


def base_fingerprint(folder: Path) -> str:
    """Return what identifies the encoder that a delta is made for.

    Raises: ModelError if a file is missing.
    """
    return fingerprint([folder / "tokenizer.json", folder / "model.safetensors"])


def reader_card(delta: Path = DELTA) -> dict[str, Any]:
    """Return what the delta says of itself: base, seed, sets it was trained on, figures.

    Raises: ModelError if it is missing or no delta of a reader.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(delta, framework="numpy") as file:
            card = json.loads((file.metadata() or {})["reader"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelError(
            f"the reader {delta} cannot be read: {error}", hint="reinstall ragraft, or name another delta"
        ) from error
    return dict(card)


def merge(base: Mapping[str, Floats], delta: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
    """Return the reader's weights: the base's, and the delta's differences added to them.

    The delta holds, for a matrix M of the base, `M.bits` (uint8, two differences in each) and `M.scales`
    (float16, one per GROUP of a row); any other name is a float16 difference to the base, or if the base
    has no such name, a weight of a head.
    """
    merged = dict(base)
    for name, array in delta.items():
        if name.endswith(".bits"):
            name = name.removesuffix(".bits")
            merged[name] = merged[name] + _from_bits(array, delta[f"{name}.scales"])
        elif not name.endswith(".scales"):
            merged[name] = array.astype(np.float32) + (base[name] if name in base else np.float32(0))
    return merged


def _from_bits(bits: npt.NDArray[np.uint8], scales: npt.NDArray[np.float16]) -> Floats:
    """Return the differences: each is its 4 bits, less 8, times the scale of its group."""
    levels = np.stack([bits & 15, bits >> 4], axis=-1).astype(np.float32) - 8
    groups = levels.reshape(len(bits), scales.shape[1], -1) * scales.astype(np.float32)[..., None]
    return groups.reshape(len(bits), -1)


def _build_graph(folder: Path, delta: Path) -> openvino.Model:
    from safetensors.numpy import load_file

    made_for, found = reader_card(delta)["base"], base_fingerprint(folder)
    if made_for != found:
        raise ModelError(
            f"the reader was made for other weights ({made_for}) than those in {folder} ({found})",
            hint="install the version of the weights that the extra `weights` names, or train a reader on yours",
        )
    shape, base = read_encoder(folder)
    return build_reader(shape, merge(base, load_file(delta)), window=WINDOW)


def _window_starts(length: int, room: int) -> list[int]:
    """Return where windows of `room` tokens start, evenly spread, overlapping by OVERLAP or more."""
    if length <= room:
        return [0]
    count = math.ceil((length - OVERLAP) / (room - OVERLAP))
    return [round(number * (length - room) / (count - 1)) for number in range(count)]


def _characters(text: Encoding, first: int, last: int) -> tuple[int, int]:
    """Return the characters of tokens `first` to `last`, and of the words that they cut."""
    words = text.word_ids
    while first > 0 and words[first - 1] == words[first]:
        first -= 1
    while last + 1 < len(words) and words[last + 1] == words[last]:
        last += 1
    return text.offsets[first][0], text.offsets[last][1]


def _together(windows: Sequence[Reading]) -> Reading:
    best = max(windows, key=lambda window: window.answerable)
    relevance = max(window.relevance for window in windows)
    return Reading(relevance, best.answerable, best.start, best.end, best.span_score)


def _log_sum(logits: Floats) -> float:
    highest = float(logits.max())
    return highest + math.log(float(np.exp(logits - highest).sum()))


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, float(logit)))))


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
