"""The reader's benchmark on a few written documents: a reader that knows is told from one that is mistaken."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.figures import Report
from benchmarks.ground import Ground, Text
from benchmarks.reader_collections import add_collection
from benchmarks.reader_handbook import add_handbook
from benchmarks.reader_left_out import Row, add_left_out, rows_of
from benchmarks.reader_measures import Read, auc, overlap
from planted import KnowingReader, MistakenReader

from benchmarks import reader_collections, reader_handbook
from ragraft.models.fake import FakeEmbedder
from ragraft.systems import Workbench
from ragraft.types import Chunk, Passage, Reading

DOCUMENTS = {
    "hotel.md": "# Hotels\n\nA room in Kassel may cost at most EUR 135.\n",
    "train.md": "# Trains\n\nThe train is booked in the second class.\n",
    "desk.md": "# Desk\n\nThe travel desk opens at eight.\n",
    "taxi.md": "# Taxis\n\nA taxi is paid after ten in the evening.\n",
}
QUOTES = {
    "hotel.md": "at most EUR 135",
    "train.md": "second class",
    "desk.md": "opens at eight",
    "taxi.md": "after ten",
}
ASKED = {
    "hotel.md": "What may a room in Kassel cost?",
    "train.md": "In which class do I book the train?",
    "desk.md": "When does the travel desk open?",
    "taxi.md": "When is a taxi paid?",
}
ANSWERS = {question: QUOTES[name] for name, question in ASKED.items()}
UNANSWERABLE = ("What is the password of the network?", "Who won the cup?")


def values(report: Report) -> dict[str, float]:
    return {figure.name: figure.value for figure in report.figures}


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with a handbook of four documents and questions about them."""
    data = tmp_path_factory.mktemp("data")
    documents, questions = data / "handbook" / "documents", data / "handbook" / "questions"
    documents.mkdir(parents=True)
    questions.mkdir()
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    rows: list[dict[str, object]] = [
        {
            "question": ASKED[name],
            "answer": quote,
            "evidence": [{"document": name, "quote": quote}],
        }
        for name, quote in QUOTES.items()
    ]
    rows += [{"question": question, "answer": ""} for question in UNANSWERABLE]
    for split in ("train", "test"):
        (questions / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data


@pytest.fixture(scope="module")
def reports(
    handbook: Path, small_library: Callable[..., AbstractContextManager[Workbench]]
) -> Mapping[str, Report]:
    """The handbook's figures of both readers."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader_handbook, "new_library", small_library)
        for kind in (KnowingReader, MistakenReader):
            reader = kind(ANSWERS)
            found[reader.name] = Report()
            add_handbook(found[reader.name], embedder=FakeEmbedder(), reader=reader, data=handbook)
    return found


@pytest.mark.parametrize(
    ("name", "mistaken"),
    [
        ("handbook test: evidence in the first 1, reader alone", 0.0),
        ("handbook train: evidence in the first 1, reader alone", 0.0),
        ("handbook test: best span is in the evidence", 0.0),
        ("handbook test: sentence of the best span is in the evidence", 0.0),
        ("handbook test: AUC of answerable, best of the first 5", 0.5),
        ("handbook test: AUC of best relevance", 0.5),
    ],
)
def test_a_reader_that_knows_gets_all_and_a_mistaken_one_nothing(
    reports: Mapping[str, Report], name: str, mistaken: float
) -> None:
    assert [values(reports[one])[name] for one in ("knowing-reader", "mistaken-reader")] == [1.0, mistaken]


def test_the_search_is_the_same_whichever_reader_reads(reports: Mapping[str, Report]) -> None:
    plain = [
        [figure.reference_value for figure in report.figures if "search" in figure.reference]
        for report in reports.values()
    ]
    assert plain[0] == plain[1]


def test_a_mistaken_reader_is_given_the_least_weight(reports: Mapping[str, Report]) -> None:
    assert reports["mistaken-reader"].settings["weight"] == 0.1


def test_every_reader_figure_but_ceilings_and_plain_ways_has_a_reference(
    reports: Mapping[str, Report],
) -> None:
    alone = {figure.name for figure in reports["knowing-reader"].figures if not figure.reference}
    assert alone == {
        "handbook test: evidence among the first 5, the most that can be",
        "handbook test: AUC of best relevance",
        "handbook test: AUC of best search score",
        "handbook test: AUC of best likeness",
    }


@pytest.mark.parametrize(("kind", "expected"), [(KnowingReader, 1.0), (MistakenReader, 0.6309)])
def test_a_collection_is_ranked_by_what_the_reader_knows(
    kind: type[KnowingReader],
    expected: float,
    small_library: Callable[..., AbstractContextManager[Workbench]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader_collections, "new_library", small_library)
    ground = Ground(
        "written",
        "en",
        tuple(Text(name, "", text) for name, text in list(DOCUMENTS.items())[:2]),
        dict(list(ASKED.items())[:2]),
        {name: {name: 1} for name in DOCUMENTS},
    )
    report = Report()
    add_collection(report, ground, weight=1.5, embedder=FakeEmbedder(), reader=kind(ANSWERS))
    # Mistaken, it puts the right one of two documents second: 1 / log2(3).
    assert values(report)["written: nDCG@10, reader alone"] == pytest.approx(expected, abs=1e-4)


ROWS = [
    Row(ASKED[name], text, (QUOTES[name],), DOCUMENTS["desk.md" if name == "taxi.md" else "taxi.md"], name)
    for name, text in DOCUMENTS.items()
]


@pytest.mark.parametrize(("kind", "expected"), [(KnowingReader, 1.0), (MistakenReader, 0.0)])
def test_a_left_out_set_tells_a_reader_that_knows_from_a_mistaken_one(
    kind: type[KnowingReader], expected: float
) -> None:
    report = Report()
    add_left_out(report, "written", ROWS, embedder=FakeEmbedder(), reader=kind(ANSWERS))
    assert values(report) == {
        "written: exact match of the span": expected,
        "written: F1 of the span": expected,
        "written: answer is in the span's sentence": expected,
        "written: AUC of answerable": expected,
        "written: AUC of relevance": expected,
    }


def test_the_passage_beside_a_left_out_row_holds_no_answer_of_it(tmp_path: Path) -> None:
    (tmp_path / "reading").mkdir()
    texts = ["The blue whale sings in May.", "The blue whale sleeps.", "A red fox sings."]
    rows = [
        {"question": "When does the blue whale sing?", "passage": texts[0], "answer": "May"},
        {"question": "What does the blue whale do?", "passage": texts[1], "answer": "sleeps"},
        {"question": "Who sings?", "passage": texts[2], "answer": "red fox", "alt_answers": ["whale"]},
    ]
    lines = [json.dumps({**row, "answerable": True, "group": "g"}) for row in rows]
    for split, text in (("dev", lines[:1]), ("train", lines[1:])):
        (tmp_path / "reading" / f"animals.{split}.jsonl").write_text("\n".join(text))
    found = rows_of("animals", limit=3, data=tmp_path)
    # Every other passage holds an answer of the third question, so it has none to stand beside its own.
    assert [(row.passage, row.other) for row in found] == [(texts[0], texts[1]), (texts[1], texts[0])]


def test_weight_0_keeps_the_search_s_order_and_no_weight_takes_the_reader_s() -> None:
    passages = [
        Passage(Chunk(0, 1, name), name, name, 1, score, datetime(2026, 1, 1, tzinfo=UTC))
        for name, score in (("a", 3.0), ("b", 2.0), ("c", 1.0))
    ]
    found = Read("?", passages, [Reading(sure, sure, 0, 1, sure) for sure in (0.2, 0.5, 0.8)])
    orders = ["".join(one.uri for one in found.order(weight)) for weight in (0.0, 0.1, 10.0, None)]
    assert orders == ["abc", "abc", "cba", "cba"]


def test_equal_scores_make_half_an_area() -> None:
    assert auc([0.5, 0.5, 0.5], [True, False, False]) == 0.5


@pytest.mark.parametrize(("span", "shares"), [((2, 2), 0.0), ((0, 2), 0.0), ((4, 9), 1.0), ((2, 3), 1.0)])
def test_spans_overlap_where_they_share_a_character(span: tuple[int, int], shares: float) -> None:
    assert overlap([span], [(2, 5)]) == shares
