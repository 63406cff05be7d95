"""Examples in the library's database, beside the documents they were made from and under the same rights.

An example goes with its document: erasing one deletes, in the same transaction, every example made from it,
and a document that fewer may read narrows its examples (migration 0002).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ragraft.access.audit import AuditLog
from ragraft.access.labels import strictest
from ragraft.database.pool import Connection, Database, scalar
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.write import lock_for_writing
from ragraft.errors import NotFoundError
from ragraft.types import AccessLabel, Caller, Example, Message, Source

__all__ = ["Candidate", "ExampleStore", "Kept", "Stored", "example_id"]

SELECT = (
    "select e.id, e.kind, e.messages, e.split_by, e.groups, e.file, e.line, e.added_at,"
    " coalesce((select jsonb_agg(jsonb_build_array(d.uri, s.revision) order by d.uri) from example_source s"
    " join document d on (d.collection, d.id) = (s.collection, s.document) where s.example = e.id), '[]'),"
    " exists (select from example_source s join document d on (d.collection, d.id) = (s.collection, s.document)"
    " where s.example = e.id and d.removed_at is not null)"
    " from example e where (%(owner)s or e.groups && caller_groups())"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checked and redacted conversation that is to be kept. `documents` are names as its row has them."""

    kind: str
    messages: tuple[Message, ...]
    split_by: str
    documents: tuple[str, ...]
    row: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of candidates: `known` says of those that were there already, by place, which row that was.

    `unknown` are documents that rows name and the library does not have.
    """

    known: dict[int, str]
    unknown: list[str]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An example and where it came from. `withdrawn`: a document that it was made from has been removed."""

    example: Example
    file: str
    line: int
    added_at: datetime
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """A document as an example sees it."""

    id: int
    uri: str
    revision: int
    label: AccessLabel


class ExampleStore:
    """The examples of one workspace."""

    def __init__(self, *, database: Database, audit: AuditLog, collection: str = "default") -> None:
        self._database = database
        self._audit = audit
        self._collection = collection

    def add(self, candidates: Sequence[Candidate], *, groups: AccessLabel | None, caller: Caller) -> Kept:
        """Keep examples, all in one transaction, each with the strictest label of its sources.

        Its sources are the documents it names and, where `groups` is given or it names none, its file.
        Raises: NotAllowedError unless the caller is the owner.
        """
        require_owner(caller, "add examples")
        known: dict[int, str] = {}
        with self._audit.transaction(caller) as (connection, audit):
            collection = find_collection(connection, self._collection)
            number = collection.id if collection else 0
            # Documents named here are neither erased nor relabelled until this is committed.
            lock_for_writing(connection, number)
            named = sorted({name for one in candidates for name in one.documents})
            origins = _find_documents(connection, number, named)
            for place, one in enumerate(candidates):
                found = [origin for name in one.documents for origin in origins.get(name, ())]
                there = self._insert(connection, number, one, found, groups)
                if there is not None:
                    known[place] = there
            fingerprint = _fingerprint(connection)
            audit.append(
                "examples added", {"examples": len(candidates) - len(known), "fingerprint": fingerprint}
            )
        return Kept(known, [name for name in named if name not in origins], fingerprint)

    def examples(self, caller: Caller) -> list[Stored]:
        """Return what the caller may read, by file and line."""
        return self._select("", {}, caller)

    def trainable(self, caller: Caller) -> list[Example]:
        """Return what the caller may read and nothing forbids to train on: no document of it was removed."""
        return [one.example for one in self.examples(caller) if not one.withdrawn]

    def find(self, name: str, *, caller: Caller) -> Stored:
        """Return one example. Raises: NotFoundError if there is none for this caller."""
        found = self._select(" and e.id = %(id)s", {"id": storable(name)}, caller)
        if not found:
            raise NotFoundError(f"there is no example {name!r}", hint="`ragraft examples list` shows them")
        return found[0]

    def remove(self, *, caller: Caller, name: str | None = None, file: str | None = None) -> int:
        """Forget one example, or all of a file, and return how many. Adapters trained on them stay.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there are none.
        """
        require_owner(caller, "remove examples")
        column, value = ("id", name) if name is not None else ("file", file)
        with self._audit.transaction(caller) as (connection, audit):
            count = connection.execute(
                f"delete from example where {column} = %s",  # noqa: S608 - a name of ours
                (storable(value or ""),),
            ).rowcount
            if not count:
                raise NotFoundError(
                    f"there is no example {'from ' if file else ''}{value!r}",
                    hint="`ragraft examples list` shows them with their files",
                )
            audit.append("examples removed", {"examples": count})
        return count

    def fingerprint(self, caller: Caller) -> str:
        """Return 16 hexadecimal digits that change with the set of examples that the caller may read."""
        with self._database.transaction(caller, read_only=True) as connection:
            return _fingerprint(connection)

    def house_words(self, caller: Caller) -> list[str]:
        """Return titles of documents and answers that are a house term: words that are no person's name."""
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(
                "select title from document where label = any(visible_labels()) union"
                " select rtrim(messages -> -1 ->> 'content', '.') from example"
                " where kind = 'term' and length(messages -> -1 ->> 'content') < 60"
            ).fetchall()
        return [word for (word,) in rows]

    def _select(self, condition: str, values: Mapping[str, Any], caller: Caller) -> list[Stored]:
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(
                f"{SELECT}{condition} order by e.file, e.line, e.id",
                {**values, "owner": caller.owner},
            ).fetchall()
        return [_stored(row) for row in rows]

    @staticmethod
    def _insert(
        connection: Connection,
        collection: int,
        one: Candidate,
        origins: Sequence[Origin],
        groups: AccessLabel | None,
    ) -> str | None:
        """Insert one example; return the row that has the same already, or None."""
        labels = [origin.label for origin in origins]
        label = strictest([*labels, *([groups] if groups else [])])
        name = example_id(one.messages)
        split_by = origins[0].uri if origins else _shortened(one.split_by)
        inserted = connection.execute(
            "insert into example (id, kind, messages, split_by, groups, file, line)"
            " values (%s, %s, %s, %s, %s::text[], %s, %s) on conflict (id) do nothing",
            (name, one.kind, _json(one.messages), split_by, sorted(label.groups), one.file, one.line),
        ).rowcount
        if not inserted:
            return str(scalar(connection, "select file || ':' || line from example where id = %s", (name,)))
        for origin in {origin.id: origin for origin in origins}.values():
            connection.execute(
                "insert into example_source values (%s, %s, %s, %s)",
                (name, collection, origin.id, origin.revision),
            )
        return None


