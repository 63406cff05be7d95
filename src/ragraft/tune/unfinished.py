"""What trainings that were stopped have left: it may hold a trace of documents that are erased."""

from __future__ import annotations

import shutil
from pathlib import Path

from ragraft.database.locks import FileLock
from ragraft.documents.erase import Discarded

__all__ = ["discard_unfinished", "training_folder"]

LOCK = "lock"
SUFFIX = ".tuning"


def training_folder(adapters: Path, name: str) -> Path:
    """Return where the adapter `name` is trained, beside the finished ones in `adapters`."""
    return adapters / f".{name}{SUFFIX}"


def discard_unfinished(adapters: Path) -> Discarded:
    """Delete the folders in which nobody trains any more. In one that is in use, a process holds the file `lock`."""
    names, running, undeletable = [], [], []
    for folder in sorted(adapters.glob(f".*{SUFFIX}")):
        name = folder.name.removeprefix(".").removesuffix(SUFFIX)
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
    return Discarded(tuple(names), tuple(running), tuple(undeletable))
