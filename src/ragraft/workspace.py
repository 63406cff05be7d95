"""A workspace: a folder with ragraft.toml and, in .ragraft, everything that ragraft keeps."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ragraft.config import Settings, load_settings, starter_toml
from ragraft.errors import NotFoundError, WorkspaceError

__all__ = ["Workspace", "create_workspace", "find_workspace"]

SETTINGS = "ragraft.toml"
STATE = ".ragraft"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a library lives, and its settings."""

    root: Path
    settings: Settings

    @property
    def state(self) -> Path:
        """The folder of the database, the caches and the audit's key: nobody else may enter it."""
        return self.root / STATE

    @property
    def settings_file(self) -> Path:
        """The workspace's ragraft.toml."""
        return self.root / SETTINGS


def create_workspace(root: Path) -> tuple[Workspace, bool]:
    """Return the workspace in `root`, made if there is none, and whether it was made now.

    Raises: WorkspaceError if the folder cannot be written.
    """
    root = root.absolute()
    state = root / STATE
    existed = state.is_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        state.mkdir(mode=0o700, exist_ok=True)
        state.chmod(0o700)
        if not (root / SETTINGS).exists():
            (root / SETTINGS).write_text(starter_toml(), encoding="utf-8")
    except OSError as error:
        raise WorkspaceError(
            f"no workspace can be made in {root}: {error.strerror}",
            hint="choose a folder you may write to, with --workspace DIR",
        ) from error
    return open_workspace(root), not existed


def find_workspace(start: Path | None) -> Workspace:
    """Return the workspace given, or the one of the current folder or the nearest parent that has one.

    Raises: NotFoundError if there is none.
    """
    if start is not None:
        if not (start / STATE).is_dir():
            raise NotFoundError(
                f"{start} is no ragraft workspace", hint=f"`ragraft init {start}` makes it one"
            )
        return open_workspace(start.absolute())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STATE).is_dir():
            return open_workspace(folder)
    raise NotFoundError(
        f"there is no ragraft workspace in {here} or above it",
        hint="`ragraft init` makes one here, or name one with --workspace DIR",
    )


def open_workspace(root: Path) -> Workspace:
    """Return the workspace in `root` with its settings."""
    if not os.access(root / STATE, os.R_OK | os.W_OK | os.X_OK):
        raise WorkspaceError(
            f"the workspace {root} belongs to somebody else", hint="use it as the user who made it"
        )
    return Workspace(root, load_settings(root / SETTINGS))
