"""Every error ragraft raises, in one tree.

RagraftError                     ours to fix unless it is a UserError; exit code 1
    UserError                    the user can put it right; exit code 2, one line and a hint
        SettingsError            ragraft.toml or an environment variable is wrong
        NotFoundError            no such document, workspace, caller - or none the caller may see
        NotAllowedError          the caller lacks the right, and may know that
        MissingExtraError        an optional dependency is not installed
        UnreadableError          a file or address could not be turned into text
        FetchError               an address could not be fetched
        WorkspaceError           the workspace is newer than this version, locked or damaged
    DatabaseError                PostgreSQL cannot be started or reached
    ModelError                   a model file is missing, or the model or its endpoint failed
        ModelTimeoutError        the endpoint gave no answer in time
"""

from __future__ import annotations

__all__ = [
    "DatabaseError",
    "FetchError",
    "MissingExtraError",
    "ModelError",
    "ModelTimeoutError",
    "NotAllowedError",
    "NotFoundError",
    "RagraftError",
    "SettingsError",
    "UnreadableError",
    "UserError",
    "WorkspaceError",
]


class RagraftError(Exception):
    """Something went wrong; `hint` says what to do about it, if we know."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UserError(RagraftError):
    """A mistake the user can put right."""

    exit_code = 2


class SettingsError(UserError):
    """One or more settings are wrong; the message names all of them."""


class NotFoundError(UserError):
    """The thing does not exist, or this caller may not know that it does."""


class NotAllowedError(UserError):
    """The caller may know that the operation exists but not perform it."""


class MissingExtraError(UserError):
    """An optional dependency is needed and not installed."""

    def __init__(self, extra: str, *, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the {extra} extra, which is not installed",
            hint=f"pip install 'ragraft[{extra}]'",
        )
        self.extra = extra


class UnreadableError(UserError):
    """A file cannot be turned into text; the message is the reason."""


class FetchError(UserError):
    """An address cannot be fetched; the message is the reason."""


class WorkspaceError(UserError):
    """The workspace cannot be used as it is."""


class DatabaseError(RagraftError):
    """PostgreSQL cannot be started or reached."""


class ModelError(RagraftError):
    """A model cannot be loaded, or failed while it ran."""


class ModelTimeoutError(ModelError):
    """A model endpoint gave no answer within its time limit."""
