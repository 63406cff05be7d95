"""The benchmark of answers: a system that is right, one that invents and one that always refuses are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.answers import Asked
from benchmarks.figures import Figure

from benchmarks import answers
from ragraft.systems import Workbench
from ragraft.types import (
    Answer,
    Check,
    Chunk,
    Citation,
    Evidence,
    Passage,
    Prompt,
    Question,
    SystemCard,
    Usage,
)

TEXTS = {
    "hotel.md": "Prices of 2026. A room in Kassel may cost at most EUR 135. Breakfast is included.",
    "desk.md": "The travel desk opens at eight. It is closed on Sunday.",
}
HOTEL = Question(
    "q1", "What may a room cost?", "EUR 135", ("135",), (Evidence("hotel.md", "at most EUR 135"),), "number"
)
DESK = Question(
    "q2", "When does the desk open?", "at eight", (), (Evidence("desk.md", "opens at eight"),), "fact"
)
WIFI = Question("q3", "What is the Wi-Fi password?", "", (), (), "unanswerable")
CUP = Question("q4", "Who won the cup?", "", (), (), "unanswerable")

PROMPT = Prompt((), (), (), 0, 0)
REFUSAL = Answer(
    "I do not know.", True, "no", (), (), (), PROMPT, Usage(0, 0), SystemCard("x", "rag", "x", ""), {}
)


def cited(document: str, quote: str, marker: int = 1) -> Citation:
    """Return a citation of a stretch of one of the texts."""
    start = TEXTS[document].index(quote)
    passage = Passage(
        Chunk(0, len(TEXTS[document]), TEXTS[document]),
        document,
        document,
        1,
        1.0,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Citation(marker, quote, passage, start, start + len(quote), quote)


def answered(question: Question, text: str, *citations: Citation, confidence: float | None = None) -> Asked:
    answer = replace(REFUSAL, text=text, refused=False, citations=citations, confidence=confidence)
    return Asked(question, answer)


RIGHT = [
    answered(
        HOTEL, "It may cost EUR 135. [1]", cited("hotel.md", "A room in Kassel may cost at most EUR 135.")
    ),
    answered(DESK, "It opens at eight. [1]", cited("desk.md", "The travel desk opens at eight.")),
    Asked(WIFI, REFUSAL),
    Asked(CUP, REFUSAL),
]
INVENTED = [
    answered(one, "Bananas are free. [7]", cited("hotel.md", "Breakfast is included."))
    for one in (HOTEL, DESK, WIFI, CUP)
]
REFUSED = [Asked(one, REFUSAL) for one in (HOTEL, DESK, WIFI, CUP)]


def figures_of(asked: list[Asked]) -> dict[str, Figure]:
    found = answers._figures("planted", asked, TEXTS, judged=True)
    return {figure.name.removeprefix("planted: "): figure for figure in found}


@pytest.mark.parametrize(
    ("name", "right", "invented", "refused"),
    [
        ("right", 1.0, 0.0, 0.0),
        ("right among answered", 1.0, 0.0, 0.0),
        ("citation precision", 1.0, 0.0, 0.0),
        ("citation recall", 1.0, 0.0, 0.0),
        ("invented citations shown", 0, 4, 0),
        ("unanswerable refused", 1.0, 0.0, 1.0),
        ("answerable refused", 0.0, 0.0, 1.0),
    ],
)
def test_a_right_system_one_that_invents_and_one_that_refuses(
    name: str, right: float, invented: float, refused: float
) -> None:
    found = [figures_of(asked)[name].value for asked in (RIGHT, INVENTED, REFUSED)]
    assert found == [right, invented, refused]


def test_a_system_that_invents_misses_the_targets() -> None:
    found = figures_of(INVENTED)
    assert {name for name, figure in found.items() if figure.met is False} == {
        "invented citations shown",
        "unanswerable refused",
    }


def test_a_system_that_always_refuses_misses_the_bound_on_wrong_refusals() -> None:
    assert [name for name, figure in figures_of(REFUSED).items() if figure.met is False] == [
        "answerable refused"
    ]


def test_only_sentences_that_are_shown_unsupported_are_counted() -> None:
    checks = [
        Check("Bananas are free.", support, "", 0.1, (), repaired=False, shown=shown)
        for support, shown in (
            ("not_found", True),
            ("contradicted", False),
            ("supported", True),
            ("no_claim", True),
        )
    ]
    one = Asked(HOTEL, replace(RIGHT[0].answer, checks=tuple(checks)))
    assert figures_of([one, *RIGHT[1:]])["unsupported sentences shown"].value == 1


def test_a_citation_of_another_place_of_the_right_document_does_not_fit() -> None:
    wrong = answered(HOTEL, "It may cost EUR 135. [1]", cited("hotel.md", "Prices of 2026."))
    assert figures_of([wrong, *RIGHT[1:]])["citation precision"].value == 0.5


def test_every_citation_of_an_unanswerable_question_is_wrong() -> None:
    told = answered(WIFI, "It is eight. [1]", cited("desk.md", "The travel desk opens at eight."))
    assert figures_of([*RIGHT[:2], told, RIGHT[3]])["citation precision"].value == pytest.approx(2 / 3)


def test_confidence_that_knows_the_wrong_answers_makes_the_first_half_right() -> None:
    asked = [
        answered(HOTEL, "EUR 135", confidence=0.9),
        answered(DESK, "at eight", confidence=0.8),
        answered(WIFI, "Bananas.", confidence=0.2),
        answered(CUP, "Bananas.", confidence=0.1),
    ]
    curve = figures_of(asked)["wrong at half coverage"]
    assert (curve.value, curve.reference_value) == (0.0, 0.5)


def test_what_was_answered_wrongly_is_listed_for_reading() -> None:
    listed = answers._missed([RIGHT[0], *INVENTED[1:]])
    assert [line.partition(":")[0] for line in listed] == ["q2", "q3", "q4"]


@pytest.fixture
def written(
    tmp_path: Path,
    small_library: Callable[..., AbstractContextManager[Workbench]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two documents and four questions in place of those that the benchmark asks."""
    (tmp_path / "documents").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    rows = [
        {
            "id": one.id,
            "question": one.text,
            "answer": one.expected,
            "evidence": [{"document": each.document, "quote": each.quote} for each in one.evidence],
        }
        for one in (HOTEL, DESK, WIFI, CUP)
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(answers, "PLACES", {"written": (tmp_path / "documents", file)})
    monkeypatch.setattr(answers, "new_library", small_library)


@pytest.mark.usefixtures("written")
def test_a_small_run_asks_three_systems_and_judges_two() -> None:
    report = answers.measure()
    names = {figure.name for figure in report.figures}
    systems = ("quotation alone", "default", "draft unchecked")
    assert {f"written, {system}: right" for system in systems} <= names
    judged = {name.partition(":")[0] for name in names if name.endswith("citation precision")}
    assert judged == {"written, quotation alone", "written, default"}
    assert all(0 <= figure.value <= 1 for figure in report.figures if "shown" not in figure.name)
    assert set(report.detail) == {f"written, {system}: missed" for system in systems}


@pytest.mark.usefixtures("written")
def test_a_run_without_a_model_asks_for_quotations_alone() -> None:
    report = answers.measure(questions=2, model=False)
    assert {figure.name.partition(":")[0] for figure in report.figures} == {"written, quotation alone"}
