"""A few documents, put into a library in one call, for the tests of what is built on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.sync import SyncReport
from ragraft.systems import Workbench
from ragraft.types import AccessLabel, Caller

STRANGER = Caller("stranger")
"""Somebody in no group but `everyone`."""


def label(*groups: str) -> AccessLabel:
    return AccessLabel(frozenset(groups))


def member(*groups: str) -> Caller:
    return Caller("member of " + " and ".join(groups), frozenset(groups))


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def add(bench: Workbench, path: Path, *groups: str) -> SyncReport:
    """Add a folder or file; without groups, documents keep theirs and new ones are the owner's."""
    rules = AccessRules(groups=label(*groups) if groups else None)
    return bench.sync.add_path(path, rules=rules, caller=OWNER)


def add_files(bench: Workbench, folder: Path, files: Mapping[str, str], *groups: str) -> SyncReport:
    """Write files and add their folder."""
    return add(bench, write_files(folder, files), *groups)


def found(bench: Workbench, query: str, caller: Caller = OWNER) -> list[str]:
    """Return the uris of what a search finds, best first."""
    return [passage.uri for passage in bench.search.retrieve(query, limit=10, caller=caller)]
