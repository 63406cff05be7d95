"""Locks between programs that the kernel lets go of the moment their holder dies."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FileLock"]

POLL_SECONDS = 0.005


class FileLock:
    """A flock on one file, which is made when missing and never deleted.

    A lock belongs to the program that took it: a forked child starts without it and cannot keep it alive
    (flock by itself would be shared by both), and a program that is started anew does not get it either.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        _LOCKS.add(self)

    @property
    def held(self) -> bool:
        """Whether we hold the lock on the file that is at the path now, not on one that was deleted."""
        if self._fd is None:
            return False
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._fd))

    def try_shared(self) -> bool:
        """Take the lock beside other sharers, or return False if someone has it for himself."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock alone, or return False if anyone has it."""
        return self._try(fcntl.LOCK_EX)

    @contextmanager
    def exclusive(self, *, deadline: float) -> Iterator[None]:
        """Hold the lock alone for a while.

        Raises: TimeoutError if it is not free by `deadline`, in seconds of time.monotonic().
        """
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.path} is held by another program")
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Let go; does nothing where the lock is not held."""
        # Closing is enough, and LOCK_UN would also take it from a program it was handed to.
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    @contextmanager
    def handed_down(self) -> Iterator[int]:
        """Yield the descriptor that carries the lock, for a program to be started with it; then let go.

        Programs that inherit it hold the lock together, until the last of them is gone. Forks of other
        threads wait meanwhile, for those children would inherit it too.
        """
        with _FORKING:
            if self._fd is None:
                raise ValueError(f"{self.path} is not locked")
            fd, self._fd = self._fd, None
            try:
                yield fd
            finally:
                os.close(fd)

    def _try(self, kind: int) -> bool:
        self.release()
        with _FORKING:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except BaseException:
            self.release()
            raise
        if not self.held:
            self.release()
            return False
        return True


_LOCKS: weakref.WeakSet[FileLock] = weakref.WeakSet()
# Held over a fork, so that no other thread has an open descriptor meanwhile that no lock knows of.
_FORKING = threading.RLock()


def _forget_in_child() -> None:
    for lock in _LOCKS:
        lock.release()
    _FORKING.release()


os.register_at_fork(
    before=_FORKING.acquire, after_in_parent=_FORKING.release, after_in_child=_forget_in_child
)
