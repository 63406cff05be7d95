"""A few documents, put into a library in one call, for the tests of what is built on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.documents.sync import SyncReport
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.types import AccessLabel, Caller
from ragraft.workspace import Workspace, create_workspace

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


def dsn_of(bench: Workbench) -> str:
    dsn = bench.settings.database.dsn
    return dsn.get_secret_value() if dsn else ""


@contextmanager
def own_library(server_dsn: str, template: str, folder: Path) -> Iterator[Workbench]:
    """Yield a library for tests that only read, or that put back what they change, to share."""
    name = sql.Identifier(database := f"ragraft_shared_{uuid.uuid4().hex[:12]}")
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(name, sql.Identifier(template)))
    try:
        with open_schema(folder, make_conninfo(server_dsn, dbname=database)) as bench:
            yield bench
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(name))


def open_schema(folder: Path, dsn: str, schema: str = "ragraft") -> Workbench:
    """Return the library in a schema of a database, with its workspace in `folder`."""
    settings = Settings.model_validate({"database": {"dsn": dsn, "schema_name": schema}})
    root = create_workspace(folder)[0].root
    return Workbench(Workspace(root, settings), embedder=FakeEmbedder(), model=FakeChatModel())


def filler(word: str) -> str:
    return " ".join(f"The {word} statement has {word} sentence {n}." for n in range(15))


def secret(word: str, *, edition: int = 1) -> str:
    """Return a document whose title, metadata and text hold words that nothing else has."""
    return (
        f"---\nauthor: {word}-author\n---\n# {word}-title of edition {edition}\n\n"
        f"The {word}-patient came on Monday, edition {edition}. {filler(word)}\n\n"
        f"## {word}-heading\n\nHe was given {word}-medicine, {edition} drops. {filler(word)}\n"
    )
