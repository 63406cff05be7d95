"""The adapters of a workspace: made known, shown to those who may use them, withdrawn, removed.

The database holds who may use one, what it saw and whether that still stands; the weights are in the folder
adapters/NAME of the workspace. Documents stand by number in both, so that an erased name lives on in neither;
names are looked up in the library when an adapter is shown. Taint is entered by the database itself, in the
transaction that erases, removes or relabels a document (migration 0002_tuning.sql).
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER, strictest
from ragraft.database.pool import Connection, Database, scalar
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.write import lock_for_writing
from ragraft.errors import NotAllowedError, NotFoundError, UserError, WorkspaceError
from ragraft.tune.card import write_card
from ragraft.tune.folders import sync_folder
from ragraft.types import AccessLabel, Adapter, Caller, Source

__all__ = ["AdapterRegistry", "require_usable", "withdrawn"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

ADAPTERS = (
    "select a.name, a.base_model, a.method, a.dataset_fingerprint, a.groups, a.gates, a.forced, a.made_at, a.card,"
    " coalesce((select jsonb_agg(jsonb_build_array(s.document, d.uri, s.revision, s.taint, d.revision)"
    "   order by d.uri, s.document) from adapter_source s"
    "   left join document d on (d.collection, d.id) = (s.collection, s.document) where s.adapter = a.name), '[]')"
    " from adapter a"
)
"""What is known of each adapter that the caller may use: row-level security leaves out the others."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A document that an adapter saw, by number. `groups` are its readers now."""

    collection: int
    document: int
    revision: int
    removed: bool
    groups: frozenset[str]


