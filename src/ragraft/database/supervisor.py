"""The program that runs PostgreSQL for as long as somebody uses it.

    python -m ragraft.database.supervisor FOLDER BINARIES IDLE_SECONDS LOCK

A client starts it and hands it supervisor.lock, already held, as the descriptor LOCK, so that there is never
a moment with two supervisors or with none that others could take for one. It makes the cluster if there is
none, starts the server, starts it again when it dies, and stops it when users.lock has been free for a
while. It decides that under start.lock, which it keeps until PostgreSQL is gone: a client that comes
meanwhile waits and then starts a new one. If it is itself killed, the kernel interrupts PostgreSQL.

It must start fast and stay small: nothing but the standard library and our own light modules.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path

from ragraft.database.cluster import check_cluster, failure_in_log, launch, make_cluster, program_version
from ragraft.database.layout import Announcement, Failure, Layout, write_atomically
from ragraft.database.locks import FileLock
from ragraft.database.orphans import await_end, clear_leftovers
from ragraft.database.privileges import (
    Account,
    admit_group,
    current_account,
    unprivileged_account,
    with_access,
)
from ragraft.database.server_settings import machine_cores, machine_memory, server_settings
from ragraft.database.sockets import PORT, choose_socket_folder, remove_socket_folder, socket_path
from ragraft.errors import DatabaseError

__all__ = ["main"]

POLL_SECONDS = 0.2
START_POLL_SECONDS = 0.01
LONG_RUN_SECONDS = 10.0
MOST_STRIKES = 20
LOG_BYTES = 1024 * 1024


class Ending(Enum):
    """How one run of the server ended."""

    STOPPED = "on purpose"
    DIED = "after it had been ready"
    NEVER_CAME_UP = "before it was ready"


class Supervisor:
    """Runs one server until it is not needed, is asked to stop, or cannot be kept running."""

    def __init__(
        self,
        layout: Layout,
        *,
        binaries: Path,
        version: str,
        account: Account,
        socket_folder: Path,
        idle_seconds: float,
    ) -> None:
        self._layout = layout
        self._binaries = binaries
        self._version = version
        self._account = account
        self._socket_folder = socket_folder
        self._idle_seconds = idle_seconds
        self._users = FileLock(layout.users_lock)
        self._start = FileLock(layout.start_lock)
        self._unused_since: float | None = None
        self._last_arrival = 0
        self._asked_to_stop = False
        self._wake = _wake_on_signals(self._ask_to_stop)

    def run(self) -> None:
        """Keep the server running until it is stopped on purpose.

        Raises: DatabaseError if it dies again and again.
        """
        strikes = 0
        while True:
            began = time.monotonic()
            ending = self._run_once()
            if ending is Ending.STOPPED:
                return
            if time.monotonic() - began > LONG_RUN_SECONDS:
                strikes = 0
            # One that never came up will hardly do so next time; one that was killed will.
            strikes += 1 if ending is Ending.DIED else 4
            if strikes >= MOST_STRIKES:
                raise failure_in_log("PostgreSQL does not stay up", self._layout)
            time.sleep(0.05 * strikes)

    def _run_once(self) -> Ending:
        """Start the server and watch over it until its end."""
        postgres = self._launch()
        ready = False
        try:
            while postgres.poll() is None:
                ready = ready or self._announce(postgres.pid)
                if self._asked_to_stop or self._layout.stop_request.exists() or (ready and self._is_unused()):
                    self._shut_down(postgres)
                    return Ending.STOPPED
                if ready and not socket_path(self._socket_folder).exists():
                    break  # someone emptied the temporary folder: nobody can reach this server
                _bound_log(self._layout)
                select.select([self._wake], [], [], self._poll_seconds() if ready else START_POLL_SECONDS)
                with suppress(BlockingIOError):
                    os.read(self._wake, 64)
            return Ending.DIED if ready else Ending.NEVER_CAME_UP
        finally:
            self._layout.announcement.unlink(missing_ok=True)
            self._shut_down(postgres)

    def _launch(self) -> subprocess.Popen[str]:
        lock = await_end(self._layout)
        clear_leftovers(self._layout, socket_folder=self._socket_folder)
        # Afterwards PostgreSQL and its children hold it, and it is free when the last of them is gone.
        with lock.handed_down() as descriptor:
            return launch(
                [
                    self._binaries / "postgres",
                    "-D",
                    self._layout.data,
                    "-c",
                    f"config_file={self._layout.settings}",
                ],
                account=self._account,
                lock=descriptor,
                cwd=self._layout.data,
            )

    def _announce(self, pid: int) -> bool:
        """Tell the clients where the server is, once it says that it accepts connections."""
        try:
            lines = (self._layout.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        if len(lines) < 8 or lines[0] != str(pid) or lines[7].strip() != "ready":
            return False
        self._layout.announce(
            Announcement(
                version=self._version,
                pid=pid,
                supervisor_pid=os.getpid(),
                socket_folder=str(self._socket_folder),
                os_user=self._account.name,
            )
        )
        return True

    def _is_unused(self) -> bool:
        """Return True when it is time to stop; start.lock and users.lock are then held, until we end."""
        if not self._start.try_exclusive():
            return False  # somebody is just deciding to use it
        alone = self._users.try_exclusive()
        arrival = self._layout.users_lock.stat().st_mtime_ns
        if not alone or arrival != self._last_arrival:
            # A visit between two looks of ours leaves its time on the file.
            self._unused_since, self._last_arrival = None, arrival
        elif self._unused_since is None:
            self._unused_since = time.monotonic()
        elif time.monotonic() - self._unused_since >= self._idle_seconds:
            return True
        self._users.release()
        self._start.release()
        return False

    def _shut_down(self, postgres: subprocess.Popen[str]) -> None:
        """Stop the server in order, or else at once, and wait for its end."""
        for number, seconds in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None)):
            if postgres.poll() is not None:
                return
            postgres.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                postgres.wait(seconds)

    def _ask_to_stop(self) -> None:
        self._asked_to_stop = True

    def _poll_seconds(self) -> float:
        return min(POLL_SECONDS, max(self._idle_seconds / 4, START_POLL_SECONDS))


def main(arguments: list[str]) -> None:
    """Detach from whoever started us, and supervise; leave word if that fails."""
    folder, binaries, idle_seconds, lock = arguments
    if os.fork():
        os._exit(0)
    os.set_inheritable(int(lock), False)  # noqa: FBT003 - it takes no keyword
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o077)
    layout = Layout(Path(folder))
    try:
        _supervise(layout, binaries=Path(binaries), idle_seconds=float(idle_seconds))
    except DatabaseError as error:
        layout.fail(Failure(str(error), error.hint or ""))
    except Exception as error:
        # On a full disk there may be room for neither; then the client has to tell by itself.
        with suppress(OSError):
            layout.fail(Failure(f"the database cannot be run: {error}", f"the whole log is {layout.log}"))
        raise


def _supervise(layout: Layout, *, binaries: Path, idle_seconds: float) -> None:
    version = program_version(binaries)
    account = current_account()
    if account.uid == 0:
        account = unprivileged_account(os.environ.get("RAGRAFT_OS_USER", "nobody"), cluster=layout.data)
        account = replace(account, groups=admit_group(layout.root))
    socket_folder = choose_socket_folder(layout, account)
    account = with_access(
        account,
        program=binaries / "postgres",
        files=[
            binaries.parent / "share" / "postgresql" / "postgres.bki",
            binaries.parent / "lib" / "postgresql" / "vector.so",
            socket_folder,
            layout.root,
        ],
    )
    if not check_cluster(layout, version=version):
        with await_end(layout).handed_down() as lock:
            make_cluster(layout, account=account, binaries=binaries, lock=lock)
    _write_settings(layout, account=account, socket_folder=socket_folder)
    try:
        Supervisor(
            layout,
            binaries=binaries,
            version=version,
            account=account,
            socket_folder=socket_folder,
            idle_seconds=idle_seconds,
        ).run()
    finally:
        remove_socket_folder(socket_folder)


def _write_settings(layout: Layout, *, account: Account, socket_folder: Path) -> None:
    text = server_settings(
        memory=machine_memory(),
        cores=machine_cores(),
        socket_folder=socket_folder,
        port=PORT,
        dynamic_shared_memory="sysv" if sys.platform == "linux" else "posix",
    )
    write_atomically(layout.settings, text)
    account.let_read(layout.settings)


def _bound_log(layout: Layout) -> None:
    """Keep the log from growing for ever: what is there becomes the older part."""
    # Copied, not renamed: every process of the server writes to the open file. Neither a full disk nor
    # a deleted log is a reason to stop the server.
    with suppress(OSError):
        if layout.log.stat().st_size > LOG_BYTES:
            with suppress(OSError):
                shutil.copyfile(layout.log, layout.log.with_suffix(".log.1"))
            os.truncate(layout.log, 0)


def _wake_on_signals(stop: Callable[[], None]) -> int:
    """Return a descriptor that can be read when a child ends, or after a request to stop, which calls `stop`."""
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    return woken


if __name__ == "__main__":
    main(sys.argv[1:])
