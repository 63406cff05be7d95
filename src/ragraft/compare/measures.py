"""What answers are measured by. Every mark is from 0 to 1, the higher the better.

A measure says of each question whether it applies, and of each answer what its mark is; None where there is nothing
to mark, such as the citations of an answer without any. A system that failed gets 0 wherever its measure applies: the
user was not served. Measures are deterministic, and the same for every system.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ragraft.compare.evidence import Places, any_touches
from ragraft.compare.plain_words import own_words, without_form
from ragraft.compare.results import Said
from ragraft.questions import holds_answer, is_answer, says_no_answer, token_f1
from ragraft.types import Question

__all__ = ["HEADLINE", "MEASURES", "Asked", "Measure", "Section", "abstains"]

HEADLINE = "handled"
"""The measure that a verdict rests on."""

_MARKS = re.compile(r"\[[\d\s,;]{1,40}\]")
_NUMBER = re.compile(r"\d{1,3}")

Section = Literal["quality", "citations", "abstention", "draft"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the places of its evidence, as far as the documents have them."""

    question: Question
    evidence: Places


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure; `section` is the part of a report that it belongs to.

    `applies` is asked for a question, `mark` for an answer to one that it applies to and that did not fail.
    """

    id: str
    title: str
    section: Section
    applies: Callable[[Asked], bool]
    mark: Callable[[Asked, Said], float | None]


def abstains(said: Said, question: Question) -> bool:
    """Return whether an answer is a refusal, by the system or in the model's own words.

    "Tips are not included" is none where it is what was expected, or where it is cited: then it is what a passage says.
    """
    if said.refused or said.citations:
        return said.refused
    return says_no_answer(said.text) and not holds_answer(said.text, question)


def _draft_abstains(said: Said, question: Question) -> bool:
    return says_no_answer(own_words(said.draft)) and not holds_answer(said.draft, question)


def _always(_: Asked) -> bool:
    return True


def _answerable(asked: Asked) -> bool:
    return asked.question.answerable


def _unanswerable(asked: Asked) -> bool:
    return not asked.question.answerable


def _placed(asked: Asked) -> bool:
    return asked.question.answerable and bool(asked.evidence)


def _right(asked: Asked, said: Said) -> float:
    # A refusal may name a word of the question that happens to be the answer.
    return float(not said.refused and holds_answer(said.text, asked.question))


def _handled(asked: Asked, said: Said) -> float:
    return _right(asked, said) if asked.question.answerable else float(abstains(said, asked.question))


def _exact(asked: Asked, said: Said) -> float:
    return float(not said.refused and is_answer(without_form(said.text), asked.question))


def _f1(asked: Asked, said: Said) -> float:
    return 0.0 if said.refused else token_f1(said.text, asked.question)


def _f1_plain(asked: Asked, said: Said) -> float:
    return 0.0 if said.refused else token_f1(without_form(said.text), asked.question)


def _answered(asked: Asked, said: Said) -> float:
    return float(not abstains(said, asked.question))


def _abstained(asked: Asked, said: Said) -> float:
    return float(abstains(said, asked.question))


def _cited_right(asked: Asked, said: Said) -> float:
    return float(any(any_touches(piece, said.citations) for piece in asked.evidence))


def _citation_recall(asked: Asked, said: Said) -> float:
    return sum(any_touches(piece, said.citations) for piece in asked.evidence) / len(asked.evidence)


def _citation_precision(asked: Asked, said: Said) -> float | None:
    right = [any(any_touches(piece, [one]) for piece in asked.evidence) for one in said.citations]
    return sum(right) / len(right) if right else None


def _supported(_: Asked, said: Said) -> float | None:
    return 1 - (said.unsupported or 0) / said.sentences if said.sentences else None


def _no_invented(_: Asked, said: Said) -> float:
    return float(not said.invented)


def _draft_right(asked: Asked, said: Said) -> float | None:
    return float(holds_answer(said.draft, asked.question)) if said.draft else None


def _draft_answered(asked: Asked, said: Said) -> float | None:
    return float(not _draft_abstains(said, asked.question)) if said.draft else None


def _draft_abstained(asked: Asked, said: Said) -> float | None:
    return float(_draft_abstains(said, asked.question)) if said.draft else None


def _draft_cited(asked: Asked, said: Said) -> float | None:
    if not said.draft:
        return None
    numbers = {int(one) for marks in _MARKS.findall(said.draft) for one in _NUMBER.findall(marks)}
    named = [passage for number, passage in enumerate(said.given, 1) if number in numbers]
    return float(any(any_touches(piece, named) for piece in asked.evidence))


_ALL = (
    Measure("handled", "Right, or rightly refused", "quality", _always, _handled),
    Measure("right", "Right answer", "quality", _answerable, _right),
    Measure("exact", "Exact answer", "quality", _answerable, _exact),
    Measure("f1", "Words in common (F1), as shown", "quality", _answerable, _f1),
    Measure("f1_plain", "Words in common (F1), without form", "quality", _answerable, _f1_plain),
    Measure("cited_right", "Right passage cited", "citations", _placed, _cited_right),
    Measure("citation_recall", "Evidence cited (recall)", "citations", _placed, _citation_recall),
    Measure("citation_precision", "Citations to evidence (precision)", "citations", _placed, _citation_precision),
    Measure("supported", "Sentences supported", "citations", _always, _supported),
    Measure("no_invented", "No citation made up", "citations", _always, _no_invented),
    Measure("answered", "Answerable and not refused", "abstention", _answerable, _answered),
    Measure("abstained", "Unanswerable and refused", "abstention", _unanswerable, _abstained),
    Measure("draft_right", "Draft holds the answer", "draft", _answerable, _draft_right),
    Measure("draft_cited", "Draft names the right passage", "draft", _placed, _draft_cited),
    Measure("draft_answered", "Answerable and not refused in the draft", "draft", _answerable, _draft_answered),
    Measure("draft_abstained", "Unanswerable and refused in the draft", "draft", _unanswerable, _draft_abstained),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = {one.id: one for one in _ALL}
"""All measures by id, in the order in which a report shows them."""
