from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragraft.errors import ModelError
from ragraft.models.encoders import LocalReranker, OpenVinoEmbedder
from ragraft.models.files import embedder_folder
from ragraft.models.tokens import load_tokenizer
from tiny_bert import POSITIONS, reference_score, reference_vector, write_bert

TEXTS = [
    "How long do refunds take?",
    "Refunds take thirty days.",
    "",
    "Übergrößen & 漢字",
    "the cat ran " * 90,
]


@pytest.fixture(scope="module")
def minilm() -> OpenVinoEmbedder:
    return OpenVinoEmbedder(embedder_folder())


@pytest.mark.parametrize("text", TEXTS)
def test_minilm_is_the_reference_within_one_in_ten_thousand(minilm: OpenVinoEmbedder, text: str) -> None:
    folder = embedder_folder()
    ids = load_tokenizer(folder / "tokenizer.json").encode(text).ids
    cut = [*ids[:255], ids[-1]] if len(ids) > 256 else ids
    assert minilm.embed([text])[0] @ reference_vector(folder, cut) >= 0.9999


def test_minilm_is_what_its_card_says(minilm: OpenVinoEmbedder) -> None:
    assert (minilm.dimensions, minilm.max_tokens) == (384, 256)


def test_the_count_has_the_two_special_tokens(minilm: OpenVinoEmbedder) -> None:
    assert minilm.count_tokens(["", "refunds", "refunds take thirty days"]) == [2, 4, 7]


def test_the_count_of_a_long_text_is_not_cut(minilm: OpenVinoEmbedder) -> None:
    assert minilm.count_tokens(["cat " * 1000]) == [1002]


def test_the_name_tells_the_weights_apart(tmp_path: Path) -> None:
    one, other = (OpenVinoEmbedder(write_bert(tmp_path / str(seed)), name="tiny").name for seed in (1, 1))
    different = OpenVinoEmbedder(write_bert(tmp_path / "2", seed=2), name="tiny").name
    assert one == other != different


def test_the_window_of_the_folder_is_kept(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}))
    embedder = OpenVinoEmbedder(folder)
    long, cut = embedder.embed(["cat " * 50, "cat " * 18])
    assert (embedder.max_tokens, long @ cut) == (20, pytest.approx(1, abs=1e-3))


def test_without_one_the_window_is_the_table_of_positions(tmp_path: Path) -> None:
    assert OpenVinoEmbedder(write_bert(tmp_path)).max_tokens == POSITIONS


def test_the_pooling_that_the_folder_asks_for_is_used(tmp_path: Path) -> None:
    folder = write_bert(tmp_path, pooling="cls")
    ids = load_tokenizer(folder / "tokenizer.json").encode("the cat ran home").ids
    vector = OpenVinoEmbedder(folder).embed(["the cat ran home"])[0]
    assert vector @ reference_vector(folder, ids, pooling="cls") == pytest.approx(1, abs=1e-3)


def test_a_pooling_that_is_not_supported_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pooling_mode_max_tokens"):
        OpenVinoEmbedder(write_bert(tmp_path, pooling="max_tokens"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        OpenVinoEmbedder(tmp_path)


def test_more_texts_than_one_window_of_sorting_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = OpenVinoEmbedder(write_bert(tmp_path))
    texts = [" ".join(["cat"] * (1 + n * 7 % 23)) for n in range(50)]
    at_once = embedder.embed(texts)
    monkeypatch.setattr("ragraft.models.encoders.WINDOW", 7)
    assert (embedder.embed(texts) * at_once).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_the_reranker_is_the_reference(tmp_path: Path) -> None:
    folder = write_bert(tmp_path, labels=1)
    pairs = [("how long do refunds take?", "refunds take thirty days."), ("the cat", "a dog ran home " * 5)]
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    encoded = [tokenizer.encode(*pair) for pair in pairs]
    expected = [reference_score(folder, pair.ids, pair.type_ids) for pair in encoded]
    reranker = LocalReranker(folder)
    assert [reranker.rerank(*(pair[0], [pair[1]]))[0] for pair in pairs] == pytest.approx(expected, abs=0.03)


def test_a_pair_too_long_loses_the_end_of_the_passage(tmp_path: Path) -> None:
    reranker = LocalReranker(write_bert(tmp_path, labels=1))
    longer, cut = reranker.rerank("how long", ["cat " * 200, "cat " * (POSITIONS - 5)])
    assert longer == pytest.approx(cut, abs=1e-6)


def test_the_rerankers_name_tells_the_weights_apart(tmp_path: Path) -> None:
    one, other = (
        LocalReranker(write_bert(tmp_path / str(n), labels=1, seed=n), name="tiny").name for n in (1, 2)
    )
    assert one != other
