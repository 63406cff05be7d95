"""How an adapter and what it saw stand in the database. Documents stand by number there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ragraft.access.labels import strictest
from ragraft.database.pool import Connection
from ragraft.documents.formats.plain import storable
from ragraft.errors import UserError
from ragraft.types import AccessLabel, Adapter, Dataset, Source

__all__ = [
    "ADAPTERS",
    "ErasedSourceError",
    "Learned",
    "SeenDocument",
    "insert_adapter",
    "learned_by",
    "learned_from",
    "look_up",
    "narrowed",
    "update_adapter",
]

ADAPTERS = (
    "select a.name, a.folder, a.base_model, a.method, a.dataset_fingerprint, a.groups, a.gates, a.forced, a.made_at,"
    " a.card, coalesce((select jsonb_agg(jsonb_build_array(s.document, d.uri, s.revision, s.taint, d.revision)"
    "   order by d.uri, s.document, s.revision) from adapter_source s"
    "   left join document d on (d.collection, d.id) = (s.collection, s.document) where s.adapter = a.name), '[]')"
    " from adapter a"
)
"""What is known of each adapter that the caller may use: row-level security leaves out the others."""


class ErasedSourceError(UserError):
    """A document was erased while an adapter was made from it."""


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """A document that an adapter saw, by number. `groups` are its readers now."""

    collection: int
    document: int
    revision: int
    removed: bool
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Learned:
    """What an adapter learned from and what was held out, by the ids of examples; those that are gone are left out.

    `read_at` is when they were read: it has not seen what came later.
    """

    train: frozenset[str]
    held_out: frozenset[str]
    read_at: datetime


def learned_from(dataset: Dataset | None, read_at: datetime) -> Learned:
    """Return what is learned from a data set; nothing is known of it without one."""
    train, held_out = (dataset.train, dataset.held_out) if dataset else ((), ())
    return Learned(frozenset(one.id for one in train), frozenset(one.id for one in held_out), read_at)


def look_up(connection: Connection, collection: int, source: Source, read_at: datetime) -> SeenDocument:
    """Return a document by number. One of the same name that came later is another document.

    Raises: ErasedSourceError if it was erased after `read_at`.
    """
    row = connection.execute(
        "select d.id, coalesce(%(revision)s, d.revision), d.removed_at is not null, l.groups from document d"
        " join label l on l.id = d.label where d.collection = %(collection)s and d.uri = %(uri)s and exists"
        " (select from revision r where (r.collection, r.document) = (d.collection, d.id)"
        "  and r.number = coalesce(%(revision)s, r.number) and r.valid_from <= %(read_at)s)",
        {
            "revision": source.revision,
            "collection": collection,
            "uri": storable(source.document),
            "read_at": read_at,
        },
    ).fetchone()
    if row is None:
        raise ErasedSourceError(
            f"{source.document} was erased while the adapter was made from it", hint="train again without it"
        )
    document, revision, removed, groups = row
    return SeenDocument(collection, document, revision, removed, frozenset(groups))


def narrowed(adapter: Adapter, seen: Iterable[SeenDocument]) -> Adapter:
    """Return an adapter for those alone who may read every document now, its documents by number."""
    seen = list(seen)
    return replace(
        adapter,
        label=strictest([adapter.label, *(AccessLabel(one.groups) for one in seen)]),
        made_from=tuple(Source(f"document {one.document}", one.revision) for one in seen),
    )


def insert_adapter(
    connection: Connection, adapter: Adapter, seen: Iterable[SeenDocument], learned: Learned
) -> bool:
    """Make an adapter known, in a folder of its own name; return whether the name was free."""
    added = connection.execute(
        "insert into adapter (name, folder, base_model, method, dataset_fingerprint, groups, gates, forced, card,"
        " made_at, read_at) values (%(name)s, %(name)s, %(base)s, %(method)s, %(fingerprint)s, %(groups)s, %(gates)s,"
        " %(forced)s, %(card)s, %(made_at)s, %(read_at)s) on conflict do nothing",
        _values(adapter, learned),
    ).rowcount
    if added:
        _insert_what_it_saw(connection, adapter.name, seen, learned)
    return bool(added)


def update_adapter(
    connection: Connection, adapter: Adapter, seen: Iterable[SeenDocument], learned: Learned, *, folder: str
) -> None:
    """Put another adapter, whose files are in `folder`, in the place of the one that has its name."""
    connection.execute(
        "update adapter set folder = %(folder)s, base_model = %(base)s, method = %(method)s,"
        " dataset_fingerprint = %(fingerprint)s, groups = %(groups)s, gates = %(gates)s, forced = %(forced)s,"
        " card = %(card)s, made_at = %(made_at)s, read_at = %(read_at)s where name = %(name)s",
        {**_values(adapter, learned), "folder": folder},
    )
    connection.execute("delete from adapter_source where adapter = %s", (adapter.name,))
    connection.execute("delete from adapter_example where adapter = %s", (adapter.name,))
    _insert_what_it_saw(connection, adapter.name, seen, learned)


def learned_by(connection: Connection, adapter: str) -> Learned | None:
    """Return what an adapter learned from; None if there is no such adapter."""
    row = connection.execute("select read_at from adapter where name = %s", (adapter,)).fetchone()
    if row is None:
        return None
    rows = connection.execute(
        "select example, held_out from adapter_example where adapter = %s", (adapter,)
    ).fetchall()
    train = frozenset(example for example, held_out in rows if not held_out)
    return Learned(train, frozenset(example for example, _ in rows) - train, row[0])


def _values(adapter: Adapter, learned: Learned) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "base": adapter.base_model,
        "method": adapter.method,
        "fingerprint": adapter.dataset_fingerprint,
        "groups": sorted(adapter.label.groups),
        "gates": json.dumps(dict(adapter.gates), default=str),
        "forced": adapter.forced,
        "card": json.dumps(dict(adapter.card), default=str),
        "made_at": adapter.made_at,
        "read_at": learned.read_at,
    }


def _insert_what_it_saw(
    connection: Connection, adapter: str, seen: Iterable[SeenDocument], learned: Learned
) -> None:
    for one in dict.fromkeys(seen):
        connection.execute(
            "insert into adapter_source (adapter, collection, document, revision, taint, tainted_at) values"
            " (%(adapter)s, %(collection)s, %(document)s, %(revision)s, %(taint)s,"
            "  case when %(taint)s::text is not null then clock_timestamp() end)",
            {
                "adapter": adapter,
                "collection": one.collection,
                "document": one.document,
                "revision": one.revision,
                "taint": "removed" if one.removed else None,
            },
        )
    for examples, held_out in ((learned.train, False), (learned.held_out, True)):
        connection.execute(
            "insert into adapter_example select %s, id, %s from example where id = any(%s)",
            (adapter, held_out, sorted(examples)),
        )
