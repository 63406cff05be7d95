"""Files of questions with who may know their answers.

One JSON object per line: question, answer, document, groups_allowed and groups_denied, with answer_aliases and id where
wanted. A group is one that a caller may be in; `everyone` stands for a caller who is in no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragraft.config import GroupName
from ragraft.errors import UserError
from ragraft.types import Caller, Document, Question

__all__ = ["AccessQuestion", "read_access_questions", "require_labels"]

HINT = (
    'each line must be like {"question": "...", "answer": "...", "document": "...",'
    ' "groups_allowed": ["..."], "groups_denied": ["..."]}; see docs/concepts/leakage.md'
)
MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """A question whose answer stands in one document; each group alone may know it or may not."""

    question: Question
    document: str
    allowed: tuple[str, ...]
    denied: tuple[str, ...]


class Row(BaseModel):
    """One line of a file of access questions."""

    model_config = ConfigDict(extra="ignore")
    id: str | int = ""
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    answer_aliases: list[str] = []
    document: str = Field(min_length=1)
    groups_allowed: list[GroupName] = []
    groups_denied: list[GroupName] = []


def read_access_questions(path: Path) -> list[AccessQuestion]:
    """Return the questions of a file, in order.

    Raises: UserError naming the first faults and how many more there are, or that there are no questions.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint="it must be a file in UTF-8") from error
    questions: list[AccessQuestion] = []
    faults: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = Row.model_validate_json(line)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                where = ".".join(map(str, item["loc"]))
                faults.append(f"line {number}: {f'{where}: ' if where else ''}{item['msg']}")
            continue
        faults += [f"line {number}: {fault}" for fault in _contradictions(row)]
        questions.append(_question(row, number))
    twice = Counter(one.question.id for one in questions)
    faults += [f"the id {name!r} is used more than once" for name, count in twice.items() if count > 1]
    if faults:
        raise UserError(f"{path} is wrong: {_listed(faults)}", hint=HINT)
    if not questions:
        raise UserError(f"{path} has no questions", hint=HINT)
    return questions


def require_labels(
    questions: Sequence[AccessQuestion],
    documents: Mapping[str, Document],
    *,
    caller_of: Callable[[tuple[str, ...]], Caller],
) -> None:
    """Raise UserError where the labels of the library are not what the questions say; `documents` are by uri.

    To be called before anything is measured: a document with the wrong label is no leak of a system's, and is put
    right by giving it the right one.
    """
    faults: list[str] = []
    for uri in dict.fromkeys(one.document for one in questions):
        if uri not in documents:
            faults.append(f"there is no document {uri!r} in the library")
            continue
        label, about = documents[uri].label, [one for one in questions if one.document == uri]
        for due, groups in (
            (True, (group for one in about for group in one.allowed)),
            (False, (group for one in about for group in one.denied)),
        ):
            wrong = [one for one in dict.fromkeys(groups) if caller_of((one,)).may_read(label) is not due]
            if wrong:
                faults.append(
                    f"{uri} is {'' if due else 'not '}to be read by {', '.join(wrong)}, and is{' not' * due}"
                )
    if faults:
        raise UserError(
            f"the access questions and the labels of the library do not agree: {_listed(faults)}",
            hint="add the documents with their access file (`ragraft add FOLDER --access FILE`), or mend the questions",
        )


def _contradictions(row: Row) -> list[str]:
    faults = []
    if not row.groups_allowed and not row.groups_denied:
        faults.append("groups_allowed and groups_denied are both empty")
    if both := sorted(set(row.groups_allowed) & set(row.groups_denied)):
        faults.append(f"allowed and denied at once: {', '.join(both)}")
    return faults


def _question(row: Row, number: int) -> AccessQuestion:
    question = Question(
        id=str(row.id) or f"access-{number}",
        text=row.question,
        expected=row.answer,
        aliases=tuple(row.answer_aliases),
        evidence=(),
        kind="access",
    )
    return AccessQuestion(
        question,
        row.document,
        tuple(dict.fromkeys(row.groups_allowed)),
        tuple(dict.fromkeys(row.groups_denied)),
    )


def _listed(faults: Sequence[str]) -> str:
    more = f" (and {len(faults) - MOST_FAULTS} more)" if len(faults) > MOST_FAULTS else ""
    return "; ".join(faults[:MOST_FAULTS]) + more
