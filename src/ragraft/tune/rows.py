"""The forms of row that files may hold, and the conversations that become of them.

A row is told by its keys; `--kind` overrides. What comes in is checked here by pydantic, what it says is
checked by `validate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from ragraft.tune.wording import edit_turns, product_turns, term_turns
from ragraft.types import Message

__all__ = ["KINDS", "Draft", "compose", "fault_of"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation before it is checked and redacted.

    `documents` are those that its row names. Drafts of one `split_by` never stand on both sides of a split.
    Roles are as the file has them; `validate` looks at them.
    """

    kind: str
    turns: tuple[tuple[str, str], ...]
    split_by: str
    documents: tuple[str, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns as messages, once their roles have been checked."""
        return tuple(Message(role, content) for role, content in self.turns)  # type: ignore[arg-type]  # checked


class Quote(BaseModel):
    """One piece of evidence."""

    document: str


class Row(BaseModel):
    """What every row may have besides what it says: documents it was made from, a group for the split."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
    document: str = ""
    evidence: list[Quote] = []
    group: str = ""
    system: str = ""

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents that the row names, each once."""
        named = [self.document, *(one.document for one in self.evidence)]
        return tuple(dict.fromkeys(name for name in named if name))


def _named(*names: str) -> Any:
    return Field(validation_alias=AliasChoices(*names))


class QuestionRow(Row):
    """A question with its answer; also an instruction or a text with its category."""

    question: str = _named("question", "prompt", "instruction", "input", "text")
    answer: str = _named("answer", "completion", "response", "output", "label", "category")


class TermRow(Row):
    """A house term. `wrong` is what an outsider takes it for; `language` chooses the wording."""

    term: str = _named("term", "abbreviation")
    meaning: str = _named("expansion_or_house_meaning", "meaning", "expansion", "definition")
    wrong: str = Field("", validation_alias=AliasChoices("wrong_expansion", "wrong"))
    language: str = "en"


class EditRow(Row):
    """A text before and after an editor worked on it."""

    before: str = _named("before", "original", "draft")
    after: str = _named("after", "edited", "final")


class ProductRow(Row):
    """A product record with its description; what is not named here is an attribute."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)
    description: str
    attributes: dict[str, Any] = {}


class Part(BaseModel):
    """One part of a message's content; only text is read."""

    type: str = "text"
    text: str


class Turn(BaseModel):
    """One message, in OpenAI's words or in ShareGPT's."""

    role: str = _named("role", "from")
    content: str | list[Part] = _named("content", "value")

    @field_validator("role")
    @classmethod
    def _in_our_words(cls, role: str) -> str:
        return ROLES.get(role, role)

    @property
    def text(self) -> str:
        """The content as one text."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "developer": "system",
}


class ChatRow(Row):
    """A conversation."""

    messages: list[Turn] = _named("messages", "conversations", "conversation")


KINDS: dict[str, type[Row]] = {
    "chat": ChatRow,
    "term": TermRow,
    "edit": EditRow,
    "question": QuestionRow,
    "product": ProductRow,
}
"""In the order in which they are tried; --kind takes one of these."""


def compose(fields: Mapping[str, Any], *, kind: str | None, where: str, system: str = "") -> list[Draft]:
    """Return the conversations that one row makes, usually one, for a term several.

    `where` is what the split goes by if the row names neither a document nor a group. `system` goes before
    conversations that have no system message of their own.

    Raises: ValidationError or ValueError saying what the row lacks.
    """
    kind = kind or kind_of(fields)
    row = KINDS[kind].model_validate(fields)
    split_by = next(iter(row.documents), "") or row.group or where
    before = (("system", row.system or system),) if row.system or system else ()
    match row:
        case ChatRow():
            turns = tuple((turn.role, turn.text) for turn in row.messages)
            given = bool(turns) and turns[0][0] == "system"
            conversations: Sequence[tuple[tuple[str, str], ...]] = [turns if given else (*before, *turns)]
        case TermRow():
            made = term_turns(row.term, row.meaning, wrong=row.wrong, language=row.language)
            conversations = [(*before, *pair) for pair in made]
        case EditRow():
            conversations = [(*before, *edit_turns(row.before, row.after))]
        case ProductRow():
            conversations = [(*before, *product_turns(_attributes(row), row.description))]
        case QuestionRow():
            conversations = [(*before, ("user", row.question), ("assistant", row.answer))]
        case _:
            raise ValueError(f"no conversation is made of {kind}")
    # White space at the ends is an accident of the file, and would grow into the tokens around an answer.
    bare = [tuple((role, content.strip()) for role, content in turns) for turns in conversations]
    return [Draft(kind, turns, split_by, row.documents) for turns in bare]


def kind_of(fields: Mapping[str, Any]) -> str:
    """Return the kind of row that has these keys. Raises: ValueError if none has."""
    for kind, form in KINDS.items():
        if all(
            any(name in fields for name in _names(field, key))
            for key, field in form.model_fields.items()
            if field.is_required()
        ):
            return kind
    known = "question and answer, messages, conversations, term and meaning, before and after, or description"
    raise ValueError(
        f"no known kind of row: it has {', '.join(sorted(fields)) or 'nothing'}; expected {known}"
    )


def fault_of(error: ValidationError) -> str:
    """Return what is wrong with a row, in words, without what stands in it."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg'][:1].lower()}{item['msg'][1:]}"
        for item in error.errors(include_url=False, include_input=False)
    )


def _names(field: Any, key: str) -> list[str]:
    alias = field.validation_alias
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [key]


def _attributes(row: ProductRow) -> dict[str, str]:
    found = {**(row.model_extra or {}), **row.attributes}
    return {name: _value(value) for name, value in found.items() if value not in (None, "", [], {})}


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
