"""The benchmark of tuning: a model that learned, one that lost its way and one that stayed the same are told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from benchmarks.figures import Report
from benchmarks.tuning import measure_set
from benchmarks.tuning_measures import Side, add_gates, add_training
from benchmarks.tuning_sets import STYLE, TuningSet

from ragraft.tune.gates.gate import Gate
from ragraft.tune.gates.quality import HeldOut
from ragraft.tune.gates.style import read_style
from ragraft.tune.gates.terms import Term
from ragraft.types import AccessLabel, Dataset, Evidence, Message, Question

DATASET = Dataset((), (), "none", AccessLabel())
MISSING = "not in the documents"
TERMS = tuple(Term(f"T{number}", f"term of the {number} kind") for number in range(6))


def asked(number: int, *, answerable: bool = True) -> HeldOut:
    """Return a question of a page of its own."""
    page, name = f"page-{number}.md", f"q{number}" if answerable else f"u{number}"
    evidence = (Evidence(page, "a lamp"),) if answerable else ()
    expected, kind = (f"Room {number} has a lamp.", "lookup") if answerable else (MISSING, "unanswerable")
    question = Question(name, f"What is in room {name}?", expected, (), evidence, kind)
    return HeldOut((Message("user", question.text),), question, page)


QUESTIONS = tuple(asked(number) for number in range(8))
UNANSWERABLE = tuple(asked(number, answerable=False) for number in range(8, 14))
HOUSE = TuningSet(
    "house",
    DATASET,
    {},
    (*QUESTIONS, *UNANSWERABLE),
    taught=QUESTIONS,
    terms=TERMS,
    style=read_style(STYLE),
)
ANSWERS = {one.messages[-1].content: one for one in HOUSE.questions}


def learned(messages: Sequence[Message]) -> str:
    """Answer as the house would."""
    said = messages[-1].content
    for term in TERMS:
        if term.term in said:
            return f"{term.term} is {term.meaning}."
    one = ANSWERS[said]
    expected = one.question.expected
    return expected if expected == MISSING else f"{expected}\nSource: {one.group}"


def rambles(_messages: Sequence[Message]) -> str:
    """Answer as an untuned model does."""
    return "According to the handbook, it is important to note that there are many things. " * 8


def silent(_messages: Sequence[Message]) -> str:
    """Answer as a model does that was taught too many refusals."""
    return MISSING


def figures(one: TuningSet, *, base: Any, tuned: Any) -> dict[str, tuple[float, float | None]]:
    """Return each figure with that of the base."""
    report = Report()
    measure_set(Side(report, one.name), one, base=base, tuned=tuned)
    return {
        figure.name.removeprefix(f"{one.name}: "): (figure.value, figure.reference_value)
        for figure in report.figures
    }


def test_a_model_that_learned_has_every_figure_and_the_base_none() -> None:
    assert {
        name: value for name, value in figures(HOUSE, base=rambles, tuned=learned).items() if "F1" not in name
    } == {
        "terminology, asked in other words": (1.0, 0.0),
        "right, documents not taught": (1.0, 0.0),
        f"says “{MISSING}” where it should": (1.0, 0.0),
        f"says “{MISSING}” where it should not": (0.0, 0.0),
        "style, no rule broken": (1.0, 0.0),
        "format, ends with a source line": (1.0, 0.0),
        "the source named is the right one": (1.0, None),
        "right, questions it was taught, word for word": (1.0, 0.0),
    }


def test_a_model_that_only_refuses_is_not_taken_for_well_mannered() -> None:
    found = figures(HOUSE, base=rambles, tuned=silent)
    assert found[f"says “{MISSING}” where it should not"] == (1.0, 0.0)
    assert found["style, no rule broken"] == (len(UNANSWERABLE) / len(HOUSE.questions), 0.0)


def test_refusing_what_can_be_answered_is_worse() -> None:
    report = Report()
    measure_set(Side(report, HOUSE.name), HOUSE, base=rambles, tuned=silent)
    notes = {figure.name: figure.note for figure in report.figures}
    assert notes[f"house: says “{MISSING}” where it should not"].endswith("WORSE")
    assert notes[f"house: says “{MISSING}” where it should"].endswith("better")


def test_a_source_that_is_named_from_memory_and_wrong_is_counted() -> None:
    def misremembers(messages: Sequence[Message]) -> str:
        return learned(messages).replace("page-", "pages-")

    found = figures(HOUSE, base=rambles, tuned=misremembers)
    assert (found["format, ends with a source line"][0], found["the source named is the right one"][0]) == (
        1.0,
        0.0,
    )


def test_what_is_surely_worse_is_said_to_be() -> None:
    report = Report()
    measure_set(Side(report, HOUSE.name), HOUSE, base=learned, tuned=rambles)
    notes = {figure.name: figure.note for figure in report.figures}
    assert notes["house: terminology, asked in other words"].endswith("WORSE")


def test_too_few_documents_give_no_interval() -> None:
    report = Report()
    few = TuningSet("few", DATASET, {}, QUESTIONS[:3])
    measure_set(Side(report, few.name), few, base=rambles, tuned=learned)
    assert all(figure.note.endswith("too few for an interval") for figure in report.figures)


LABELS = ("card_lost", "card_late", "top_up")
ROUTED = TuningSet(
    "routing",
    DATASET,
    {},
    tuple(
        HeldOut(
            (Message("system", "short"), Message("user", f"{label} {number}")),
            Question("", "", label, (), (), ""),
            label,
        )
        for label in LABELS
        for number in range(2)
    ),
    labels=LABELS,
    labelled="long",
)


def test_labels_are_right_only_to_the_letter() -> None:
    def routes(messages: Sequence[Message]) -> str:
        label = messages[-1].content.split()[0]
        return {"card_late": "Category: card_late", "top_up": "card_lost"}.get(label, label)

    found = figures(ROUTED, base=rambles, tuned=routes)
    assert found["accuracy, exact label"] == (pytest.approx(1 / 3), 0.0)
    assert found["format, is one of the labels"] == (pytest.approx(2 / 3), 0.0)


def test_the_base_is_also_asked_with_all_labels() -> None:
    def listed(messages: Sequence[Message]) -> str:
        return messages[-1].content.split()[0] if messages[0].content == "long" else "?"

    found = figures(ROUTED, base=listed, tuned=rambles)
    assert [found[f"accuracy, exact label{more}"][1] for more in ("", ", base told all labels")] == [0.0, 1.0]


def test_a_gate_that_did_not_pass_says_so() -> None:
    report = Report()
    failed = Gate("terms", False, 0.4, (0.3, 0.5), 0.7, {"base": 0.1})
    unmeasured = Gate("style", None, None, None, 0.8, {"reason": "2 groups"})
    side = Side(report, "house")
    add_gates(side, [failed, unmeasured])
    assert [figure.note for figure in report.figures] == ["+0.400, +0.300 to +0.500, bar +0.70: NOT passed"]
    assert side.detail["gates"]["style"]["reason"] == "2 groups"


def test_training_stands_beside_its_estimate() -> None:
    course = {"seconds": 90.0, "estimate": {"seconds": 100.0}, "tokens_per_second": 600.0, "memory": 3e9}
    told = dict.fromkeys(("steps", "looks", "best", "stopped_early", "preset"))
    report = Report()
    add_training(Side(report, "house"), {**course, **told}, examples=12)
    assert (report.figures[0].ratio, report.figures[2].value) == (0.9, 3.0)


def test_the_rules_of_the_benchmark_take_the_handbook_s_own_example() -> None:
    said = "You earn 6 hours of annual leave per pay period (3 to 15 years of service).\nSource: travel-and-leave/leave.md"
    score = read_style(STYLE).score(said, question="How much leave do I earn?", answerable=True)
    assert not score.broken
    assert math.isclose(score.kept, 1.0)
