"""What is left of a run that was cut short: checkpoints that are whole or not there, and errors that name them."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType
from typing import Any

from ragraft.errors import ModelError, UserError

__all__ = [
    "checkpoint_file",
    "claimed",
    "interruptible",
    "last_checkpoint",
    "load_checkpoint",
    "named_failures",
    "put_in_place",
    "save_checkpoint",
]

IDENTITY, LOCK = "identity", "lock"
OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
DISK_FULL = ("No space left", "PytorchStreamWriter", "unexpected pos")
"""What the libraries beneath say; torch and safetensors raise no OSError."""


def checkpoint_file(work: Path, *, step: int) -> Path:
    """Return where the checkpoint of a step stands."""
    return work / f"checkpoint-{step:07}.pt"


def last_checkpoint(work: Path) -> Path | None:
    """Return the checkpoint of the latest step, None if there is none."""
    return max(work.glob("checkpoint-*.pt"), default=None)


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    import torch

    draft = path.with_suffix(".unfinished")
    with draft.open("wb") as file:
        torch.save(content, file)
    put_in_place(draft, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `save_checkpoint` wrote. Raises: ModelError if it cannot be read."""
    import torch

    try:
        return torch.load(path, weights_only=True)  # type: ignore[no-any-return]  # torch says nothing of its type
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise ModelError(
            f"the checkpoint {path} cannot be read: {error}", hint=f"remove {path.parent} and train again"
        ) from error


def put_in_place(draft: Path, path: Path) -> None:
    """Give a file that was written its name, once it is on the disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def claimed(work: Path, identity: str) -> Iterator[None]:
    """Hold the folder of a run for this process; empty it if it is another run's, remove it when the run is done.

    Raises: UserError if another process trains there, or the folder cannot be written.
    """
    with locked(work):
        told = work / IDENTITY
        if not told.exists() or told.read_text(encoding="utf-8") != identity:
            for old in work.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
                elif old.name != LOCK:
                    old.unlink()
            told.write_text(identity, encoding="utf-8")
        yield
        shutil.rmtree(work)


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Hold the lock of a folder, made if missing; it ends with this process if not before.

    Raises: UserError if another process holds it, or the folder cannot be written.
    """
    with ExitStack() as opened:
        try:
            work.mkdir(parents=True, exist_ok=True)
            fcntl.flock(opened.enter_context((work / LOCK).open("wb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training in {work}", hint="wait for it, or end it") from None
        except OSError as error:
            raise UserError(
                f"{work} cannot be written: {error.strerror}", hint="choose another folder"
            ) from error
        yield


@contextmanager
def named_failures(work: Path) -> Iterator[None]:
    """Say what ended a run, and which checkpoint is left, in place of an error of the library beneath."""
    try:
        yield
    except ModelError as error:
        raise ModelError(str(error), hint="; ".join(filter(None, [error.hint, _left(work)]))) from error
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or _says(error, OUT_OF_MEMORY):
            raise ModelError(
                "memory ran out while training",
                hint=f"close what else runs, or give shorter examples or a smaller model; {_left(work)}",
            ) from error
        if isinstance(error, OSError) or _says(error, DISK_FULL):
            # torch says something else on top of the error that the disk gave.
            said = next(
                (one.strerror for one in (error, error.__context__) if isinstance(one, OSError)), error
            )
            raise UserError(
                f"the run cannot be saved: {said}",
                hint=f"free some space and give the same command again; {_left(work)}",
            ) from error
        raise


def _says(error: Exception, signs: tuple[str, ...]) -> bool:
    return any(sign.casefold() in str(error).casefold() for sign in signs)


def _left(work: Path) -> str:
    path = last_checkpoint(work)
    return f"the last good checkpoint is {path}" if path else "no checkpoint had been saved yet"


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C was pressed; pressed twice, it ends at once.

    Signals reach the main thread alone; in any other, nothing changes.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def note(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            signal.default_int_handler(number, frame)
        pressed.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
