"""Question files, and whether an answer holds what was expected.

A file has one JSON object per line - id, question, answer, answer_aliases, evidence [{document, quote}],
kind - or is a CSV with the columns question and answer. A question of kind "unanswerable", or one with an
empty answer, is one that the documents do not answer.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ragraft.errors import UserError
from ragraft.json_lines import filled_lines, read_json_lines
from ragraft.types import Evidence, Question

__all__ = ["holds_answer", "is_answer", "read_questions", "says_no_answer", "token_f1", "with_uris"]

HINT = 'each line must be like {"question": "...", "answer": "..."}; see docs/reference/questions.md'

_WORD = re.compile(r"[−±]?[^\W_]+(?:[.,:/][^\W_]+)*|[$€£%]")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DASHES = dict.fromkeys(map(ord, "‐‒–−"), "-")
# A dash before a number is its sign, unless it joins it to what stands before: 3-5, HC-125, 5 %-10 %, 5.-7. June.
# The sign of "-EUR 5" and "-$5" goes to the number.
_MINUS = re.compile(
    r"""
    (?<![^\W_]) (?<![.)\]°]) (?<!\d\s) (?<!\d[€$£%"']) (?<!\d\s[€$£%])
    (?: - | minus\s )
    ((?: (?: [€$£] | [A-Z]{3}(?=[\s\d]) ) \s? )?) (?=\d)
    """,
    re.VERBOSE,
)
_TOLERANCE = re.compile(r"(?:\+/-|±)\s*(?=\d)")
_NO_ANSWER = re.compile(
    r"""
      \b(?:do|does|did|is|are|was|were|can|could)(?:\s+not|n['’]t)\b.{0,60}?
        \b(?:say|state|stated|mention\w*|answer\w*|contain\w*|give|given|include\w*|provide\w*|specif\w*|tell|find|determine)\b
    | \bcannot\s+(?:be\s+)?(?:answer\w*|say|tell|find|found|determine\w*)
    | \bnot\s+(?:in\s+the\s+(?:documents?|passages?|text)|mentioned|stated|given|specified|provided|available|known)\b
    | \bno\s+(?:information|mention|answer)\b
    | \b(?:do\s+not|don['’]t)\s+know\b
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SKIPPED = frozenset({"a", "an", "the", "An", "The"})


class Quote(BaseModel):
    """One piece of evidence as a file names it."""

    document: str
    quote: str


class Row(BaseModel):
    """One line of a question file."""

    model_config = ConfigDict(extra="ignore")
    id: str | int = ""
    question: str = Field(min_length=1)
    answer: str = ""
    answer_aliases: list[str] = []
    evidence: list[Quote] = []
    kind: str = ""


def read_questions(path: Path) -> list[Question]:
    """Return the questions of a file, in order.

    Raises: UserError naming the first faults and how many more there are, or that there are no questions.
    """
    return read_json_lines(
        path,
        Row,
        _question,
        things="questions",
        hint=HINT,
        id_of=lambda question: question.id,
        rows=partial(_csv_rows, path) if path.suffix.lower() == ".csv" else filled_lines,
    )


def with_uris(questions: Sequence[Question], uris: Mapping[str, str]) -> tuple[list[Question], list[str]]:
    """Return questions whose evidence names documents as the library does, and the names that it does not know.

    `uris` has the uri for each name (`Library.names`). Evidence in a document that is not there stays as it is.
    """
    unknown = {one.document for question in questions for one in question.evidence} - set(uris)
    named = [
        replace(
            question,
            evidence=tuple(
                replace(one, document=uris.get(one.document, one.document)) for one in question.evidence
            ),
        )
        for question in questions
    ]
    return named, sorted(unknown)


def holds_answer(text: str, question: Question) -> bool:
    """Return whether a text holds the expected answer or one of its aliases, as whole words.

    Case, punctuation, articles, white space and a plus before a number do not count; a minus does.
    """
    said = _plain(text)
    wanted = [_plain(one) for one in (question.expected, *question.aliases)]
    return any(one and f" {one} " in f" {said} " for one in wanted)


def is_answer(text: str, question: Question) -> bool:
    """Return whether a text is the expected answer or one of its aliases and nothing else, as `holds_answer` compares."""
    said = _plain(text)
    return bool(said) and said in [_plain(one) for one in (question.expected, *question.aliases)]


def says_no_answer(text: str) -> bool:
    """Return whether a text says in words of its own that the answer is not there, or not known to it."""
    return _NO_ANSWER.search(text) is not None


def token_f1(text: str, question: Question) -> float:
    """Return the best F1 over words of a text against the expected answer and its aliases, 0 to 1.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1, on words as `holds_answer` compares them.
    """
    return max(
        _f1(_plain(text).split(), _plain(one).split()) for one in (question.expected, *question.aliases)
    )


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the cells of each row by column, with the number of the line it ends on."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            yield (
                reader.line_num,
                {key: value for key, value in row.items() if key and isinstance(value, str)},
            )
    except csv.Error as error:
        raise UserError(f"{path} is no CSV file: {error}", hint=HINT) from error


def _question(row: Row, number: int) -> Question:
    unanswerable = row.kind == "unanswerable" or not row.answer.strip()
    return Question(
        id=str(row.id) or f"line-{number}",
        text=row.question,
        expected="" if unanswerable else row.answer,
        aliases=() if unanswerable else tuple(row.answer_aliases),
        evidence=tuple(Evidence(one.document, one.quote) for one in row.evidence),
        kind="unanswerable" if unanswerable else row.kind,
    )


def _plain(text: str) -> str:
    """Return the words of a text with a space between them; a negative number begins with a minus sign."""
    text = _GROUPED.sub("", unicodedata.normalize("NFKC", text).translate(_DASHES))
    words = _WORD.findall(_MINUS.sub(r"\1−", _TOLERANCE.sub("±", text)))
    return " ".join(word.casefold() for word in words if word not in _SKIPPED)


def _f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted)) if shared else 0.0
