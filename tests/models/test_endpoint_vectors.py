from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_server import ModelServer, answers, fails, model_server
from ragraft.errors import ModelError
from ragraft.models.endpoint import EndpointEmbedder, EndpointReranker
from ragraft.models.fake import FakeEmbedder
from tiny_bert import write_tokenizer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def embedder(server: ModelServer, **settings: Any) -> EndpointEmbedder:
    return EndpointEmbedder(**({"url": server.url, "name": "m", "first_wait": 0.001} | settings))


def reranker(server: ModelServer) -> EndpointReranker:
    return EndpointReranker(url=server.url, name="m", first_wait=0.001)


def vectors(*rows: Any) -> dict[str, Any]:
    return {"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]}


def scores(*values: Any) -> dict[str, Any]:
    return {"results": [{"index": index, "relevance_score": value} for index, value in enumerate(values)]}


def test_vectors_are_matched_by_index_and_brought_to_length_one(server: ModelServer) -> None:
    texts = ["a dog ran home", "refunds", "the cat"]
    assert embedder(server).embed(texts) == pytest.approx(FakeEmbedder().embed(texts), abs=1e-6)


def test_many_texts_go_in_batches_and_come_back_in_order(server: ModelServer) -> None:
    texts = [f"text number {number}" for number in range(70)]
    found = embedder(server).embed(texts)
    assert [len(asked.body["input"]) for asked in server.requests] == [32, 32, 6]
    assert found == pytest.approx(FakeEmbedder().embed(texts), abs=1e-6)


def test_a_batch_that_fails_is_sent_again(server: ModelServer) -> None:
    server.faults.extend([fails(429), fails(503)])
    assert embedder(server).embed(["refunds"]).shape == (1, 64)


def test_dimensions_are_asked_for_once(server: ModelServer) -> None:
    model = embedder(server)
    assert (model.dimensions, model.dimensions, len(server.requests)) == (64, 64, 1)


def test_dimensions_are_known_from_the_first_answer(server: ModelServer) -> None:
    model = embedder(server)
    model.embed(["refunds"])
    assert (model.dimensions, len(server.requests)) == (64, 1)


def test_dimensions_set_are_sent(server: ModelServer) -> None:
    assert embedder(server, dimensions=16).embed(["refunds"]).shape == (1, 16)


def test_dimensions_set_are_part_of_the_name(server: ModelServer) -> None:
    assert (embedder(server, dimensions=16).name, embedder(server).name) == ("m:16", "m")


@pytest.mark.parametrize(
    "answer",
    [
        vectors([1.0, 0.0]),  # one for two
        vectors([1.0], [1.0], [1.0]),
        vectors([1.0, 0.0], [1.0]),
        vectors([0.0, 0.0], [1.0, 0.0]),
        vectors([math.nan, 1.0], [1.0, 0.0]),
        vectors([math.inf, 1.0], [1.0, 0.0]),
        vectors(["x"], ["y"]),
        vectors(None, None),
        vectors([], []),
        vectors(1.0, 2.0),
        vectors([[1.0]], [[1.0]]),
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
        {"data": [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}]},
        {"data": [{"embedding": [1.0]}, {"embedding": [1.0]}]},
        {"data": [{"index": [0]}, {"index": {}}]},
        {"data": "x"},
        {"data": [1, 2]},
        {},
    ],
)
def test_vectors_that_cannot_be_used_are_an_error(server: ModelServer, answer: dict[str, Any]) -> None:
    server.faults.append(answers(json.dumps(answer).encode()))
    with pytest.raises(ModelError):
        embedder(server).embed(["one", "two"])


def test_vectors_of_another_length_than_set_are_an_error(server: ModelServer) -> None:
    server.faults.append(answers(vectors([1.0, 0.0, 0.0])))
    with pytest.raises(ModelError, match=r"shape \(3,\), expected \(8,\)"):
        embedder(server, dimensions=8).embed(["one"])


def test_vectors_of_another_length_than_before_are_an_error(server: ModelServer) -> None:
    model = embedder(server)
    model.embed(["one"])
    server.faults.append(answers(vectors([1.0, 0.0, 0.0])))
    with pytest.raises(ModelError, match="shape"):
        model.embed(["two"])


def test_numbers_too_large_for_float32_are_scaled_first(server: ModelServer) -> None:
    server.faults.append(answers(vectors([3e150, 4e150])))
    assert embedder(server).embed(["one"])[0] == pytest.approx([0.6, 0.8])


def test_with_a_tokenizer_the_count_is_exact(server: ModelServer, tmp_path: Path) -> None:
    model = embedder(server, tokenizer=write_tokenizer(tmp_path / "tokenizer.json"))
    assert model.count_tokens(["the cat ran", ""]) == [5, 2]


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("cat", 1), ("refunds", 2), ("a cat, ran.", 5), ("漢字", 2)]
)
def test_without_one_it_is_estimated_by_words(server: ModelServer, text: str, tokens: int) -> None:
    assert embedder(server).count_tokens([text]) == [tokens]


def test_scores_are_matched_by_index(server: ModelServer) -> None:
    answer = {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}
    server.faults.append(answers(answer))
    assert reranker(server).rerank("q", ["one", "two"]) == [0.1, 0.9]


def test_the_rerank_request_has_the_common_form(server: ModelServer) -> None:
    reranker(server).rerank("q", ["one", "two"])
    assert server.requests[0].body == {"model": "m", "query": "q", "documents": ["one", "two"]}


@pytest.mark.parametrize(
    "answer", [scores(0.5), scores(0.5, 0.5, 0.5), scores("x", 1), scores(math.nan, 1), scores(None, 1), {}]
)
def test_scores_that_cannot_be_used_are_an_error(server: ModelServer, answer: dict[str, Any]) -> None:
    server.faults.append(answers(json.dumps(answer).encode()))
    with pytest.raises(ModelError):
        reranker(server).rerank("q", ["one", "two"])


@pytest.mark.parametrize("model", [EndpointEmbedder, EndpointReranker])
def test_the_key_is_not_in_the_repr(model: Any) -> None:
    assert "secret" not in repr(vars(model(url="http://127.0.0.1:9", name="m", key="sk-secret")))
