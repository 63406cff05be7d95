"""Examples in: files are read, checked, redacted and kept, and no row is lost on the way without a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ragraft.tune.likeness import NearText
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.reading import RawRow, Rejected, read_rows
from ragraft.tune.redact import Redactor
from ragraft.tune.rows import Draft, compose, fault_of
from ragraft.tune.store import Candidate, ExampleStore
from ragraft.tune.validate import evaluation_questions, fault_of_conversation, fault_of_tokens, near_question
from ragraft.types import AccessLabel, Caller, Message, Question

__all__ = ["Intake", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every row: kept + rejected = rows read.

    `examples` counts conversations, of which a term makes several. `redacted` counts by type what was
    replaced. `unknown_documents` are named by rows and not in the library: they narrow no label, and erasing
    them does not reach these examples.
    """

    kept: int
    rejected: tuple[Rejected, ...]
    duplicates: int
    fingerprint: str
    examples: int
    kinds: dict[str, int]
    redacted: dict[str, int]
    unknown_documents: tuple[str, ...]


class Intake:
    """Brings files of examples into the store.

    `open_redactor` is given the words that are no names of persons; None stores examples as they are.
    `window` is the most tokens that a row may have.
    """

    def __init__(
        self,
        *,
        store: ExampleStore,
        encoder: ChatEncoder,
        window: int,
        open_redactor: Callable[[Iterable[str]], Redactor] | None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._window = window
        self._open_redactor = open_redactor

    def add(
        self,
        paths: Sequence[Path],
        *,
        caller: Caller,
        kind: str | None = None,
        groups: AccessLabel | None = None,
        system: str = "",
        avoid: Sequence[Question] = (),
        on_row: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> Report:
        """Keep the examples of some files and report on every row.

        All is kept in one transaction: interrupted, it leaves nothing. `on_row` is told how many rows of how
        many are done.

        Raises: UserError if a file cannot be opened; NotAllowedError unless the caller is the owner.
        """
        rows = [row for path in paths for row in read_rows(path)]
        redactor = self._redactor(rows, caller)
        questions = evaluation_questions(avoid)
        rejected: list[Rejected] = []
        candidates: list[Candidate] = []
        for done, row in enumerate(rows, 1):
            found = row if isinstance(row, Rejected) else self._check(row, kind, system, questions, redactor)
            if isinstance(found, Rejected):
                rejected.append(found)
            else:
                candidates += found
            on_row(done, len(rows))
        kept = self._store.add(candidates, groups=groups, caller=caller)
        doubles = _doubles(candidates, kept.known)
        new = [one for place, one in enumerate(candidates) if place not in kept.known]
        return Report(
            kept=len(rows) - len(rejected) - len(doubles),
            rejected=(*rejected, *doubles),
            duplicates=len(doubles),
            fingerprint=kept.fingerprint,
            examples=len(new),
            kinds=dict(Counter(one.kind for one in new)),
            redacted=dict(sorted(redactor.counts.items())) if redactor else {},
            unknown_documents=tuple(kept.unknown),
        )

    def _redactor(self, rows: Iterable[RawRow | Rejected], caller: Caller) -> Redactor | None:
        if self._open_redactor is None:
            return None
        terms = [
            str(row.fields[name])
            for row in rows
            if isinstance(row, RawRow)
            for name in ("term", "expansion_or_house_meaning", "meaning", "expansion", "wrong_expansion")
            if "term" in row.fields and name in row.fields
        ]
        return self._open_redactor([*terms, *self._store.house_words(caller)])

    def _check(
        self, row: RawRow, kind: str | None, system: str, questions: NearText, redactor: Redactor | None
    ) -> list[Candidate] | Rejected:
        try:
            drafts = compose(row.fields, kind=kind, where=row.row, system=system)
        except ValidationError as error:
            return Rejected(row.row, fault_of(error))
        except ValueError as error:
            return Rejected(row.row, str(error))
        made = []
        for draft in drafts:
            if fault := fault_of_conversation(draft.turns):
                return Rejected(row.row, fault)
            messages = _redacted(draft, redactor)
            if fault := fault_of_tokens(messages, self._encoder, window=self._window):
                return Rejected(row.row, fault)
            for turn in draft.messages:
                if turn.role == "user" and (fault := near_question(turn.content, questions)):
                    return Rejected(row.row, fault)
            made.append(_candidate(row, draft, messages))
        return made


def _redacted(draft: Draft, redactor: Redactor | None) -> tuple[Message, ...]:
    if redactor is None:
        return draft.messages
    contents = redactor.redact_all([turn.content for turn in draft.messages])
    return tuple(
        replace(turn, content=content) for turn, content in zip(draft.messages, contents, strict=True)
    )


def _candidate(row: RawRow, draft: Draft, messages: tuple[Message, ...]) -> Candidate:
    origin: dict[str, Any] = {"row": row.row, "file": row.file, "line": row.line}
    return Candidate(draft.kind, messages, draft.split_by, draft.documents, **origin)


def _doubles(candidates: Sequence[Candidate], known: dict[int, str]) -> list[Rejected]:
    """Return the rows of which nothing was new, each once, with the row that had it first."""
    new = {one.row for place, one in enumerate(candidates) if place not in known}
    first = {candidates[place].row: there for place, there in reversed(known.items())}
    return [
        Rejected(row, f"duplicate of {there}") for row, there in reversed(first.items()) if row not in new
    ]
