"""A cache of folders that are slow to make: whole or not there, whoever is killed while making one."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragraft.errors import ModelError

__all__ = ["prepare_folder"]

MANIFEST = "complete.json"
KEPT_SECONDS = 30 * 24 * 3600
LOCK_SECONDS = 300.0


def prepare_folder(cache: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return cache/name, having let `make` fill it if it was not there whole.

    The manifest, which lists every file with its size, is written last, once the files are on the disk: a
    folder without one, or with other sizes, is made anew. One process makes, under a lock that dies with
    it; the others wait. Folders of the cache that nobody asked for in 30 days go when another is made.

    Raises: ModelError if the cache cannot be written, or is locked for more than five minutes.
    """
    folder = cache / name
    if _is_whole(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{name}.lock"):
            if not _is_whole(folder):
                _remove_unused(cache)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                _write_manifest(folder)
    except OSError as error:
        raise ModelError(
            f"the model cache {cache} cannot be written: {error.strerror}",
            hint="free some space there, or choose another cache folder",
        ) from error
    return folder


def _is_whole(folder: Path) -> bool:
    manifest = folder / MANIFEST
    try:
        sizes = json.loads(manifest.read_text(encoding="utf-8"))
        whole = isinstance(sizes, dict) and sizes == _sizes(folder)
    except (OSError, ValueError):
        return False
    with suppress(OSError):  # a cache that may only be read still serves
        os.utime(manifest)
    return whole


def _sizes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _write_manifest(folder: Path) -> None:
    sizes = _sizes(folder)
    for name in sizes:
        _sync(folder / name)
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(json.dumps(sizes), encoding="utf-8")
    _sync(draft)
    draft.rename(folder / MANIFEST)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_unused(cache: Path) -> None:
    for manifest in cache.glob(f"*/{MANIFEST}"):
        with suppress(OSError):
            if time.time() - manifest.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(manifest.parent)
                (cache / f"{manifest.parent.name}.lock").unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_SECONDS
    with path.open("wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ModelError(
                        f"another process has been preparing {path.stem} for over five minutes",
                        hint="end that process and try again",
                    ) from None
                time.sleep(0.05)
        yield  # closing the file gives the lock back, as does the process's end
