"""What trainings that were stopped have left: it may hold a trace of documents that are erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragraft.database.locks import FileLock
from ragraft.documents.erase import Discarded
from ragraft.tune.adapter_rows import ErasedSourceError

__all__ = ["discard_unfinished", "forgotten_if_erased", "training_folder"]

LOCK = "lock"
SUFFIX = ".tuning"
OF_A_TEACHER = "a teacher's wordings"


def training_folder(adapters: Path, name: str) -> Path:
    """Return where the adapter `name` is trained, beside the finished ones in `adapters`."""
    return adapters / f".{name}{SUFFIX}"


@contextmanager
def forgotten_if_erased(folder: Path) -> Iterator[None]:
    """Delete a folder if the block ends because a document was erased meanwhile: it may hold a trace of it."""
    try:
        yield
    except ErasedSourceError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def discard_unfinished(adapters: Path) -> Discarded:
    """Delete the folders in which nobody trains any more. In one that is in use, a process holds the file `lock`.

    What belongs to a training beside it (`NAME@shares`) is told as that training.
    """
    names, running, undeletable = [], [], []
    for folder in sorted(adapters.glob(f".*{SUFFIX}")):
        name = folder.name.removeprefix(".").removesuffix(SUFFIX).partition("@")[0] or OF_A_TEACHER
        lock = FileLock(folder / LOCK)
        try:
            if lock.try_exclusive():
                shutil.rmtree(folder)
                names.append(name)
            else:
                running.append(name)
        except FileNotFoundError:
            continue  # its training has just ended
        except OSError:
            undeletable.append(name)
        finally:
            lock.release()
    return Discarded(_once(names), _once(running), _once(undeletable))


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
