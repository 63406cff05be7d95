"""The adapters of a workspace: made known, shown to those who may use them, withdrawn, removed.

The database holds who may use one, what it saw and whether that still stands; the weights are in the folder
adapters/NAME of the workspace, after a replacement in adapters/NAME@2 and so on. Documents stand by number in both,
so that an erased name lives on in neither; names are looked up in the library when an adapter is shown. Taint is
entered by the database itself, in the transaction that erases, removes or relabels a document (migration
0002_tuning.sql).
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, Database, scalar
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.library import require_owner
from ragraft.documents.write import lock_for_writing
from ragraft.errors import NotAllowedError, NotFoundError, UserError, WorkspaceError
from ragraft.tune.adapter_rows import (
    ADAPTERS,
    ErasedSourceError,
    Learned,
    SeenDocument,
    insert_adapter,
    learned_by,
    learned_from,
    look_up,
    narrowed,
    update_adapter,
)
from ragraft.tune.card import write_card
from ragraft.tune.folders import sync_folder, sync_path
from ragraft.types import AccessLabel, Adapter, Caller, Dataset, Source

__all__ = ["AdapterRegistry", "ErasedSourceError", "require_usable", "withdrawn"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


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
        last = {
            uri: (seen, now) for _, uri, seen, _, now in sources if uri
        }  # by revision, so the last one stays
        return [uri for uri, (seen, now) in last.items() if seen < now]

    def learned(self, name: str, *, caller: Caller) -> Learned:
        """Return what an adapter learned from, as far as it is still there; only the owner is told of examples.

        Raises: NotFoundError if there is no such adapter for this caller.
        """
        with self._database.transaction(caller, read_only=True) as connection:
            learned = learned_by(connection, storable(name))
        if learned is None:
            raise _unknown(name)
        return learned

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

    def add(
        self, adapter: Adapter, *, read_at: datetime, caller: Caller, dataset: Dataset | None = None
    ) -> Adapter:
        """Make an adapter known and take its folder, `adapter.path`, over; return it as it is from now on.

        `read_at` is the `moment` before its examples were read, `dataset` what was made of them. The label is
        narrowed to who may read every document now; what has been removed since taints it from the start. The
        folder must be on the disk of the workspace.

        Raises: UserError if the name is taken; ErasedSourceError if a document that it saw was erased since;
        NotAllowedError unless the caller is the owner; WorkspaceError if the folder cannot be moved.
        """
        self.require_free(adapter.name, caller=caller)
        with self._audit.transaction(caller) as (connection, audit):
            kept, seen = self._as_of_now(connection, adapter, read_at)
            if not insert_adapter(
                connection, kept, seen, learned_from(dataset, read_at)
            ):  # another process was faster
                raise _taken(adapter.name)
            audit.append("adapter added", _noted(adapter.name, seen))
            self._take_over(Path(adapter.path), adapter.name)
        return self.find(adapter.name, caller=caller)

    def replace(
        self, adapter: Adapter, *, read_at: datetime, caller: Caller, dataset: Dataset | None = None
    ) -> Adapter:
        """Put an adapter in the place of the one that has its name, as `add` would; return it as it is from now on.

        Weights, label, documents and gates change at once: a crash leaves the old one or the new one. The weights
        of the old one are deleted; whoever has them open has to find the adapter anew, for its `path` is another.

        Raises: NotFoundError if there is none of this name; else as `add`; UserError if, after all, the old weights
        cannot be deleted.
        """
        require_owner(caller, "replace adapters")
        with self._audit.transaction(caller) as (connection, audit):
            kept, seen = self._as_of_now(connection, adapter, read_at)
            row = connection.execute(
                "select folder from adapter where name = %s for update", (storable(adapter.name),)
            ).fetchone()
            if row is None:
                raise _unknown(adapter.name)
            folder = _folder_after(row[0], name=adapter.name)
            update_adapter(connection, kept, seen, learned_from(dataset, read_at), folder=folder)
            audit.append("adapter replaced", _noted(adapter.name, seen))
            self._take_over(Path(adapter.path), folder)
        self._delete_weights(adapter.name, keep=folder)
        return self.find(adapter.name, caller=caller)

    def remove(self, name: str, *, caller: Caller) -> None:
        """Forget an adapter and delete its weights.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there is none.
        """
        require_owner(caller, "remove adapters")
        known = NAME.fullmatch(name) is not None
        with self._audit.transaction(caller) as (connection, audit):
            gone = connection.execute("delete from adapter where name = %s", (storable(name),)).rowcount
            # Weights without an adapter are what a killed removal left behind.
            if not gone and not (known and self._weights(name)):
                raise _unknown(name)
            audit.append("adapter removed", {"adapter": name})
        if known:
            self._delete_weights(name)

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
        name, folder, base, method, fingerprint, groups, gates, forced, made_at, card, sources = row
        named = [
            (uri or f"document {number}", revision, taint) for number, uri, revision, taint, _ in sources
        ]
        return Adapter(
            name=name,
            path=str(self._folder / folder),
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

    def _as_of_now(
        self, connection: Connection, adapter: Adapter, read_at: datetime
    ) -> tuple[Adapter, list[SeenDocument]]:
        """Return an adapter by the rights of now, with what it saw, and write that into its folder.

        Until the transaction ends, no document is erased or relabelled.
        """
        found = find_collection(connection, self._collection)
        collection = found.id if found else 0
        lock_for_writing(connection, collection)
        seen = [look_up(connection, collection, one, read_at) for one in adapter.made_from]
        kept = narrowed(adapter, seen)
        write_card(Path(adapter.path), kept)
        return kept, seen

    def _weights(self, name: str) -> list[Path]:
        """Return the folders that an adapter of this name has or had."""
        return [path for path in (self._folder / name, *self._folder.glob(f"{name}@*")) if path.exists()]

    def _delete_weights(self, name: str, *, keep: str = "") -> None:
        for path in self._weights(name):
            if path.name != keep:
                shutil.rmtree(path, ignore_errors=True)
        if left := [str(path) for path in self._weights(name) if path.name != keep]:
            raise UserError(
                f"the weights in {', '.join(left)} could not be deleted", hint="delete that folder yourself"
            )

    def _take_over(self, draft: Path, folder: str) -> None:
        """Move a trained folder to its place, written out before it is known there."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(draft)
            # No adapter is there, so what is was left by a killed process.
            shutil.rmtree(self._folder / folder, ignore_errors=True)
            draft.rename(self._folder / folder)
            sync_path(self._folder)
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


def _folder_after(folder: str, *, name: str) -> str:
    """Return the next folder of an adapter: house, house@2, house@3. No name has an @ in it."""
    return f"{name}@{int(folder.partition('@')[2] or 1) + 1}"


def _noted(name: str, seen: list[SeenDocument]) -> dict[str, Any]:
    """Return how the making of an adapter stands in the audit."""
    return {"adapter": name, "documents": sorted({one.document for one in seen})}


def _taken(name: str) -> UserError:
    return UserError(
        f"there is an adapter named {name} already",
        hint=f"choose another --name, or `ragraft adapters remove {name}`",
    )


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no adapter {name!r}", hint="`ragraft adapters list` shows those you may use"
    )
