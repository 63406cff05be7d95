"""Groups of questions that a comparison is looked at by: can they be answered, of which kind, was the evidence found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragraft.compare.evidence import Places, any_touches
from ragraft.compare.results import Said
from ragraft.types import Question

__all__ = ["strata_of"]


def strata_of(
    answers: Mapping[str, Sequence[Said]], questions: Sequence[Question], *, places: Mapping[str, Places]
) -> dict[str, tuple[str, ...]]:
    """Return the ids of the questions of each group that has any.

    "evidence found" are those of which some searching system was given a passage with evidence, "evidence missed" the
    others that have evidence; with "by NAME" for each such system, if they were not all given evidence of the same. A
    system searches if what it was given is not the same for all questions.
    """
    groups: dict[str, list[str]] = {}

    def put(group: str, question: Question) -> None:
        groups.setdefault(group, []).append(question.id)

    for one in questions:
        put("answerable" if one.answerable else "unanswerable", one)
    for one in questions:
        if one.answerable and one.kind:
            put(f"kind: {one.kind}", one)
    found = _found(answers, places)
    known = [one for one in questions if one.answerable and places.get(one.id)]
    for one in known if found else ():
        hit = any(one.id in ids for ids in found.values())
        put("evidence found" if hit else "evidence missed", one)
    for system, ids in found.items() if len(set(found.values())) > 1 else ():
        for one in known:
            put(f"evidence {'found' if one.id in ids else 'missed'} by {system}", one)
    return {name: tuple(ids) for name, ids in groups.items()}


def _found(answers: Mapping[str, Sequence[Said]], places: Mapping[str, Places]) -> dict[str, frozenset[str]]:
    """Return for each searching system the ids of questions of which it was given evidence."""
    return {
        system: frozenset(
            one.question
            for one in said
            if any(any_touches(piece, one.given) for piece in places.get(one.question, ()))
        )
        for system, said in answers.items()
        if len({one.given for one in said if one.given}) > 1
    }
