"""Reads untrusted files in a child process, so that a bad one costs itself alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from queue import SimpleQueue
from typing import IO, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from ragraft.documents.formats.extracted import Extracted
from ragraft.documents.frames import Channel, ChannelClosedError, FrameTooLargeError
from ragraft.errors import RagraftError, UnreadableError

__all__ = ["Sandbox"]

_START_SECONDS = 60.0
# What the child may know of this process's environment: no keys, no tokens.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")
_OUT_OF_MEMORY = ("memory allocation of", "bad_alloc", "out of memory", "memoryerror", "cannot allocate")
_ERRORS_READ = 10_000


class Sandbox:
    """A child process that reads binary formats; started when first needed, kept for the next file.

    A file that takes longer than `seconds`, needs more than `memory_bytes` above what an idle child
    uses (Linux only), holds more than `max_characters` of text or crashes its reader is unreadable;
    the next one gets a new child. The child is told nothing of the environment's secrets, ignores
    Ctrl-C and dies with this process. Safe to use from several threads: they take turns.

    `reader` is "module:function" of what the child calls, with the signature of `formats.readers.read`.
    """

    def __init__(
        self,
        *,
        seconds: float = 120.0,
        memory_bytes: int = 2 * 1024**3,
        max_characters: int = 64_000_000,
        reader: str = "ragraft.documents.formats.readers:read",
    ) -> None:
        self._seconds = seconds
        self._max_characters = max_characters
        self._arguments = (str(memory_bytes), str(max_characters), reader)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def extract(self, content: bytes, *, kind: str) -> Extracted:
        """Return what the reader of `kind` (a name in `formats.kinds`) makes of the content.

        Raises: UnreadableError with the reason; RagraftError if no child can be started.
        """
        with self._lock:
            served_before = self._child is not None
            try:
                return self._ask(content, kind)
            except _CrashError as crash:
                # What killed a child that had read files before may be what those left behind.
                if not served_before:
                    raise crash.reason from crash
            try:
                return self._ask(content, kind)
            except _CrashError as crash:
                raise crash.reason from crash

    def close(self) -> None:
        """End the child, if there is one. The next `extract` starts a new one."""
        with self._lock:
            self._end_child()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, content: bytes, kind: str) -> Extracted:
        try:
            if self._child is None:
                self._child = _Child(self._arguments)
            reply = self._child.ask(content, kind, seconds=self._seconds, max_bytes=self._max_reply_bytes)
        except BaseException:
            # Also on Ctrl-C: the answer to this file must not be taken for that to the next.
            self._end_child()
            raise
        return _checked(reply)

    @property
    def _max_reply_bytes(self) -> int:
        # A character takes at most six bytes of JSON; titles and metadata come on top.
        return 6 * self._max_characters + 16_000_000

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()


class _CrashError(Exception):
    """The child died over a file; `reason` is what to tell of it."""

    def __init__(self, reason: UnreadableError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Child:
    """A fresh interpreter that runs `sandbox_child`, and the channel to it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        # -P: a json.py in the current directory must not be imported for the real one.
        module = ["-P", "-m", "ragraft.documents.sandbox_child"]
        command = [sys.executable, *module, str(theirs.fileno()), str(os.getpid()), *arguments]
        with theirs:
            self._process = _start(command, theirs.fileno(), self._errors)
        try:
            self._channel.receive(deadline=time.monotonic() + _START_SECONDS, max_bytes=100)
        except (ChannelClosedError, FrameTooLargeError, TimeoutError) as error:
            self.end()
            raise RagraftError(
                f"the process that reads documents did not start ({self._said or 'it said nothing'})",
                hint="`ragraft doctor` checks the installation",
            ) from error

    def ask(self, content: bytes, kind: str, *, seconds: float, max_bytes: int) -> bytes:
        """Send a file and return the reply. Raises: UnreadableError on a limit, _CrashError if the child dies."""
        deadline = time.monotonic() + seconds
        try:
            self._channel.send(kind.encode(), deadline=deadline)
            self._channel.send(content, deadline=deadline)
            return self._channel.receive(deadline=deadline, max_bytes=max_bytes)
        except TimeoutError as error:
            raise UnreadableError(
                f"took longer than {seconds:g} seconds to read", hint="it may be damaged; or split it"
            ) from error
        except FrameTooLargeError as error:
            raise UnreadableError("holds more text than a file may", hint="split the file") from error
        except ChannelClosedError as error:
            raise _CrashError(self._crash_reason()) from error

    def end(self) -> None:
        """Kill the child and whatever it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._channel.close()
        self._errors.seek(0)
        self._said = self._errors.read(_ERRORS_READ).decode("utf-8", "replace").strip()[-300:]
        self._errors.close()

    def _crash_reason(self) -> UnreadableError:
        # The channel closes a moment before the process is gone.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.poll()
        self._errors.seek(0)
        said = self._errors.read(_ERRORS_READ).decode("utf-8", "replace").lower()
        if any(words in said for words in _OUT_OF_MEMORY):
            return UnreadableError("needs more memory than a file may use", hint="split the file")
        name = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return UnreadableError(
            f"crashed the program that reads it ({name})",
            hint="it may be damaged: open it, save it again and add it once more",
        )


class _Reply(BaseModel):
    """What a child says, checked: a file may have taken it over."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = ""
    title: str = ""
    pages: list[tuple[int, int, int]] = []
    metadata: dict[str, JsonValue] = {}
    unreadable: str = ""
    hint: str | None = None


def _checked(reply: bytes) -> Extracted:
    try:
        found = _Reply.model_validate_json(reply)
    except ValidationError as error:
        raise UnreadableError("made the program that reads it answer nonsense") from error
    if found.unreadable:
        raise UnreadableError(found.unreadable, hint=found.hint)
    bounds = [0, *(place for _, start, end in found.pages for place in (start, end)), len(found.text)]
    if any(left > right for left, right in pairwise(bounds)):
        raise UnreadableError("made the program that reads it answer nonsense")
    return Extracted(found.text, found.title, tuple(found.pages), found.metadata)


def _start(command: list[str], channel_number: int, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child from a thread that stays until it ends.

    The kernel kills the child when the thread that started it ends, not only when the process does.
    """
    started: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}

    def keep() -> None:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(channel_number,),
                env={**environment, "MALLOC_ARENA_MAX": "2", "PYTHONUTF8": "1"},
                # Ctrl-C in the terminal is for the parent alone.
                start_new_session=True,
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        process.wait()

    threading.Thread(target=keep, daemon=True, name="ragraft-sandbox").start()
    result = started.get()
    if isinstance(result, OSError):
        raise RagraftError(f"the process that reads documents did not start ({result})") from result
    return result
