"""A folder that is there whole or not at all, whoever is killed while filling it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragraft.errors import UserError

__all__ = ["fresh_folder", "sync_folder", "sync_path"]


@contextmanager
def fresh_folder(to: Path) -> Iterator[Path]:
    """Yield a folder beside `to` that takes its name when the block ends, and goes when it raises.

    What a killed process left there is replaced. Raises: UserError if `to` exists and is not empty, or cannot be
    written.
    """
    draft = to.with_name(f".{to.name}.unfinished")
    try:
        if to.exists() and not (to.is_dir() and not any(to.iterdir())):
            raise UserError(f"{to} is there already", hint="name a folder that does not exist yet")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        yield draft
        sync_folder(draft)
        draft.rename(to)
    except OSError as error:
        raise UserError(
            f"{to} cannot be written: {error.strerror or error}",
            hint="free some space, or name another folder",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Have the files of a folder, and the folder itself, written to the disk."""
    for path in [*folder.rglob("*"), folder]:
        sync_path(path)


def sync_path(path: Path) -> None:
    """Have one file, or the names in one folder, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
