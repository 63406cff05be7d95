"""Labels from the command line and from access files; callers by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ragraft.config import GroupName
from ragraft.errors import NotFoundError, UserError
from ragraft.types import EVERYONE, AccessLabel, Caller

__all__ = ["OWNER", "AccessRules", "label_of", "read_access_file", "resolve_caller", "strictest"]

OWNER = Caller("owner", owner=True)


class AccessFile(BaseModel):
    """The form of an access file: which groups exist, and which may read each document."""

    model_config = ConfigDict(extra="forbid")

    note: str = ""
    groups: dict[GroupName, str] = {}
    documents: dict[str, list[GroupName]]


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Which label each added document gets.

    `by_path` comes from an access file, `groups` from --group; with neither, a document keeps the
    label it has and a new one gets `default`. With an access file, what it does not name gets `groups`
    or `default` and never keeps wider rights.
    """

    default: AccessLabel = field(default_factory=AccessLabel)
    groups: AccessLabel | None = None
    by_path: Mapping[str, AccessLabel] | None = None

    def label_for(self, names: Sequence[str], current: AccessLabel | None) -> AccessLabel:
        """Return the label of a document that an access file may call by any of `names`, the first known."""
        if self.by_path is not None:
            for name in names:
                if name in self.by_path:
                    return self.by_path[name]
        if self.groups is not None:
            return self.groups
        if self.by_path is None and current is not None:
            return current
        return self.default


def label_of(groups: Iterable[str]) -> AccessLabel:
    """Return the label of groups that a user typed. Raises: UserError if one is no name of a group."""
    try:
        return AccessLabel(TypeAdapter(frozenset[GroupName]).validate_python(frozenset(groups)))
    except ValidationError as error:
        wrong = ", ".join(repr(item["input"]) for item in error.errors())
        raise UserError(
            f"no name of a group: {wrong}",
            hint="letters, digits, spaces between them and . _ @ : / - may be used",
        ) from error


def strictest(labels: Iterable[AccessLabel]) -> AccessLabel:
    """Return the label of what is made from things with these labels: the groups that may read them all.

    What everyone may read narrows nothing. Without a group in common, or without any label, it is the
    owner's alone.
    """
    labels = list(labels)
    narrow = [label.groups for label in labels if EVERYONE not in label.groups]
    if narrow:
        return AccessLabel(frozenset.intersection(*narrow))
    return AccessLabel(frozenset({EVERYONE})) if labels else AccessLabel()


def read_access_file(path: Path) -> dict[str, AccessLabel]:
    """Return the label of each document that an access file names.

    Raises: UserError naming every fault, among them groups that the file uses and does not list.
    """
    try:
        rules = AccessFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"the access file {path} cannot be read: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError(
            f"the access file {path} is wrong: {faults}",
            hint='its form is {"groups": {"name": "what for"}, "documents": {"path": ["group"]}}',
        ) from error
    known = set(rules.groups)
    unknown = {group for groups in rules.documents.values() for group in groups} - known
    if known and unknown:
        raise UserError(
            f"the access file {path} uses groups it does not list: {', '.join(sorted(unknown))}",
            hint="add them under groups, or correct the spelling",
        )
    return {name: AccessLabel(frozenset(groups)) for name, groups in rules.documents.items()}


def resolve_caller(*, name: str | None, groups: Iterable[str], known: Mapping[str, Iterable[str]]) -> Caller:
    """Return who acts: a known caller, a caller of the groups given, or with neither the owner.

    Raises: NotFoundError if `name` is not among the known callers; UserError for both at once, or for a
    group that no document can have.
    """
    groups = frozenset(groups)
    for group in groups:
        if not group or not group.isprintable():
            raise UserError(f"{group!r} cannot be a group", hint="give its name as `ragraft list` shows it")
    if name is not None and groups:
        raise UserError("--as and --as-group cannot be used together", hint="give one of them")
    if name is not None:
        if name not in known:
            raise NotFoundError(
                f"there is no caller named {name!r}",
                hint='add him to ragraft.toml: [callers] NAME = ["group"]',
            )
        return Caller(name, frozenset(known[name]))
    if groups:
        return Caller("group:" + ",".join(sorted(groups)), groups)
    return OWNER