def example_id(messages: Sequence[Message]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a conversation."""
    return hashlib.sha256(_json(messages).encode()).hexdigest()[:16]


def _json(messages: Sequence[Message]) -> str:
    return json.dumps([{"role": turn.role, "content": turn.content} for turn in messages], ensure_ascii=False)


def _shortened(group: str) -> str:
    """Return a group's name as a digest: it is only ever compared, and may name a person."""
    return hashlib.sha256(group.encode()).hexdigest()[:16]


def _find_documents(connection: Connection, collection: int, names: Sequence[str]) -> dict[str, list[Origin]]:
    """Return the live documents that a name means, as uri or as path within what was added."""
    rows = connection.execute(
        "select d.id, d.uri, d.path, d.revision, l.groups from document d join label l on l.id = d.label"
        " where d.collection = %s and d.removed_at is null and (d.uri = any(%s) or d.path = any(%s))",
        (collection, *[[storable(name) for name in names]] * 2),
    ).fetchall()
    found: dict[str, list[Origin]] = {}
    for number, uri, path, revision, groups in rows:
        for name in {uri, path}:
            found.setdefault(name, []).append(Origin(number, uri, revision, AccessLabel(frozenset(groups))))
    return {name: found[storable(name)] for name in names if storable(name) in found}


def _fingerprint(connection: Connection) -> str:
    ids = scalar(connection, "select coalesce(string_agg(id, ' ' order by id), '') from example")
    return hashlib.sha256(ids.encode()).hexdigest()[:16]


def _stored(row: tuple[Any, ...]) -> Stored:
    name, kind, messages, split_by, groups, file, line, added_at, made_from, withdrawn = row
    example = Example(
        name,
        kind,
        tuple(Message(turn["role"], turn["content"]) for turn in messages),
        split_by,
        tuple(Source(uri, revision) for uri, revision in made_from),
        AccessLabel(frozenset(groups)),
    )
    return Stored(example, file, line, added_at, withdrawn)
