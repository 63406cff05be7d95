from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file, save_file

from ragraft.errors import ModelError
from ragraft.models import reader as module
from ragraft.models.files import embedder_folder
from ragraft.models.reader import (
    DELTA,
    MAX_ANSWER_TOKENS,
    LocalReader,
    base_fingerprint,
    best_span,
    merge,
    reader_card,
)
from ragraft.models.tokens import load_tokenizer
from tiny_bert import HIDDEN, last_hidden_states, write_bert

QUESTION = "how long do refunds take?"
TEXTS = ["refunds take thirty days.", "the cat ran home, in three days", "orders ship"]
MATRIX = "encoder.layer.1.output.dense.weight"
BIAS = "encoder.layer.1.output.dense.bias"

Weights = dict[str, npt.NDArray[Any]]


def write_delta(folder: Path, path: Path, *, seed: int = 1, **card: Any) -> Path:
    """Write a delta over a tiny encoder: one matrix in 4 bits, one bias, random heads."""
    rng = np.random.default_rng(seed)
    base = load_file(folder / "model.safetensors")
    rows, columns = base[MATRIX].shape
    delta: Weights = {
        f"{MATRIX}.bits": rng.integers(0, 256, (rows, columns // 2)).astype(np.uint8),
        f"{MATRIX}.scales": rng.uniform(0.01, 0.05, (rows, 2)).astype(np.float16),
        BIAS: rng.normal(0, 0.1, rows).astype(np.float16),
    }
    for name, width in (("pooler", HIDDEN), ("judge", 2), ("span", 2)):
        delta[f"reader.{name}.weight"] = rng.normal(0, 0.3, (width, HIDDEN)).astype(np.float16)
        delta[f"reader.{name}.bias"] = rng.normal(0, 0.3, width).astype(np.float16)
    known = {"base": base_fingerprint(folder), "answerable": [1.0, 0.1, 0.2], **card}
    save_file(delta, path, metadata={"reader": json.dumps(known)})
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = write_bert(tmp_path_factory.mktemp("bert"))
    return folder, write_delta(folder, folder / "delta.safetensors")


@pytest.fixture(scope="module")
def reader(tiny: tuple[Path, Path]) -> LocalReader:
    return LocalReader(tiny[0], delta=tiny[1])


@pytest.fixture(scope="module")
def shipped() -> LocalReader:
    return LocalReader(embedder_folder())


def logits(tiny: tuple[Path, Path], folder: Path, question: str, text: str) -> tuple[Any, Any, int]:
    """Return what plain numpy makes of one pair: logits (2,) and (L, 2), and where the text begins."""
    shutil.copytree(tiny[0], folder)
    weights = merge(load_file(tiny[0] / "model.safetensors"), load_file(tiny[1]))
    save_file(weights, folder / "model.safetensors")
    pair = load_tokenizer(folder / "tokenizer.json").encode(question, text)
    hidden = last_hidden_states(folder, pair.ids, pair.type_ids)
    pooled = np.tanh(hidden[0] @ weights["reader.pooler.weight"].T + weights["reader.pooler.bias"])
    judged = pooled @ weights["reader.judge.weight"].T + weights["reader.judge.bias"]
    spans = hidden @ weights["reader.span.weight"].T + weights["reader.span.bias"]
    return judged, spans, pair.type_ids.index(1)


def test_relevance_is_the_reference(tiny: tuple[Path, Path], reader: LocalReader, tmp_path: Path) -> None:
    judged, _, _ = logits(tiny, tmp_path / "merged", QUESTION, TEXTS[0])
    assert reader.rerank(QUESTION, TEXTS[:1]) == pytest.approx([judged[0]], abs=0.03)


def test_answerable_joins_the_judge_and_the_lead_of_the_span(
    tiny: tuple[Path, Path], reader: LocalReader, tmp_path: Path
) -> None:
    judged, spans, second = logits(tiny, tmp_path / "merged", QUESTION, TEXTS[0])
    _, _, score = best_span(*spans[second:-1].T)
    expected = 1 / (1 + np.exp(-(judged[1] + 0.1 * (score - spans[0].sum()) + 0.2)))
    assert reader.read(QUESTION, TEXTS[:1])[0].answerable == pytest.approx(expected, abs=0.01)


def test_the_span_is_that_of_the_reference(
    tiny: tuple[Path, Path], reader: LocalReader, tmp_path: Path
) -> None:
    _, spans, second = logits(tiny, tmp_path / "merged", QUESTION, TEXTS[0])
    first, last, _ = best_span(*spans[second:-1].T)
    words = ["refunds", "take", "thirty", "days", "."]
    reading = reader.read(QUESTION, TEXTS[:1])[0]
    assert (
        TEXTS[0][reading.start : reading.end].split()
        == " ".join(words[first : last + 1]).replace(" .", ".").split()
    )


def test_texts_keep_their_order(reader: LocalReader) -> None:
    apart = [reader.read(QUESTION, [text])[0].relevance for text in TEXTS]
    assert [reading.relevance for reading in reader.read(QUESTION, TEXTS)] == pytest.approx(apart, abs=0.01)


def test_no_texts_have_no_readings(reader: LocalReader) -> None:
    assert reader.read(QUESTION, []) == []


def test_a_text_without_words_has_no_span(reader: LocalReader) -> None:
    reading = reader.read(QUESTION, [" "])[0]
    assert (reading.start, reading.end, reading.answerable, reading.span_score) == (0, 0, 0.0, 0.0)


def test_a_span_never_cuts_a_word(reader: LocalReader) -> None:
    text = "the dogs ran"
    reading = reader.read("dogs", [text])[0]
    assert reading.start in (0, 4, 9)
    assert reading.end in (3, 8, 12)


def test_a_lone_surrogate_is_read_over(reader: LocalReader) -> None:
    assert reader.read("how \udc80", ["the cat \udc80 ran"])[0].end <= 13


@pytest.fixture
def narrow(tiny: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> LocalReader:
    """A reader that sees 32 tokens at a time: the question's 6, three marks, 23 of the text."""
    monkeypatch.setattr(module, "WINDOW", 32)
    monkeypatch.setattr(module, "OVERLAP", 8)
    return LocalReader(tiny[0], delta=tiny[1])


WORDS = ("a dog ran home in three days , the cat do long orders ship refunds take thirty . " * 2).split()


def windows_of(words: list[str]) -> list[str]:
    return [" ".join(words[first : first + 23]) for first in module._window_starts(len(words), 23)]


def test_a_long_text_is_as_relevant_as_its_most_relevant_window(narrow: LocalReader) -> None:
    parts = narrow.read(QUESTION, windows_of(WORDS))
    whole = narrow.read(QUESTION, [" ".join(WORDS)])[0]
    assert (len(parts) > 1, whole.relevance) == (
        True,
        pytest.approx(max(part.relevance for part in parts), abs=0.01),
    )


def test_the_span_of_a_long_text_is_that_of_the_window_that_answers_best(narrow: LocalReader) -> None:
    text, texts = " ".join(WORDS), windows_of(WORDS)
    parts = narrow.read(QUESTION, texts)
    best = max(range(len(parts)), key=lambda at: parts[at].answerable)
    whole = narrow.read(QUESTION, [text])[0]
    assert text[whole.start : whole.end] == texts[best][parts[best].start : parts[best].end]


def test_another_encoder_than_the_one_it_was_made_for_is_refused(
    tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    other = write_bert(tmp_path / "other", seed=5)
    with pytest.raises(ModelError, match="made for other weights") as caught:
        LocalReader(other, delta=tiny[1])
    assert "weights" in str(caught.value.hint)


def test_a_file_that_is_no_reader_is_named(tiny: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        LocalReader(tiny[0], delta=tiny[0] / "model.safetensors")


def test_the_name_tells_deltas_apart(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    other = write_delta(tiny[0], tmp_path / "other.safetensors", seed=2)
    assert LocalReader(tiny[0], delta=other).name != LocalReader(tiny[0], delta=tiny[1]).name


def test_four_bits_are_a_level_less_eight_times_the_scale_of_the_group() -> None:
    bits = np.array([[0x08, 0xF9], [0x88, 0x21]], np.uint8)
    scales = np.array([[1, 2], [1, 0.5]], np.float16)
    merged = merge({"m": np.ones((2, 4), np.float32)}, {"m.bits": bits, "m.scales": scales})
    assert merged["m"].tolist() == [[1, -7, 3, 15], [1, 1, -2.5, -2]]


def test_a_plain_array_is_added_to_the_base() -> None:
    merged = merge({"b": np.array([1, 2], np.float32)}, {"b": np.array([0.5, -1], np.float16)})
    assert merged["b"].tolist() == [1.5, 1.0]


def test_an_array_that_the_base_lacks_is_a_head() -> None:
    assert merge({}, {"reader.span.bias": np.array([0.5], np.float16)})["reader.span.bias"].tolist() == [0.5]


def test_merging_leaves_the_base_as_it_was() -> None:
    base = {"b": np.array([1.0], np.float32)}
    merge(base, {"b": np.array([1.0], np.float16)})
    assert base["b"].tolist() == [1.0]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 130).flatmap(
        lambda n: arrays.arrays(np.float32, (2, n), elements=st.floats(-9, 9, width=32))
    )
)
def test_the_best_span_is_that_of_trying_all(pair: npt.NDArray[np.float32]) -> None:
    starts, ends = pair
    every = (
        starts[first] + ends[last]
        for first in range(len(starts))
        for last in range(first, min(len(starts), first + MAX_ANSWER_TOKENS))
    )
    first, last, score = best_span(starts, ends)
    assert (score, 0 <= last - first < MAX_ANSWER_TOKENS) == (pytest.approx(max(every)), True)


@pytest.mark.parametrize("length", [10, 183, 184, 300, 1000])
def test_windows_reach_every_token(length: int) -> None:
    starts = module._window_starts(length, 183)
    assert {token for first in starts for token in range(first, first + 183)} >= set(range(length))


@pytest.mark.parametrize("length", [184, 300, 1000])
def test_windows_overlap(length: int) -> None:
    starts = module._window_starts(length, 183)
    assert all(183 - (later - first) >= module.OVERLAP for first, later in pairwise(starts))


def test_importing_it_loads_no_engine() -> None:
    code = "import sys, ragraft.models.reader; print('openvino' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_shipped_delta_is_small() -> None:
    assert DELTA.stat().st_size <= 5_000_000


def test_the_shipped_delta_says_what_it_was_trained_on() -> None:
    assert set(reader_card()["trained on"]) == {
        "squad2-dev-half",
        "squadshifts-newwiki",
        "fairytaleqa",
        "timeqa-human",
    }


PASSAGE = (
    "Refunds are paid within 30 days of purchase if the receipt is shown. The warehouse in Kassel opened in "
    "1998 and employs 140 people. Returned goods must be unused."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("When did the warehouse in Kassel open?", "1998"), ("How many people work in Kassel?", "140")],
)
def test_the_shipped_reader_finds_the_span(shipped: LocalReader, question: str, answer: str) -> None:
    reading = shipped.read(question, [PASSAGE])[0]
    assert answer in PASSAGE[reading.start : reading.end]


def test_the_shipped_reader_finds_a_span_at_the_end_of_a_long_text(shipped: LocalReader) -> None:
    text = "Tools are kept in the yard behind the hall. " * 60 + PASSAGE
    reading = shipped.read("When did the warehouse in Kassel open?", [text])[0]
    assert "1998" in text[reading.start : reading.end]


def test_the_shipped_reader_ranks_what_answers_first(shipped: LocalReader) -> None:
    other = "Whales are mammals. They breathe air and feed their young with milk."
    scores = shipped.rerank("When did the warehouse in Kassel open?", [other, PASSAGE])
    assert scores[1] > scores[0]


def test_the_shipped_reader_tells_answered_from_not(shipped: LocalReader) -> None:
    asked = ["When did the warehouse in Kassel open?", "Who is the head of the warehouse in Hamburg?"]
    answered, not_answered = (shipped.read(question, [PASSAGE])[0].answerable for question in asked)
    assert answered > not_answered
