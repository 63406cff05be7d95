"""Changes files: edits of documents, each with a question whose right answer they change.

A file has one JSON object per line - id, kind (update, delete, add), document, old, new, after, question,
answer_before, answer_after - as docs/reference/changes.md describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ragraft.compare.document_words import in_other_numerals, wordings
from ragraft.config import GroupName
from ragraft.errors import UserError
from ragraft.json_lines import read_json_lines
from ragraft.types import AccessLabel, Evidence, Question
from ragraft.verify.quotes import find_spans
from ragraft.verify.sentences import Span

__all__ = ["Change", "Kind", "changed_text", "changes_with_uris", "read_changes", "untouched"]

HINT = (
    'each line must be like {"kind": "update", "document": "...", "old": "...", "new": "...", "question": "...",'
    ' "answer_before": "...", "answer_after": "..."}; see docs/reference/changes.md'
)

Kind = Literal["update", "delete", "add"]

NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "update": ("old", "new", "answer_before", "answer_after"),
    "delete": ("answer_before",),
    "add": ("new", "answer_after"),
}
BARRED: Mapping[Kind, tuple[str, ...]] = {"update": ("after",), "delete": ("new", "after"), "add": ("old",)}
"""Keys that each kind must have, and those that it cannot have."""

SHARED = 12
"""Characters that the end of one stretch and the beginning of another must have in common to be the same place."""


class Row(BaseModel):
    """One line of a changes file."""

    model_config = ConfigDict(extra="ignore")
    id: str | int = ""
    kind: Kind
    document: str = Field(min_length=1)
    old: str = ""
    new: str = ""
    after: str = ""
    question: str = Field(min_length=1)
    answer_before: str = ""
    answer_after: str = ""
    aliases_before: list[str] = []
    aliases_after: list[str] = []
    groups: list[GroupName] = []

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        article = "an" if self.kind in ("update", "add") else "a"
        missing = [name for name in NEEDED[self.kind] if not getattr(self, name).strip()]
        barred = [name for name in BARRED[self.kind] if getattr(self, name)]
        faults = [f"{article} {self.kind} needs {name}" for name in missing]
        faults += [f"{article} {self.kind} has no {name}" for name in barred]
        if self.kind == "update" and not missing and self.answer_before.strip() == self.answer_after.strip():
            faults.append("answer_before and answer_after are the same")
        if faults:
            raise ValueError(", ".join(faults))
        return self


@dataclass(frozen=True, slots=True)
class Change:
    """An edit of a document, and the question that it changes the answer of.

    An update puts `new` in the place of `old`; a deletion takes `old` out, or the whole document where it is empty;
    an addition puts `new` behind `place`, at the end where that is empty, or makes a document of it where there is
    none, which `label` may read. `before` and `now` are the question with its answer before and after: "unanswerable"
    before an addition and after a deletion.
    """

    id: str
    kind: Kind
    document: str
    old: str
    new: str
    place: str
    label: AccessLabel
    before: Question
    now: Question

    @property
    def question(self) -> str:
        """What is asked."""
        return self.now.text


def read_changes(path: Path) -> list[Change]:
    """Return the changes of a file, in order.

    Raises: UserError naming the first faults and how many more there are, or that there are no changes.
    """
    return read_json_lines(path, Row, _change, things="changes", hint=HINT, id_of=lambda change: change.id)


def changes_with_uris(changes: Iterable[Change], uris: Mapping[str, str]) -> list[Change]:
    """Return changes whose documents are named as the library does (`Library.names`); unknown names stay."""
    return [replace(change, document=uris.get(change.document, change.document)) for change in changes]


def changed_text(text: str, change: Change) -> str:
    """Return a document's text after a change.

    Raises: UserError if the stretch does not stand in it, or more than once; white space does not count.
    """
    if change.kind == "add" and not change.place:
        return f"{text.rstrip()}\n\n{change.new.lstrip()}"
    start, end = _place(text, change.place or change.old)
    if change.kind == "add":
        start = end
    return text[:start] + change.new + text[end:]


def untouched(questions: Sequence[Question], changes: Sequence[Change]) -> list[Question]:
    """Return the questions that no change touches: another question, and no evidence in a stretch that changes."""
    asked = {_plain(change.question) for change in changes}
    gone = [(change.document, _plain(change.old)) for change in changes if change.kind != "add"]

    def is_touched(one: Evidence) -> bool:
        quote = _plain(one.quote)
        return any(one.document == document and _overlap(quote, old) for document, old in gone)

    return [
        question
        for question in questions
        if _plain(question.text) not in asked and not any(map(is_touched, question.evidence))
    ]


def _change(row: Row, number: int) -> Change:
    name = str(row.id) or f"line-{number}"

    def question(answer: str, aliases: Sequence[str], text: str, other: str) -> Question:
        numerals = [same for one in (answer, *aliases) for same in in_other_numerals(one)]
        return Question(
            id=name,
            text=row.question,
            expected=answer,
            aliases=(*aliases, *numerals, *wordings(answer, text, other)),
            evidence=(Evidence(row.document, text.strip()),),
            kind="",
        )

    nothing = Question(name, row.question, "", (), (), "unanswerable")
    return Change(
        id=name,
        kind=row.kind,
        document=row.document,
        old=row.old,
        new=row.new,
        place=row.after,
        label=AccessLabel(frozenset(row.groups)),
        before=nothing
        if row.kind == "add"
        else question(row.answer_before, row.aliases_before, row.old, row.new),
        now=nothing
        if row.kind == "delete"
        else question(row.answer_after, row.aliases_after, row.new, row.old),
    )


def _place(text: str, stretch: str) -> Span:
    """Return where the only occurrence of a stretch begins and ends."""
    found = find_spans(stretch, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{_shortened(stretch)} stands in it {len(found)} times", hint="give more of the text around it"
        )
    raise UserError(f"{_shortened(stretch)} does not stand in it", hint="`ragraft show` prints its text")


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return f"“{plain}”" if len(plain) <= 60 else f"“{plain[:57]}...”"


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _overlap(quote: str, old: str) -> bool:
    """Return whether two stretches of a document share text: one holds the other, or the end of one begins the other.

    A whole document is an empty `old`.
    """
    if quote in old or old in quote:
        return True
    return any(
        quote[-length:] == old[:length] or old[-length:] == quote[:length]
        for length in range(SHARED, min(len(quote), len(old)))
    )
