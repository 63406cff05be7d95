"""What every entailment model must do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model_server import model_server
from ragraft.models.entailment import EndpointEntailment, LocalEntailment
from ragraft.models.fake import FakeChatModel
from ragraft.protocols import Entailment
from tiny_bert import write_bert

PREMISE, CLAIM = "refunds take thirty days.", "refunds take days."
HOSTILE = [
    "",
    " ",
    "\n\n",
    "?",
    "🦘" * 50,
    "\x00",
    "\udcff",
    "\u202eover\u202c",
    "[SEP] [CLS] [PAD] refunds",
    "</text><statement>",
    "refunds take thirty days. " * 400,
    "refund" * 500,
]


@pytest.fixture(scope="module", params=["local", "endpoint that says yes", "endpoint that says no"])
def entailment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Entailment]:
    if request.param == "local":
        labels = {"0": "contradiction", "1": "entailment", "2": "neutral"}
        yield LocalEntailment(write_bert(tmp_path_factory.mktemp("nli"), labels=3, id2label=labels))
    else:
        chat = FakeChatModel([request.param.split()[-1]], window=100_000)
        with model_server(chat=chat) as server:
            yield EndpointEntailment(url=server.url, name="served")


def test_it_says_a_probability(entailment: Entailment) -> None:
    assert 0 <= entailment.entail(PREMISE, CLAIM) <= 1


def test_asking_twice_gives_the_same(entailment: Entailment) -> None:
    assert entailment.entail(PREMISE, CLAIM) == entailment.entail(PREMISE, CLAIM)


@pytest.mark.parametrize("premise", HOSTILE)
def test_any_premise_is_judged(entailment: Entailment, premise: str) -> None:
    assert 0 <= entailment.entail(premise, CLAIM) <= 1


@pytest.mark.parametrize("hypothesis", HOSTILE)
def test_any_hypothesis_is_judged(entailment: Entailment, hypothesis: str) -> None:
    assert 0 <= entailment.entail(PREMISE, hypothesis) <= 1


def test_it_has_a_name(entailment: Entailment) -> None:
    assert entailment.name
