"""The Unix socket: where it may lie, and whether somebody listens at it."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
import struct
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from ragraft.database.layout import Layout, is_private
from ragraft.database.privileges import Account, admit_group

__all__ = ["PORT", "answers", "choose_socket_folder", "listener", "remove_socket_folder", "socket_path"]

PORT = 5432
"""Part of the socket's name; nothing listens on a network."""

PREFIX = "ragraft-"

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL documentation, "Message Formats"."""

LONGEST_PATH = 103
"""Bytes of a socket's path: 107 on Linux, 103 on macOS."""

PLAIN_PATH = re.compile(r"/[\w/.+=~ -]*", re.ASCII)
"""PostgreSQL and libpq read a comma as the end of a path, and quotes and line breaks as worse."""


def socket_path(folder: str | Path, port: str | int = PORT) -> Path:
    """Return the path of a server's socket in a folder."""
    return Path(folder) / f".s.PGSQL.{port}"


def answers(path: Path) -> bool:
    """Return whether a PostgreSQL is at work there (about 0.3 ms).

    A connection alone proves nothing: the kernel still accepts it for a process that was just killed.
    So we ask whether it would encrypt, the shortest question there is, to which our answer is no.
    """
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) == b"N"
        except OSError:
            return False


def listener(path: Path) -> int | None:
    """Return the pid of the process that listens there, 0 if it is in a container we cannot see, or None."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
            if sys.platform == "darwin":
                sol_local, local_peerpid = 0, 2
                return probe.getsockopt(sol_local, local_peerpid)
            found = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
    return int(struct.unpack("3i", found)[0])


def choose_socket_folder(layout: Layout, account: Account) -> Path:
    """Make and return the folder for the socket, the account's own inside one that only we can enter.

    It is run/ in the server's folder, or one in a folder for temporary files if that path is too long
    or has characters that an address may not have.
    """
    if _is_usable(layout.run):
        return _make(layout.run, account)
    name = f"{PREFIX}{hashlib.sha256(os.fsencode(layout.root)).hexdigest()[:16]}"
    for parent in _temporary_folders():
        if _is_usable(parent / name / "run") and _is_safe(parent):
            closed = _closed_folder(parent / name)
            if account.groups:
                admit_group(closed, account.groups[0])
            return _make(closed / "run", account)
    raise OSError(f"no folder for temporary files can hold the socket of {layout.root}")


def remove_socket_folder(folder: Path) -> None:
    """Leave nothing in a folder for temporary files; the server's own folder is kept."""
    with suppress(OSError):
        folder.rmdir()
        if folder.parent.name.startswith(PREFIX):
            folder.parent.rmdir()


def _make(folder: Path, account: Account) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # the folder around it is what keeps others out
    account.own(folder)
    return folder


def _is_usable(folder: Path) -> bool:
    path = str(socket_path(folder))
    return len(os.fsencode(path)) <= LONGEST_PATH and PLAIN_PATH.fullmatch(path) is not None


def _temporary_folders() -> list[Path]:
    folders = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - a closed folder is made in it
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # Root's own is closed to the user that root runs PostgreSQL as.
    return [Path(runtime), *folders] if runtime and os.geteuid() != 0 else folders


def _is_safe(parent: Path) -> bool:
    """Return whether nobody else could rename a folder of ours in it."""
    try:
        found = parent.stat()
    except OSError:
        return False
    closed = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and found.st_uid in (0, os.geteuid())
    return (closed or bool(found.st_mode & stat.S_ISVTX)) and os.access(parent, os.W_OK | os.X_OK)


def _closed_folder(wanted: Path) -> Path:
    """Make a folder of this name, or of a random one if somebody else has put something there."""
    try:
        wanted.mkdir(mode=0o700)
    except FileExistsError:
        if not is_private(wanted):
            return Path(tempfile.mkdtemp(prefix=wanted.name + "-", dir=wanted.parent))
    return wanted
