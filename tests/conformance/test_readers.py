"""What every reader must do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragraft.models.fake import FakeReader
from ragraft.models.files import embedder_folder
from ragraft.models.reader import LocalReader
from ragraft.protocols import Reader
from ragraft.types import Reading

QUESTION = "how long do refunds take?"
ANSWER = "refunds take thirty days."
TEXTS = ["a dog ran home.", ANSWER, "orders ship in three days.", "the cat"]
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
    "refunds take thirty days. " * 400,
    "refund" * 2000,
]


@pytest.fixture(scope="module", params=["fake", "local"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    if request.param == "fake":
        yield FakeReader()
    else:
        yield LocalReader(embedder_folder())


def sound(reading: Reading, text: str) -> bool:
    """Return whether a reading is one of this text: probabilities, and a span within it or none."""
    chances = (reading.relevance, reading.answerable, reading.span_score)
    spans = (reading.start, reading.end) == (0, 0) or 0 <= reading.start < reading.end <= len(text)
    return spans and all(0 <= chance <= 1 for chance in chances)


def test_each_text_gets_a_sound_reading(reader: Reader) -> None:
    readings = reader.read(QUESTION, TEXTS)
    assert len(readings) == len(TEXTS)
    assert all(sound(reading, text) for reading, text in zip(readings, TEXTS, strict=True))


def test_readings_come_in_the_order_of_the_texts(reader: Reader) -> None:
    together = reader.read(QUESTION, TEXTS)
    apart = [reader.read(QUESTION, [text])[0] for text in TEXTS]
    for one, other in zip(together, apart, strict=True):
        assert one.relevance == pytest.approx(other.relevance, abs=0.05)
        assert one.answerable == pytest.approx(other.answerable, abs=0.05)


def test_the_text_with_the_answer_is_the_likeliest_to_answer(reader: Reader) -> None:
    readings = reader.read(QUESTION, TEXTS)
    best = max(zip(readings, TEXTS, strict=True), key=lambda pair: pair[0].answerable)
    assert best[1] == ANSWER


def test_the_span_lies_where_the_answer_stands(reader: Reader) -> None:
    text = f"a dog ran home. {ANSWER} the cat sat."
    (reading,) = reader.read(QUESTION, [text])
    place = text.index(ANSWER)
    assert reading.start < place + len(ANSWER)
    assert reading.end > place


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_read(reader: Reader, text: str) -> None:
    (reading,) = reader.read(QUESTION, [text])
    assert sound(reading, text)


@pytest.mark.parametrize("question", HOSTILE)
def test_any_question_is_read(reader: Reader, question: str) -> None:
    (reading,) = reader.read(question, [ANSWER])
    assert sound(reading, ANSWER)


def test_the_span_never_lies_in_the_question(reader: Reader) -> None:
    (reading,) = reader.read(ANSWER, ["the cat"])
    assert sound(reading, "the cat")


def test_no_texts_get_no_readings(reader: Reader) -> None:
    assert reader.read(QUESTION, []) == []


def test_reading_twice_gives_the_same(reader: Reader) -> None:
    assert reader.read(QUESTION, TEXTS) == reader.read(QUESTION, TEXTS)


def test_it_has_a_name(reader: Reader) -> None:
    assert reader.name
