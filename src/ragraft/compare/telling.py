"""What an answer tells about a changed fact: what was so before, what is so now, or that it does not know."""

from __future__ import annotations

import re
from typing import Literal

from ragraft.compare.changes import Change, Kind
from ragraft.compare.document_words import polarity
from ragraft.compare.results import After, Said
from ragraft.questions import holds_answer, says_no_answer
from ragraft.types import Question

__all__ = ["Told", "after_change", "told_by"]

Told = Literal["before", "now", "nothing", "other"]

_MARKER = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")

AFTER: dict[Kind, dict[Told, After]] = {
    "update": {"now": "fresh", "before": "stale", "nothing": "refused", "other": "other"},
    "delete": {"before": "told", "nothing": "refused", "other": "other"},
    "add": {"now": "fresh", "nothing": "refused", "other": "other"},
}
"""What comes of a change; nothing can be told from after a deletion or before an addition."""


def told_by(said: Said, change: Change) -> Told:
    """Return what an answer tells of a change's fact.

    One that says both what was and what is so counts as telling what was: its reader cannot know which to take. Unless
    the new text says both ("10 days, no longer 7"). Where the one answer is part of the other ("10 days", "10 days a
    year"), the longer is what is said, if it is there.
    """
    if said.refused:
        return "nothing"
    text = _MARKER.sub("", said.text)
    before, now = _said(text, change.before, change.now), _said(text, change.now, change.before)
    before, now = _without_parts(before, now), _without_parts(now, before)
    if now:
        before = [wording for wording in before if not _holds(change.new, wording)]
    if before:
        return "before"
    if now:
        return "now"
    return "nothing" if says_no_answer(text) else "other"


def after_change(said: Said, change: Change) -> After:
    """Return how an answer stands to what is so after a change."""
    return "failed" if said.failure else AFTER[change.kind][told_by(said, change)]


def _said(text: str, question: Question, other: Question) -> list[str]:
    """Return the wordings of an answer that a text holds.

    Yes and no count only where a text begins with them - "there is no deadline" does not say no - and only where the
    other answer is not the same.
    """
    if not question.answerable:
        return []
    found = []
    for wording in (question.expected, *question.aliases):
        pole = polarity(wording)
        if pole:
            if polarity(text) == pole != polarity(other.expected):
                found.append(wording)
        elif _holds(text, wording):
            found.append(wording)
    return found


def _without_parts(wordings: list[str], others: list[str]) -> list[str]:
    """Return the wordings that are no part of one of the others."""
    return [
        one
        for one in wordings
        if polarity(one) or not any(_holds(other, one) and not _holds(one, other) for other in others)
    ]


def _holds(text: str, wording: str) -> bool:
    return holds_answer(text, Question("", "", wording, (), (), ""))
