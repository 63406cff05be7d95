"""Row-level security alone: with no predicate in the statement, nothing hidden is seen or changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, scalar
from ragraft.systems import Workbench
from ragraft.types import Caller
from small_world import STRANGER, add, add_files, own_library, write_files

OPEN = {
    "menu.md": "# Menu\n\nLentil soup on Monday, trout on Friday, and the price is three francs.",
    "hours.md": "# Hours\n\nThe canteen opens at eleven. The price list hangs at the door.",
    "guests.md": "# Guests\n\nGuests pay the full price of nine francs for soup and trout.",
}
LATER = {"menu.md": "# Menu\n\nPumpkin soup on Monday, pike on Friday, and the price is four francs."}
SECRET = {
    "merger.md": "# Merger with Quokka\n\nThe price for Quokka is nine francs a share, soup or trout.",
    "deep/pay.md": "# Salaries\n\nThe canteen's cook earns more than the price list of the board says.",
}
SECRET_LATER = {"merger.md": "# Merger off\n\nQuokka refused the price of nine francs. No soup, no trout."}


SECRET_WORDS = ("quokka", "merger", "vault", "salaries", "boardroom")


@pytest.fixture(scope="module")
def guarded(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A library with open and secret documents, the secret ones with revisions, in a folder of their own."""
    tmp_path = tmp_path_factory.mktemp("guarded")
    with own_library(server_dsn, template, tmp_path) as bench:
        fill(bench, tmp_path)
        yield bench


def fill(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "open", OPEN, "everyone")
    secret = write_files(
        tmp_path / "vault", {"merger.md": SECRET["merger.md"], "pay.md": SECRET["deep/pay.md"]}
    )
    add(bench, secret, "boardroom")
    add_files(bench, secret, SECRET_LATER)
    (secret / "pay.md").unlink()
    add(bench, secret)
    with bench.database.administration() as connection:
        connection.execute("insert into erasure (collection, document) values (1, 1)")


def tables(bench: Workbench) -> list[str]:
    with bench.database.transaction(OWNER) as connection:
        rows = connection.execute(
            "select relname from pg_class where relnamespace = 'ragraft'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
        ).fetchall()
    return sorted(name for (name,) in rows)


def everything(connection: Connection, table: str) -> list[str]:
    """Return each row of a table as text, all that the transaction's caller may read."""
    statement = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
    with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
        return [row for (row,) in connection.execute(statement).fetchall()]
    return []


def test_no_table_shows_a_stranger_anything_of_a_secret(guarded: Workbench) -> None:
    with guarded.database.transaction(OWNER) as connection:
        secret_numbers = [
            row[0]
            for row in connection.execute(
                "select id::text from chunk where label in (select id from label where 'boardroom' = any(groups))"
            ).fetchall()
        ]
        owner_sees = {name: everything(connection, name) for name in tables(guarded)}
    with guarded.database.transaction(STRANGER) as connection:
        stranger_sees = {name: everything(connection, name) for name in tables(guarded)}
    shown = {
        name: word
        for name, rows in stranger_sees.items()
        for row in rows
        for word in SECRET_WORDS
        if word in row.casefold() and name != "audit"  # which names no document but by its number
    }
    assert shown == {}
    assert secret_numbers
    for name in ("document", "revision", "chunk", "chunk_vector", "chunk_terms", "archived_chunk",
                 "language_count", "term_count", "label", "source"):  # fmt: skip
        assert len(stranger_sees[name]) < len(owner_sees[name]), name


def test_a_transaction_that_names_no_caller_sees_nothing(guarded: Workbench) -> None:
    with guarded.database.transaction(STRANGER) as connection:
        connection.execute(
            "select set_config('ragraft.groups', '', true), set_config('ragraft.owner', '', true)"
        )
        for table in ("document", "revision", "chunk", "chunk_vector", "chunk_terms", "archived_chunk"):
            assert everything(connection, table) == []


def test_a_pooled_connection_forgets_the_caller_before(guarded: Workbench) -> None:
    with guarded.database.transaction(OWNER) as connection:
        everyone = len(everything(connection, "document"))
    with guarded.database.transaction(STRANGER) as connection:
        assert len(everything(connection, "document")) < everyone
        assert scalar(connection, "select current_setting('ragraft.owner', true)") == "off"
    with guarded.database._open_pool().connection() as connection:
        assert scalar(connection, "select current_setting('ragraft.owner', true)") in (None, "")


INSERTS = [
    "insert into document (collection, uri, source, path, label, title, revision, content_hash, chunks, tokens, added_at)"
    " select collection, 'x', source, 'x', label, title, revision, content_hash, chunks, tokens, added_at from document",
    "insert into revision select collection, document, 99, label, title, text, language, media_type, pages, metadata,"
    " valid_from, valid_to from revision",
    "insert into chunk select collection, 99, document, revision, label, 0, 1, null, 1, '', 'x' from chunk limit 1",
    "insert into chunk_vector select * from chunk_vector",
    "insert into chunk_terms select * from chunk_terms",
    "insert into language_count select collection, label, 'xx', 1 from language_count",
    "insert into term_count select collection, 1, label, 1 from term_count limit 1",
    "insert into label (collection, groups) values (1, '{everyone, me}')",
    "insert into source (collection, kind, location) values (1, 'url', 'x')",
    "insert into collection (name, embedder, dimensions) values ('x', 'x', 8)",
    "insert into erasure (collection, document) values (1, 1)",
    "insert into migration values (99, 'x')",
]  # fmt: skip
CHANGES = [
    "update document set title = 'mine'",
    "update document set label = (select min(label) from document)",
    "update revision set text = 'mine'",
    "update chunk set text = 'mine'",
    "update chunk_vector set label = label",
    "update chunk_terms set label = label",
    "update archived_chunk set text = 'mine'",
    "update language_count set chunks = 0",
    "update term_count set chunks = 0",
    "update label set groups = groups || '{me}'",
    "update source set location = location || 'x'",
    "update collection set embedder = 'mine'",
    "delete from erasure",
    "delete from chunk_vector",
    "delete from chunk_terms",
    "delete from chunk",
    "delete from archived_chunk",
    "delete from language_count",
    "delete from term_count",
    "delete from revision",
    "delete from document",
]


def written(bench: Workbench, statements: list[str], caller: Caller) -> list[str]:
    """Return those of the statements that change at least one row for a caller; nothing is kept."""
    worked = []
    with bench.database.transaction(caller) as connection:
        for statement in statements:
            with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction(force_rollback=True):
                if connection.execute(statement.encode()).rowcount:
                    worked.append(statement)
    return worked


def test_nobody_but_the_owner_inserts_a_row(guarded: Workbench) -> None:
    assert written(guarded, INSERTS, STRANGER) == []


def test_nobody_but_the_owner_changes_or_deletes_a_row(guarded: Workbench) -> None:
    assert written(guarded, CHANGES, STRANGER) == []
    # The owner's role may do each of these, so that it is the rights and not the statement that stop others.
    assert written(guarded, CHANGES, OWNER) == CHANGES


def test_a_read_only_transaction_of_the_owner_writes_nothing(guarded: Workbench) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        with guarded.database.transaction(OWNER, read_only=True) as connection:
            connection.execute("update document set title = 'x'")
