"""Marks every answer by every measure, and compares systems by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragraft.compare.evidence import Places
from ragraft.compare.measures import MEASURES, Asked, Measure, abstains
from ragraft.compare.results import Said
from ragraft.compare.statistics import Comparison, Mark, Scores, compare_scores
from ragraft.types import Question

__all__ = [
    "Marks",
    "compare_marks",
    "document_of",
    "mark_answers",
    "risk_coverage",
    "scores_of",
    "with_marks",
]

Marks = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""marks[system][measure][question id]; None where there is nothing to mark."""

Answers = Mapping[str, Sequence[Said]]
"""What each system said, one for each question in their order."""

WORST = 0.0


def mark_answers(
    answers: Answers,
    questions: Sequence[Question],
    *,
    places: Mapping[str, Places],
    measures: Mapping[str, Measure] = MEASURES,
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the mark of every answer by every measure; `places` are those of the questions' evidence, by id."""
    asked = [Asked(question, places.get(question.id, ())) for question in questions]
    return {
        system: {
            name: {
                one.question.id: _mark(measure, one, answer) for one, answer in zip(asked, said, strict=True)
            }
            for name, measure in measures.items()
        }
        for system, said in answers.items()
    }


def with_marks(
    marks: Marks,
    measure: str,
    found: Mapping[str, Mapping[str, float | None]],
    questions: Sequence[Question],
) -> Marks:
    """Return marks with those of one more measure, by system and question; None for the questions it has none for."""
    return {
        system: {**own, measure: {one.id: found[system].get(one.id) for one in questions}}
        for system, own in marks.items()
    }


def scores_of(
    measure: str, marks: Marks, *, answers: Answers, questions: Sequence[Question]
) -> Scores | None:
    """Return the marks of one measure for `compare_scores`: the questions that it applies to in all systems.

    A system that has nothing to mark in any of its answers, such as citations, is left out. None if fewer than two
    systems are left, or no question.
    """
    failed = {system: {one.question for one in said if one.failure} for system, said in answers.items()}
    systems = [
        system
        for system in answers
        if any(
            mark is not None and name not in failed[system] for name, mark in marks[system][measure].items()
        )
    ]
    chosen = [one for one in questions if all(marks[name][measure][one.id] is not None for name in systems)]
    if len(systems) < 2 or not chosen:
        return None

    def mark(system: str, question: Question) -> Mark:
        return None if question.id in failed[system] else marks[system][measure][question.id]

    return Scores(
        measure=measure,
        documents=[document_of(one) for one in chosen],
        marks={system: [mark(system, one) for one in chosen] for system in systems},
    )


def compare_marks(
    marks: Marks, *, answers: Answers, questions: Sequence[Question], reference: str | None = None
) -> dict[str, Comparison]:
    """Return how the systems compare by each measure that says something of two of them at least."""
    measures = next(iter(marks.values()), {})
    found = {name: scores_of(name, marks, answers=answers, questions=questions) for name in measures}
    return {
        name: compare_scores(scores, reference=reference if reference in scores.marks else None)
        for name, scores in found.items()
        if scores is not None
    }


def document_of(question: Question) -> str:
    """Return the document that a question comes from, or the question itself: such are right or wrong together."""
    return question.evidence[0].document if question.evidence else f"question {question.id}"


def risk_coverage(
    said: Sequence[Said], questions: Sequence[Question], *, handled: Mapping[str, float | None]
) -> tuple[tuple[float, float], ...]:
    """Return points (share of questions answered, share of those answers that is wrong), the surest answers first.

    What a system refuses or fails on is not answered, so the last point is what it does when left alone. Answers of
    equal confidence come in together; a system that tells none has that one point. `handled` are its marks by the
    measure of that name.

    Source: selective answering as in El-Yaniv & Wiener 2010, section 2.
    """
    answered = [
        one
        for one, question in zip(said, questions, strict=True)
        if not one.failure and not abstains(one, question)
    ]
    points, count, wrong = [], 0, 0.0
    for confidence in sorted({_surety(one) for one in answered}, reverse=True):
        joined = [one for one in answered if _surety(one) == confidence]
        count += len(joined)
        wrong += sum(1 - (handled[one.question] or WORST) for one in joined)
        points.append((count / len(said), wrong / count))
    return tuple(points)


def _mark(measure: Measure, asked: Asked, said: Said) -> float | None:
    if not measure.applies(asked):
        return None
    return WORST if said.failure else measure.mark(asked, said)


def _surety(said: Said) -> float:
    return -1.0 if said.confidence is None else said.confidence
