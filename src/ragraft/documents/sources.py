"""The files of a folder: found in a fixed order, named safely, and read without surprises."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

from ragraft.documents.formats.kinds import DOCUMENT_SUFFIXES
from ragraft.errors import NotFoundError, UnreadableError

__all__ = [
    "DEFAULT_MAX_BYTES",
    "FailedSource",
    "FoundSources",
    "SourceFile",
    "file_name_of",
    "find_sources",
    "read_source",
    "uri_of",
]

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
_LEFT_OUT_FOLDERS = frozenset({"node_modules", "__pycache__"})
_TRIES = 3
_CAN_ASK_AS_EFFECTIVE_USER = os.access in os.supports_effective_ids


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is a document. `modified` is in nanoseconds since 1970, as the file system says.

    `relative` is its uri below the root: posix, printable, and reversible by `file_name_of`.
    """

    relative: str
    path: Path
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class FailedSource:
    """A file or folder that should have been read and cannot be, with the reason."""

    relative: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundSources:
    """What a folder holds. `skipped` counts, by suffix, the files that are no documents."""

    files: tuple[SourceFile, ...]
    failed: tuple[FailedSource, ...]
    skipped: Mapping[str, int]


def find_sources(root: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> FoundSources:
    """Return the documents in and below `root`, in the order of their uris; or `root` itself if it is a file.

    Hidden files and folders, node_modules, __pycache__ and Office's lock files are left out. A link
    to a file counts if its target is inside the root. A link to a folder is not followed: inside the
    root the folder is met anyway, outside it is reported. Devices, pipes and sockets are never opened.

    Raises: NotFoundError if there is no such path; UnreadableError if it cannot be listed.
    """
    walk = _Walk(root, max_bytes=max_bytes)
    if walk.root.is_dir():
        walk.folder(walk.root)
    else:
        walk.file(walk.root, any_suffix=True)
    return FoundSources(
        tuple(sorted(walk.files, key=lambda file: file.relative)),
        tuple(sorted(walk.failed, key=lambda failed: failed.relative)),
        dict(sorted(walk.skipped.items())),
    )


def read_source(file: SourceFile, *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Return the bytes of a file, all of one state of it; never loads more than `max_bytes`.

    Raises: UnreadableError if it is gone, not permitted, too large, or changed during each of three tries.
    """
    for _ in range(_TRIES):
        with _opened(file.path) as stream:
            before = _state(stream)
            content = stream.read(min(before[0], max_bytes) + 1)
            if len(content) > max_bytes:
                raise _too_large(len(content), max_bytes)
            if _state(stream) == before and len(content) == before[0]:
                return content
    raise UnreadableError("changed each time it was read", hint="add it again when nothing writes to it")


def uri_of(path: str) -> str:
    """Return a relative path as a uri: what is not printable, not UTF-8, or "%" becomes %XX per byte."""
    return "".join(
        char if char.isprintable() and char != "%" else quote(os.fsencode(char), safe="") for char in path
    )


def file_name_of(uri: str) -> str:
    """Return the relative path that `uri_of` made this uri of."""
    return os.fsdecode(unquote_to_bytes(uri))


class _Walk:
    """What one walk has found so far."""

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        try:
            self.root = root.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise NotFoundError(f"there is no file or folder {uri_of(str(root))}") from error
        self.base = self.root if self.root.is_dir() else self.root.parent
        self.max_bytes = max_bytes
        self.files: list[SourceFile] = []
        self.failed: list[FailedSource] = []
        self.skipped: Counter[str] = Counter()

    def folder(self, top: Path) -> None:
        """Take in a folder and those below it; iterative, since folders may nest thousands deep."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries)
            except OSError as error:
                self.fail(folder, _reason(error, "listed"))
                continue
            for name in names:
                if not name.startswith((".", "~$")) and name not in _LEFT_OUT_FOLDERS:
                    waiting += self.entry(folder / name)

    def entry(self, path: Path) -> list[Path]:
        """Take in one entry; return it if it is a folder to go into."""
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            self.fail(path, _reason(error))
            return []
        if stat.S_ISDIR(mode):
            return [path]
        if stat.S_ISLNK(mode):
            self.link(path)
        else:
            self.file(path)
        return []

    def link(self, path: Path) -> None:
        is_document = path.suffix.lower() in DOCUMENT_SUFFIXES
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            if is_document:
                self.fail(path, "is a link whose target is missing or goes in a circle")
            return
        is_folder = target.is_dir()
        if not target.is_relative_to(self.base):
            if is_document or is_folder:
                self.fail(path, "is a link to outside the folder and is not followed")
        elif not is_folder:
            self.file(path, target=target)

    def file(self, path: Path, *, target: Path | None = None, any_suffix: bool = False) -> None:
        suffix = path.suffix.lower()
        if suffix not in DOCUMENT_SUFFIXES and not any_suffix:
            self.skipped[uri_of(suffix)] += 1
            return
        try:
            state = (target or path).lstat()
        except OSError as error:
            self.fail(path, _reason(error))
            return
        if not stat.S_ISREG(state.st_mode):
            self.fail(path, "is a device, a pipe or a socket, not a file")
        elif state.st_size > self.max_bytes:
            self.fail(path, str(_too_large(state.st_size, self.max_bytes)))
        elif not os.access(target or path, os.R_OK, effective_ids=_CAN_ASK_AS_EFFECTIVE_USER):
            self.fail(path, _reason(PermissionError()))
        else:
            self.files.append(SourceFile(self.uri(path), target or path, state.st_size, state.st_mtime_ns))

    def fail(self, path: Path, reason: str) -> None:
        self.failed.append(FailedSource(self.uri(path), reason))

    def uri(self, path: Path) -> str:
        return uri_of(path.relative_to(self.base).as_posix())


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    # The entry may have become a link or a pipe since it was found: follow no link, wait for no writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableError("is a device, a pipe or a socket, not a file")
            yield stream
    except OSError as error:
        raise UnreadableError(_reason(error)) from error


def _state(stream: BinaryIO) -> tuple[int, int]:
    state = os.fstat(stream.fileno())
    return state.st_size, state.st_mtime_ns


def _too_large(size: int, max_bytes: int) -> UnreadableError:
    return UnreadableError(
        f"is too large: {size:,} bytes, and [documents] max_bytes allows {max_bytes:,}",
        hint="raise max_bytes under [documents] in ragraft.toml, or split the file",
    )


def _reason(error: OSError, done: str = "read") -> str:
    if isinstance(error, FileNotFoundError):
        return f"is gone: it vanished before it could be {done}"
    if isinstance(error, PermissionError):
        return f"may not be {done}: no permission"
    return f"cannot be {done}: {error.strerror or error}"
