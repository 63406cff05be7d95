"""The benchmark of asking: both ways ask the same, in turn, and another answer is seen. Times are not judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from benchmarks.compare_speed import Round, figures_of, timed

from benchmarks import compare_speed
from ragraft.errors import ModelError
from ragraft.systems import Workbench
from ragraft.types import Answer, Prompt, Question, SystemCard, Usage

TEXTS = {
    "hotel.md": "A room in Kassel may cost at most EUR 135. Breakfast is included.",
    "desk.md": "The travel desk opens at eight. It is closed on Sunday.",
}


def asked(number: int) -> Question:
    return Question(f"q{number}", f"What is {number}?", str(number), (), (), "number")


class NotingSystem:
    """Notes how it is asked; fits the System seam."""

    def __init__(self, name: str, log: list[str], *, says: str = "It is so.") -> None:
        self.card = SystemCard(name, "plain", "noting", "0")
        self._log, self._says = log, says

    def answer(self, question: str, **_: Any) -> Answer:
        self._log.append(f"{self.card.name} alone: {question}")
        return Answer(self._says, False, "", (), (), (), Prompt((), (), (), 0, 0), Usage(0, 0), self.card, {})

    def answer_many(self, questions: Sequence[str], **_: Any) -> list[Answer]:
        made = [self.answer(one) for one in questions]
        del self._log[-len(questions) :]
        self._log.append(f"{self.card.name} together: {' '.join(questions)}")
        return made


def both(log: list[str], **says: str) -> list[Round]:
    first, second = ({"rag": NotingSystem(way, log, says=says.get(way, "It is so."))} for way in ("T", "A"))
    blocks = [[asked(1), asked(2)], [asked(3), asked(4)]]
    return timed(first, second, warm_up=asked(0), blocks=blocks)


def test_the_two_ways_ask_the_same_questions_and_take_turns_in_going_first() -> None:
    log: list[str] = []
    both(log)
    assert log[2:] == [
        "T together: What is 1? What is 2?",
        "A alone: What is 1?",
        "A alone: What is 2?",
        "A alone: What is 3?",
        "A alone: What is 4?",
        "T together: What is 3? What is 4?",
    ]


def test_each_system_is_asked_once_before_it_is_timed() -> None:
    log: list[str] = []
    both(log)
    assert log[:2] == ["T alone: What is 0?", "A alone: What is 0?"]


def test_texts_stand_with_the_way_that_gave_them() -> None:
    found = both([], T="Seven.", A="Eight.")
    assert {one.said_together for one in found} == {("Seven.", "Seven.")}
    assert {one.said_alone for one in found} == {("Eight.", "Eight.")}


def test_other_texts_are_not_the_same_answer() -> None:
    found = [
        Round("plain", 1.0, 2.0, ("a", "b"), ("a", "b")),
        Round("rag", 1.0, 4.0, ("a", "b"), ("a", "B")),
    ]
    same = figures_of(found, about="as served")[-1]
    assert (same.value, same.met, same.note) == (0.75, False, "plain 2 of 2, rag 1 of 2")


def test_the_gain_is_that_of_all_answers_together() -> None:
    found = [Round("plain", 1.0, 2.0, ("a",), ("a",)), Round("rag", 3.0, 4.0, ("a",), ("a",))]
    figures = {figure.name: figure for figure in figures_of(found, about="in haste")}
    whole = figures["asking all systems, in haste"]
    assert (whole.ratio, whole.met) == (1.5, True)
    assert figures["asking rag, in haste"].value == 20.0
    assert figures["asking rag, in haste"].target is None


def test_an_answer_that_failed_is_no_answer_that_was_fast() -> None:
    class FailingSystem(NotingSystem):
        def answer(self, question: str, **_: Any) -> Answer:
            raise ModelError(f"out of memory at {question}")

        answer_many = answer  # type: ignore[assignment]  # fails the same

    with pytest.raises(RuntimeError, match="rag failed on 2 questions: ModelError: out of memory"):
        compare_speed._ask_together("rag", FailingSystem("T", []), [asked(1), asked(2)])


def test_a_small_run_asks_a_library_both_ways(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in TEXTS.items():
        (tmp_path / "documents").mkdir(exist_ok=True)
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    rows = [
        {"question": f"What may room {number} in Kassel cost?", "answer": "EUR 135"} for number in range(5)
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(compare_speed, "PLACES", {"handbook": (tmp_path / "documents", file)})
    monkeypatch.setattr(compare_speed, "new_library", lambda: nullcontext(bench))
    monkeypatch.setattr(compare_speed, "_exact", lambda *_, **__: nullcontext(bench))
    report = compare_speed.measure(rounds=2, each=2)
    assert [figure.name for figure in report.figures] == [
        f"{what}, {numerics}"
        for numerics in ("as served", "in 32-bit floats")
        for what in ("asking all systems", "asking plain", "asking rag", "the same answer")
    ]
    assert report.figures[-1].value == 1.0
    assert len(report.detail["seconds, as served"]) == 4
