"""What lies where in the folder of an embedded server, and who may enter it.

users.lock        shared by every client; free when nobody uses the server
start.lock        held for the moment in which somebody decides to start or to stop
supervisor.lock   held by the supervisor for its life; handed down by the client that started it
server.lock       inherited by every process of PostgreSQL; free when the last of them is gone
server.json       where the running server listens (absent: it is not ready)
failure.json      why the last supervisor gave up
stop              asks the supervisor to stop
password          of the role ragraft
postgresql.conf   written anew at each start
postgresql.log    bounded; one older part beside it
data/             the cluster; new/ while it is being made
run/              the socket, where the path is short enough for one
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from ragraft.errors import DatabaseError

__all__ = ["Announcement", "Failure", "Layout", "is_private", "make_private", "write_atomically"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """Where the supervisor says that its server listens."""

    version: str
    pid: int
    supervisor_pid: int
    socket_folder: str
    os_user: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a supervisor gave up."""

    message: str
    hint: str


class Layout:
    """The paths below the folder of one embedded server, and its notes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users_lock = root / "users.lock"
        self.start_lock = root / "start.lock"
        self.supervisor_lock = root / "supervisor.lock"
        self.server_lock = root / "server.lock"
        self.announcement = root / "server.json"
        self.failure = root / "failure.json"
        self.stop_request = root / "stop"
        self.password = root / "password"
        self.settings = root / "postgresql.conf"
        self.log = root / "postgresql.log"
        self.data = root / "data"
        self.unfinished = root / "new"
        self.run = root / "run"

    def read_announcement(self) -> Announcement | None:
        """Return where the server listens, or None while it is not ready."""
        try:
            return Announcement(**json.loads(self.announcement.read_text()))
        except FileNotFoundError:
            return None

    def read_failure(self) -> Failure | None:
        """Return why the last supervisor gave up, or None."""
        try:
            return Failure(**json.loads(self.failure.read_text()))
        except FileNotFoundError:
            return None

    def announce(self, announcement: Announcement) -> None:
        """Tell clients that the server is ready."""
        write_atomically(self.announcement, json.dumps(asdict(announcement)))

    def fail(self, failure: Failure) -> None:
        """Leave word for the clients that wait."""
        write_atomically(self.failure, json.dumps(asdict(failure)))

    def forget_last_run(self) -> None:
        """Remove what an earlier supervisor left, so that none of it is taken for news."""
        for path in (self.announcement, self.failure, self.stop_request):
            path.unlink(missing_ok=True)

    def log_tail(self, *, lines: int = 6) -> str:
        """Return the last lines of the log; it holds no text of documents."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a small file so that a reader, or a power cut, finds the old one or the new one."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    draft.replace(path)


def make_private(folder: Path) -> None:
    """Make a folder that only we may enter, or check that this one is.

    Raises: DatabaseError if it is not ours; OSError if it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise DatabaseError(
            f"{folder} belongs to the user number {owner}, and you are number {os.geteuid()}",
            hint="run ragraft as the user who made the workspace",
        )
    if not is_private(folder):
        folder.chmod(0o700)


def is_private(folder: Path) -> bool:
    """Return whether this is a real folder of ours that no stranger can look into or write to.

    Its group may pass through: a root's folder lets the server's private group do so.
    """
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not stat.S_IMODE(found.st_mode) & 0o067
    )
