"""What the tests of the embedded server share."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg

from ragraft.database.embedded import EmbeddedServer

IDLE_SECONDS = 0.5

Run = Callable[..., "subprocess.Popen[str]"]


def query(server: EmbeddedServer, statement: str) -> list[tuple[object, ...]]:
    """Run one statement in a connection of its own and return its rows, if it has any."""
    with psycopg.connect(server.connect_info()) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def lives(pid: int | None) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
