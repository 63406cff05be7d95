"""What every reranker must do, whichever it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from model_server import model_server
from ragraft.models.encoders import LocalReranker
from ragraft.models.endpoint import EndpointReranker
from ragraft.models.fake import FakeReranker
from ragraft.models.files import embedder_folder
from ragraft.models.reader import LocalReader
from ragraft.protocols import Reranker
from tiny_bert import write_bert

QUERY = "how long do refunds take?"
TEXTS = ["a dog ran home.", "refunds take thirty days.", "orders ship in three days.", "the cat"]


@pytest.fixture(scope="module", params=["fake", "local", "reader", "endpoint"])
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reranker]:
    if request.param == "fake":
        yield FakeReranker()
    elif request.param == "local":
        yield LocalReranker(write_bert(tmp_path_factory.mktemp("reranker"), labels=1))
    elif request.param == "reader":
        yield LocalReader(embedder_folder())
    else:
        with model_server() as server:
            yield EndpointReranker(url=server.url, name="served")


def test_each_text_gets_a_finite_score(reranker: Reranker) -> None:
    scores = reranker.rerank(QUERY, TEXTS)
    assert len(scores) == len(TEXTS) and all(math.isfinite(score) for score in scores)


def test_scores_come_in_the_order_of_the_texts(reranker: Reranker) -> None:
    apart = [reranker.rerank(QUERY, [text])[0] for text in TEXTS]
    assert reranker.rerank(QUERY, TEXTS) == pytest.approx(apart, abs=0.02)


def test_texts_get_different_scores(reranker: Reranker) -> None:
    assert len(set(reranker.rerank(QUERY, TEXTS))) > 1


def test_no_texts_get_no_scores(reranker: Reranker) -> None:
    assert reranker.rerank(QUERY, []) == []


def test_a_text_longer_than_the_window_is_scored(reranker: Reranker) -> None:
    assert math.isfinite(reranker.rerank(QUERY, ["refunds take thirty days " * 500])[0])


def test_an_empty_query_and_an_empty_text_are_scored(reranker: Reranker) -> None:
    assert math.isfinite(reranker.rerank("", [""])[0])


def test_text_that_is_not_valid_unicode_is_scored(reranker: Reranker) -> None:
    assert math.isfinite(reranker.rerank("a lone \udcff", ["\udcff"])[0])


def test_it_has_a_name(reranker: Reranker) -> None:
    assert reranker.name
