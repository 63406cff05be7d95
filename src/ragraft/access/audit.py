"""The audit: who wrote, read and erased what, in a chain that shows edits and cut tails.

Each entry's digest is an HMAC-SHA-256 over the entry and the digest before it, keyed with a secret that
is not in the database, so that a changed, missing or inserted entry breaks the chain and cannot be
re-signed. A chain alone cannot show that its last entries are gone; the number and digest of the last
one are therefore kept outside the database as well, as the seal. It moves on only if the entry that it
names still stands, so that a cut cannot be covered by what is written later.
Source: Schneier & Kelsey 1999, "Secure audit logs".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, Database
from ragraft.errors import WorkspaceError
from ragraft.types import Caller

__all__ = ["AuditEntry", "AuditLog", "AuditReport"]

CHAIN_LOCK = 0x7261_6175  # "raau": entries are made one after another
START = b"\0" * 32


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit."""

    number: int
    at: datetime
    caller: str
    action: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found; no faults means that nothing was changed, inserted or cut."""

    entries: int
    faults: tuple[str, ...]


class AuditLog:
    """Appends to the chain and verifies it. `folder` holds its key and its seal, outside the database."""

    def __init__(self, *, database: Database, folder: Path) -> None:
        self._database = database
        self._key_file = folder / "audit.key"
        self._seal = Seal(folder / "audit.seal")

    @contextmanager
    def transaction(self, caller: Caller) -> Iterator[tuple[Connection, AuditWriter]]:
        """Yield a connection and a writer whose entries commit with the block, and seal them afterwards."""
        with self._database.transaction(caller) as connection:
            writer = AuditWriter(connection, caller, self._key(), self._seal)
            yield connection, writer
        writer.move_seal()

    def record(self, caller: Caller, action: str, detail: Mapping[str, Any]) -> None:
        """Append one entry in a transaction of its own."""
        with self.transaction(caller) as (_, writer):
            writer.append(action, detail)

    def entries(self, *, limit: int | None = None) -> list[AuditEntry]:
        """Return the last `limit` entries, oldest first."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            rows = connection.execute(
                "select number, at, caller, action, detail, digest from audit order by number desc limit %s",
                (limit,),
            ).fetchall()
        return [
            AuditEntry(number, at, caller, action, json.loads(detail), bytes(digest).hex())
            for number, at, caller, action, detail, digest in reversed(rows)
        ]

    def verify(self) -> AuditReport:
        """Walk the whole chain and compare its end with the seal."""
        key, faults, count, previous, digest = self._key(), [], 0, START, START
        sealed = self._seal.read()
        sealed_digest = None
        with (
            self._database.transaction(OWNER, read_only=True) as connection,
            connection.cursor("audit") as cursor,
        ):
            holds_key(connection, key)
            cursor.execute(
                "select number, at, caller, action, detail, previous, digest from audit order by number"
            )
            for number, at, caller, action, detail, stated_previous, digest in cursor:
                count += 1
                if number != count:
                    faults.append(f"entry {count} is missing (the next one is {number})")
                    count = number
                if bytes(stated_previous) != previous and number == count:
                    faults.append(f"entry {number} does not follow the one before it")
                if _digest(key, number, at, caller, action, detail, bytes(stated_previous)) != bytes(digest):
                    faults.append(f"entry {number} was changed")
                if sealed is not None and number == sealed[0]:
                    sealed_digest = bytes(digest).hex()
                previous = bytes(digest)
        if sealed is None:
            faults.append(
                f"the seal {self._seal.path} is missing or damaged, so a cut tail could not be seen"
            )
        elif sealed[0] > count:
            faults.append(f"the tail is cut: the seal names entry {sealed[0]}, the last one here is {count}")
        elif sealed[0] > 0 and sealed_digest != sealed[1]:
            faults.append(f"entry {sealed[0]} is not the one that was sealed")
        return AuditReport(count, tuple(faults))

    def _key(self) -> bytes:
        if not self._key_file.exists():
            folder = self._key_file.parent
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._seal.make()  # before the key: where there is a key, a missing seal was taken away
            _create(self._key_file, secrets.token_hex(32) + "\n")
        try:
            return bytes.fromhex(self._key_file.read_text().strip())
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"the audit key {self._key_file} cannot be read: {error}", hint="restore it from a backup"
            ) from error


