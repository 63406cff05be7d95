"""Files of questions with who may know their answers.

One JSON object per line: question, answer, document, groups_allowed and groups_denied, with answer_aliases and id where
wanted. A group is one that a caller may be in; `everyone` stands for a caller who is in no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ragraft.config import GroupName
from ragraft.errors import UserError
from ragraft.json_lines import first_few, read_json_lines
from ragraft.types import Caller, Document, Question

__all__ = ["AccessQuestion", "read_access_questions", "require_labels"]

HINT = (
    'each line must be like {"question": "...", "answer": "...", "document": "...",'
    ' "groups_allowed": ["..."], "groups_denied": ["..."]}; see docs/concepts/leakage.md'
)


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

    @model_validator(mode="after")
    def _parts_the_groups(self) -> Self:
        if not self.groups_allowed and not self.groups_denied:
            raise ValueError("groups_allowed and groups_denied are both empty")
        if both := sorted(set(self.groups_allowed) & set(self.groups_denied)):
            raise ValueError(f"allowed and denied at once: {', '.join(both)}")
        return self


def read_access_questions(path: Path) -> list[AccessQuestion]:
    """Return the questions of a file, in order.

    Raises: UserError naming the first faults and how many more there are, or that there are no questions.
    """
    return read_json_lines(
        path, Row, _question, things="questions", hint=HINT, id_of=lambda one: one.question.id
    )


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
            f"the access questions and the labels of the library do not agree: {first_few(faults)}",
            hint="add the documents with their access file (`ragraft add FOLDER --access FILE`), or mend the questions",
        )


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
