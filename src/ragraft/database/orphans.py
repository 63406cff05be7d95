"""Processes of PostgreSQL that outlived whoever started them, and the files they leave.

Pids in files prove nothing, for the kernel gives them out again. The proof is server.lock: each process of
the server inherits it, so it is free exactly when none of them lives.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ragraft.database.layout import Layout
from ragraft.database.locks import FileLock
from ragraft.database.sockets import listener, socket_path
from ragraft.errors import DatabaseError

__all__ = ["await_end", "clear_leftovers"]

SHUTDOWN_SECONDS = 60.0
ORPHAN_SECONDS = 2.0
KILL_SECONDS = 10.0
POLL_SECONDS = 0.01


def await_end(layout: Layout) -> FileLock:
    """Wait until no process of an earlier server lives, and return server.lock, held.

    A server that still listens is asked to shut down and given time. Backends whose postmaster was killed
    can no longer be used by anyone; those that do not notice soon, as in a long index build, are killed:
    what they had committed is in the log, and recovery takes it from there.

    Raises: DatabaseError if a process does not end.
    """
    lock = FileLock(layout.server_lock)
    if _taken(lock, seconds=0.0):
        return lock
    if pid := _postmaster(layout):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        if _taken(lock, seconds=SHUTDOWN_SECONDS, unless=lambda: _postmaster(layout) is None):
            return lock
    if _taken(lock, seconds=ORPHAN_SECONDS):
        return lock
    for folder in (layout.data, layout.unfinished, layout.unfinished / "data"):
        _kill_all_in(folder)
    if _taken(lock, seconds=KILL_SECONDS):
        return lock
    raise DatabaseError(
        f"processes of an earlier PostgreSQL in {layout.root} do not end",
        hint=f"end the processes that hold {layout.server_lock} open (`fuser {layout.server_lock}` lists them)",
    )


def clear_leftovers(layout: Layout, *, socket_folder: Path) -> None:
    """Remove the pid and socket files of a server that is gone: they may name a pid that is someone else's now.

    Call it with server.lock held.
    Raises: DatabaseError if a server that ragraft did not start runs on the same cluster.
    """
    pid = _postmaster(layout)
    if pid is not None:
        raise DatabaseError(
            f"a PostgreSQL that ragraft did not start runs on {layout.data}",
            hint=f"stop it; its process number is {pid}",
        )
    path = socket_path(socket_folder)
    for left in (layout.data / "postmaster.pid", path, path.with_name(path.name + ".lock")):
        left.unlink(missing_ok=True)


def _taken(lock: FileLock, *, seconds: float, unless: Callable[[], bool] = lambda: False) -> bool:
    deadline = time.monotonic() + seconds
    while not lock.try_exclusive():
        if time.monotonic() >= deadline or unless():
            return False
        time.sleep(POLL_SECONDS)
    return True


def _postmaster(layout: Layout) -> int | None:
    """Return the pid of the postmaster of this cluster, if one listens.

    postmaster.pid only says where the socket is; whose socket that is, the kernel says.
    """
    try:
        lines = (layout.data / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5 or not lines[4].startswith("/"):
        return None
    return listener(socket_path(lines[4], lines[3]))


def _kill_all_in(folder: Path) -> None:
    """Kill every program of PostgreSQL whose working folder this is, where the system lets us see that."""
    with suppress(FileNotFoundError):
        where = folder.stat()
        for process, handle in _processes():
            with suppress(OSError):
                inside = os.path.samestat((process / "cwd").stat(), where)
                if inside and (process / "exe").readlink().name in ("postgres", "initdb"):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)


def _processes() -> Iterator[tuple[Path, int]]:
    """Yield folder and pidfd of every process; a pidfd keeps meaning the same process. None off Linux."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            handle = os.pidfd_open(int(entry.name))
            try:
                yield entry, handle
            finally:
                os.close(handle)