class Seal:
    """The number and the digest of the last entry, in a file outside the database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[int, str] | None:
        """Return what the seal says; None if it is missing or damaged."""
        try:
            number, digest = self.path.read_text().split()
            return int(number), digest
        except (OSError, ValueError):
            return None

    def make(self) -> None:
        """Write the seal of an empty chain, unless there is a seal."""
        _create(self.path, _sealing(0, START))

    def move(self, number: int, digest: bytes) -> None:
        """Seal a later entry; an older one never replaces a newer."""
        with self.path.with_suffix(".lock").open("w") as lock:
            flock(lock, LOCK_EX)
            sealed = self.read()
            if sealed is not None and sealed[0] < number:
                fresh = self.path.with_suffix(".new")
                fresh.write_text(_sealing(number, digest))
                fresh.replace(self.path)


def _sealing(number: int, digest: bytes) -> str:
    return f"{number} {digest.hex()}\n"


def _create(path: Path, text: str) -> None:
    """Make a private file, whole from the start; what another process made a moment ago stays."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as fresh:
        fresh.write(text)
        fresh.flush()
        with suppress(FileExistsError):
            os.link(fresh.name, path)


class AuditWriter:
    """Appends entries inside one transaction."""

    def __init__(self, connection: Connection, caller: Caller, key: bytes, seal: Seal) -> None:
        self._connection = connection
        self._caller = caller
        self._key = key
        self._seal = seal
        self._follows_seal = False
        self._last: tuple[int, bytes] | None = None

    @property
    def number(self) -> int:
        """The number of the entry appended last; 0 before the first."""
        return self._last[0] if self._last else 0

    def append(self, action: str, detail: Mapping[str, Any], *, caller: Caller | None = None) -> None:
        """Add an entry, by default of the transaction's caller.

        Others wait to add theirs until this transaction ends, so call it last.
        """
        name = (caller or self._caller).name
        self._connection.execute("select pg_advisory_xact_lock(%s)", (CHAIN_LOCK,))
        if not holds_key(self._connection, self._key):
            self._connection.execute("insert into audit_key values (%s)", (_fingerprint(self._key),))
        row = self._connection.execute(
            "select number, digest from audit order by number desc limit 1"
        ).fetchone()
        number, previous = (row[0] + 1, bytes(row[1])) if row else (1, START)
        at = datetime.now(UTC)
        text = json.dumps(detail, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = _digest(self._key, number, at, name, action, text, previous)
        self._connection.execute(
            "insert into audit values (%s, %s, %s, %s, %s, %s, %s)",
            (number, at, name, action, text, previous, digest),
        )
        self._last = (number, digest)
        self._follows_seal = self._is_intact(self._seal.read())

    def move_seal(self) -> None:
        """Seal the entry appended last, once it is committed."""
        if self._last is not None and self._follows_seal:
            self._seal.move(*self._last)

    def _is_intact(self, sealed: tuple[int, str] | None) -> bool:
        """Return whether the entry that the seal names is in the chain as it was sealed."""
        if sealed is None or sealed[0] == 0:
            return sealed is not None
        row = self._connection.execute("select digest from audit where number = %s", sealed[:1]).fetchone()
        return row is not None and bytes(row[0]).hex() == sealed[1]


def holds_key(connection: Connection, key: bytes) -> bool:
    """Return whether the library's chain was begun, with this key.

    Raises: WorkspaceError if it was begun with another one.
    """
    row = connection.execute("select fingerprint from audit_key").fetchone()
    if row is not None and bytes(row[0]) != _fingerprint(key):
        raise WorkspaceError(
            "another workspace keeps the audit of this library, with a key that this one does not have",
            hint="copy audit.key and audit.seal from its folder .ragraft into this one's",
        )
    return row is not None


def _fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(b"ragraft audit key" + key).digest()


def _digest(
    key: bytes, number: int, at: datetime, caller: str, action: str, detail: str, previous: bytes
) -> bytes:
    fields = [str(number), at.astimezone(UTC).isoformat(timespec="microseconds"), caller, action, detail]
    message = json.dumps(fields, ensure_ascii=False).encode() + previous
    return hmac.new(key, message, hashlib.sha256).digest()