class AdapterRegistry:
    """Keeps the adapters of one workspace; their weights are in `folder`."""

    def __init__(
        self, *, database: Database, audit: AuditLog, folder: Path, collection: str = "default"
    ) -> None:
        self._database = database
        self._audit = audit
        self._folder = folder
        self._collection = collection

    def adapters(self, caller: Caller) -> list[Adapter]:
        """Return the adapters that the caller may use, by name, the withdrawn ones among them."""
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(f"{ADAPTERS} order by a.name").fetchall()
        return [self._adapter(row) for row in rows]

    def find(self, name: str, *, caller: Caller) -> Adapter:
        """Return one adapter. Raises: NotFoundError if there is none that the caller may use."""
        return self._adapter(self._row(name, caller))

    def stale(self, name: str, *, caller: Caller) -> list[str]:
        """Return the documents that have newer revisions than those that an adapter saw.

        Raises: NotFoundError if there is no such adapter for this caller.
        """
        *_, sources = self._row(name, caller)
        return list(dict.fromkeys(uri for _, uri, seen, _, now in sources if uri and seen < now))

    def require_free(self, name: str, *, caller: Caller) -> None:
        """Raise UserError unless a new adapter may have this name; asked before hours of training."""
        require_owner(caller, "make adapters")
        if not NAME.fullmatch(name):
            raise UserError(
                f"{name!r} cannot be the name of an adapter",
                hint="up to 64 small letters, digits and . _ - beginning with a letter or digit",
            )
        with self._database.transaction(caller, read_only=True) as connection:
            if connection.execute("select 1 from adapter where name = %s", (name,)).fetchone():
                raise _taken(name)

    def moment(self) -> datetime:
        """Return the database's time; to be asked for before the examples of a new adapter are read."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            now: datetime = scalar(connection, "select clock_timestamp()")
        return now

    def add(self, adapter: Adapter, *, read_at: datetime, caller: Caller) -> Adapter:
        """Make an adapter known and take its folder, `adapter.path`, over; return it as it is from now on.

        `read_at` is the `moment` before its examples were read. The label is narrowed to who may read every
        document now; what has been removed since taints it from the start. The folder must be on the disk of
        the workspace.

        Raises: UserError if the name is taken, or a document that it saw was erased since; NotAllowedError
        unless the caller is the owner; WorkspaceError if the folder cannot be moved.
        """
        self.require_free(adapter.name, caller=caller)
        with self._audit.transaction(caller) as (connection, audit):
            found = find_collection(connection, self._collection)
            lock_for_writing(connection, found.id if found else 0)
            seen = [_look_up(connection, found.id if found else 0, one, read_at) for one in adapter.made_from]
            label = strictest([adapter.label, *(AccessLabel(one.groups) for one in seen)])
            by_number = tuple(Source(f"document {one.document}", one.revision) for one in seen)
            kept = replace(adapter, label=label, made_from=by_number)
            write_card(Path(adapter.path), kept)
            _insert(connection, kept, seen)
            numbers = sorted({one.document for one in seen})
            audit.append("adapter added", {"adapter": adapter.name, "documents": numbers})
            self._take_over(Path(adapter.path), adapter.name)
        return self.find(adapter.name, caller=caller)

    def remove(self, name: str, *, caller: Caller) -> None:
        """Forget an adapter and delete its weights.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there is none.
        """
        require_owner(caller, "remove adapters")
        folder = self._folder / name if NAME.fullmatch(name) else None
        with self._audit.transaction(caller) as (connection, audit):
            gone = connection.execute("delete from adapter where name = %s", (storable(name),)).rowcount
            # Weights without an adapter are what a killed removal left behind.
            if not gone and not (folder and folder.exists()):
                raise _unknown(name)
            audit.append("adapter removed", {"adapter": name})
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                raise UserError(
                    f"the weights in {folder} could not be deleted", hint="delete that folder yourself"
                )

    def note_export(self, name: str, form: str, *, caller: Caller) -> None:
        """Put on record that an adapter's weights left the workspace."""
        self._audit.record(caller, "adapter exported", {"adapter": name, "format": form})

    def note_asked(self, name: str, *, caller: Caller, allowed: bool) -> None:
        """Put on record that an adapter was asked, or that it was refused to somebody."""
        self._audit.record(caller, "adapter asked" if allowed else "adapter denied", {"adapter": name})

    def _row(self, name: str, caller: Caller) -> tuple[Any, ...]:
        with self._database.transaction(caller, read_only=True) as connection:
            row = connection.execute(f"{ADAPTERS} where a.name = %s", (storable(name),)).fetchone()
        if row is None:
            raise _unknown(name)
        return row

    def _adapter(self, row: tuple[Any, ...]) -> Adapter:
        name, base, method, fingerprint, groups, gates, forced, made_at, card, sources = row
        named = [
            (uri or f"document {number}", revision, taint) for number, uri, revision, taint, _ in sources
        ]
        return Adapter(
            name=name,
            path=str(self._folder / name),
            base_model=base,
            method=method,
            dataset_fingerprint=fingerprint,
            label=AccessLabel(frozenset(groups)),
            made_from=tuple(Source(document, revision) for document, revision, _ in named),
            tainted_by=tuple(dict.fromkeys(f"{document} ({taint})" for document, _, taint in named if taint)),
            gates=gates,
            forced=forced,
            made_at=made_at,
            card=card,
        )

    def _take_over(self, draft: Path, name: str) -> None:
        """Move a trained folder to its place, written out before it is known there."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(draft)
            # No adapter has this name, so a folder of this name was left by a killed process.
            shutil.rmtree(self._folder / name, ignore_errors=True)
            draft.rename(self._folder / name)
        except OSError as error:
            raise WorkspaceError(
                f"the adapter cannot be moved to {self._folder}: {error.strerror}",
                hint=f"its weights are in {draft}; free some space there",
            ) from error


def withdrawn(adapter: Adapter) -> str | None:
    """Return why an adapter may not be used; None if it may be."""
    if adapter.tainted_by:
        return f"what it was made from no longer stands: {', '.join(adapter.tainted_by)}"
    if adapter.forced:
        return None
    if not adapter.gates:
        return "its gates were not run"
    failed = [
        name for name, gate in adapter.gates.items() if not (isinstance(gate, dict) and gate.get("passed"))
    ]
    return f"it did not pass: {', '.join(failed)}" if failed else None


def require_usable(adapter: Adapter) -> None:
    """Raise NotAllowedError if an adapter is withdrawn or did not pass its gates."""
    if reason := withdrawn(adapter):
        raise NotAllowedError(
            f"the adapter {adapter.name} is out of service: {reason}",
            hint=f"train it again, and `ragraft adapters remove {adapter.name}`",
        )


def _look_up(connection: Connection, collection: int, source: Source, read_at: datetime) -> Seen:
    """Return a document by number. One of the same name that came later is another document."""
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
        raise UserError(
            f"{source.document} was erased while the adapter was made from it", hint="train again without it"
        )
    document, revision, removed, groups = row
    return Seen(collection, document, revision, removed, frozenset(groups))


def _insert(connection: Connection, adapter: Adapter, seen: list[Seen]) -> None:
    added = connection.execute(
        "insert into adapter (name, base_model, method, dataset_fingerprint, groups, gates, forced, card, made_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            adapter.name,
            adapter.base_model,
            adapter.method,
            adapter.dataset_fingerprint,
            sorted(adapter.label.groups),
            json.dumps(dict(adapter.gates), default=str),
            adapter.forced,
            json.dumps(dict(adapter.card), default=str),
            adapter.made_at,
        ),
    )
    if not added.rowcount:  # another process was faster
        raise _taken(adapter.name)
    for one in dict.fromkeys(seen):
        connection.execute(
            "insert into adapter_source (adapter, collection, document, revision, taint, tainted_at) values"
            " (%(adapter)s, %(collection)s, %(document)s, %(revision)s, %(taint)s,"
            "  case when %(taint)s::text is not null then clock_timestamp() end)",
            {
                "adapter": adapter.name,
                "collection": one.collection,
                "document": one.document,
                "revision": one.revision,
                "taint": "removed" if one.removed else None,
            },
        )


def _taken(name: str) -> UserError:
    return UserError(
        f"there is an adapter named {name} already",
        hint=f"choose another --name, or `ragraft adapters remove {name}`",
    )


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no adapter {name!r}", hint="`ragraft adapters list` shows those you may use"
    )
