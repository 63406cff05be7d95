"""A login role that is no superuser: the library works, and row-level security binds the role itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ragraft.access.labels import OWNER
from ragraft.systems import Workbench
from small_world import STRANGER, add, add_files, found, open_schema

FILES = {"soup.md": "# Soup\n\nLentil soup on Monday.", "fish.md": "# Fish\n\nTrout on Friday."}


@pytest.fixture(params=["", "createrole"], ids=["no rights", "may make roles"])
def plain_dsn(request: pytest.FixtureRequest, server_dsn: str) -> Iterator[str]:
    """The connection string of a role that owns a database with pgvector, and no more."""
    name = f"ragraft_plain_{uuid.uuid4().hex[:8]}"
    role, password = sql.Identifier(name), sql.Literal(uuid.uuid4().hex)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
        if row != (True,):
            pytest.skip("only a superuser can make the roles for this test")
        rights = sql.SQL(request.param)
        connection.execute(sql.SQL("create role {} login password {} {}").format(role, password, rights))
        if request.param:  # a role may be granted by those who made it, or whom they let
            connection.execute(sql.SQL("grant ragraft_app to {} with admin option").format(role))
        connection.execute(sql.SQL("create database {} owner {}").format(role, role))
        with psycopg.connect(make_conninfo(server_dsn, dbname=name), autocommit=True) as inside:
            inside.execute("create extension vector schema public")
        yield make_conninfo(server_dsn, dbname=name, user=name, password=password.as_string().strip("'"))
        connection.execute(sql.SQL("drop database {} with (force)").format(role))
        connection.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture
def plain(plain_dsn: str, template: str, tmp_path: Path) -> Iterator[Workbench]:
    with open_schema(tmp_path / "workspace", plain_dsn) as bench:
        yield bench


def test_documents_are_added_found_replaced_removed_and_erased(plain: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    assert add_files(plain, docs, FILES).added == 2
    assert found(plain, "lentil soup") == ["soup.md", "fish.md"]
    assert add_files(plain, docs, {"soup.md": "# Soup\n\nPumpkin soup."}).replaced == 1
    plain.library.remove("fish.md", caller=OWNER)
    receipt = plain.eraser.erase("soup.md", caller=OWNER)
    assert (receipt.revisions, receipt.found_afterwards) == (2, None)
    assert plain.library.status(OWNER).unfinished_erasures == 0
    assert add(plain, docs).added == 2
    assert plain.audit.verify().faults == ()


def test_nothing_hidden_is_seen_without_the_predicate(plain: Workbench, tmp_path: Path) -> None:
    add_files(plain, tmp_path / "docs", FILES, "board")
    with plain.database.transaction(STRANGER) as connection:
        for table in ("document", "revision", "chunk", "chunk_vector", "chunk_terms", "label", "source"):
            rows = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(table))).fetchall()
            assert rows == [], table
    assert found(plain, "soup", STRANGER) == []


def test_nobody_but_the_owner_writes(plain: Workbench, tmp_path: Path) -> None:
    add_files(plain, tmp_path / "docs", FILES, "everyone")
    with plain.database.transaction(STRANGER) as connection:
        for table in ("document", "revision", "chunk", "chunk_vector", "chunk_terms"):
            deleted = connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
            assert deleted.rowcount == 0, table
    assert len(plain.library.documents(STRANGER)) == 2
