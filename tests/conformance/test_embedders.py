"""What every embedder must do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from model_server import model_server
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.endpoint import EndpointEmbedder
from ragraft.models.fake import FakeEmbedder
from ragraft.models.files import embedder_folder
from ragraft.protocols import Embedder

TEXTS = [
    "A dog ran home.",
    "Refunds take thirty days.",
    "How long do refunds take?",
    "x" * 40,
    "übergrößen",
    ".",
]


@pytest.fixture(scope="module", params=["fake", "openvino", "endpoint"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param == "fake":
        yield FakeEmbedder()
    elif request.param == "openvino":
        yield OpenVinoEmbedder(embedder_folder())
    else:
        with model_server() as server:
            yield EndpointEmbedder(url=server.url, name="served")


def test_each_text_gets_a_float32_row_of_the_stated_dimensions(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), embedder.dimensions), np.dtype(np.float32))


def test_rows_have_length_one(embedder: Embedder) -> None:
    assert np.linalg.norm(embedder.embed(TEXTS), axis=1) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_an_empty_text_gets_a_unit_vector(embedder: Embedder) -> None:
    assert np.linalg.norm(embedder.embed([""])) == pytest.approx(1, abs=1e-5)


def test_rows_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    apart = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert (together * apart).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_a_text_gets_the_same_vector_among_many(embedder: Embedder) -> None:
    many = embedder.embed([f"{text} {number}" for number in range(30) for text in TEXTS] + TEXTS[:1])
    assert many[-1] @ embedder.embed(TEXTS[:1])[0] == pytest.approx(1, abs=1e-3)


def test_a_question_is_closest_to_its_answer(embedder: Embedder) -> None:
    dog, refunds, question = embedder.embed(TEXTS[:3])
    assert question @ refunds > question @ dog


def test_a_text_longer_than_the_window_is_cut(embedder: Embedder) -> None:
    vectors = embedder.embed(["refunds take thirty days " * 2000])
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


def test_text_that_is_not_valid_unicode_is_embedded(embedder: Embedder) -> None:
    assert np.isfinite(embedder.embed(["a lone surrogate: \udcff"])).all()


def test_each_text_is_counted(embedder: Embedder) -> None:
    counts = embedder.count_tokens(["refunds", "refunds take thirty days", ""])
    assert counts[1] > counts[0] > counts[2] >= 0


def test_counts_and_window_are_in_the_same_unit(embedder: Embedder) -> None:
    inside = " ".join(["days"] * (embedder.max_tokens // 2))
    assert 0 < embedder.count_tokens([inside])[0] <= embedder.max_tokens


def test_it_has_a_name(embedder: Embedder) -> None:
    assert embedder.name
