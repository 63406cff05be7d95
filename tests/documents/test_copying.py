"""A copy of the library: as the library is, apart from it, and gone afterwards."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from copy_world import copied
from ragraft.access.labels import OWNER
from ragraft.database.pool import Database, scalar
from ragraft.documents.copying import MARK, ROWS, copied_library, drop_left_copies
from ragraft.errors import DatabaseError
from ragraft.models.fake import FakeReader
from ragraft.systems import Workbench
from ragraft.types import Caller
from small_world import STRANGER, add_files, dsn_of, found, member, open_schema

FILES = {
    "soup.md": "# Soup\n\nLentil soup on Monday, pumpkin soup on Thursday.",
    "fish.md": "# Fish\n\nTrout on Friday.",
    "bread.md": "# Bread\n\nRye bread every day, with the soup.",
}
TABLES = ("document", "revision", "chunk", "chunk_vector", "chunk_terms", "term_count", "language_count")


def copies(bench: Workbench) -> list[str]:
    with psycopg.connect(dsn_of(bench)) as connection:
        rows = connection.execute("select nspname from pg_namespace where nspname like '%copy%'").fetchall()
    return [name for (name,) in rows]


def hits(bench: Workbench, query: str, caller: Caller) -> list[tuple[str, int, float]]:
    passages = bench.search.retrieve(query, limit=10, caller=caller)
    return [(passage.uri, passage.revision, passage.score) for passage in passages]


@pytest.fixture
def library(bench: Workbench, tmp_path: Path) -> Workbench:
    add_files(
        bench, tmp_path / "open", {"soup.md": FILES["soup.md"], "bread.md": FILES["bread.md"]}, "everyone"
    )
    add_files(bench, tmp_path / "closed", {"fish.md": FILES["fish.md"]}, "board")
    return bench


@pytest.mark.parametrize("caller", [OWNER, STRANGER, member("board")], ids=["owner", "stranger", "board"])
def test_the_copy_finds_what_the_library_finds(library: Workbench, caller: Caller) -> None:
    with copied(library) as copy:
        assert hits(copy.bench, "soup on Friday", caller) == hits(library, "soup on Friday", caller)


def test_nothing_hidden_is_seen_in_the_copy_without_the_predicate(library: Workbench) -> None:
    with copied(library) as copy, copy.bench.database.transaction(STRANGER) as connection:
        for table in ("document", "revision", "chunk", "chunk_vector", "chunk_terms"):
            seen = scalar(
                connection,
                f"select count(*) from {table} where label in (select label from ragraft.document"
                " where uri = 'fish.md')",
            )
            assert seen == 0, table
        assert scalar(connection, "select count(*) from document") == 2


def test_a_stranger_may_not_write_in_the_copy(library: Workbench) -> None:
    with (
        copied(library) as copy,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        copy.bench.database.transaction(STRANGER) as connection,
    ):
        connection.execute("insert into label (collection, groups) values (1, '{everyone}')")


def test_what_is_changed_in_the_copy_leaves_the_library_as_it_was(library: Workbench) -> None:
    before = rows_of(library.database)
    with copied(library) as copy:
        copy.writer.write("soup.md", "# Soup\n\nBorscht on Monday.", caller=OWNER)
        copy.writer.write("new.md", "# Cake\n\nPlum cake.", caller=OWNER)
        copy.bench.library.remove("bread.md", caller=OWNER)
        assert found(copy.bench, "borscht")[0] == "soup.md"
    assert rows_of(library.database) == before


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.transaction(OWNER, read_only=True) as connection:
        return {
            table: connection.execute(f"select * from {table} order by 1, 2, 3").fetchall()
            for table in (*TABLES, "label", "source", "collection")
        }


def test_only_what_is_live_is_copied(library: Workbench, tmp_path: Path) -> None:
    add_files(library, tmp_path / "open", {"soup.md": "# Soup\n\nBorscht on Monday."})
    library.library.remove("bread.md", caller=OWNER)
    with copied(library) as copy:
        database = copy.bench.database
        with database.transaction(OWNER, read_only=True) as connection:
            texts = [
                text for (text,) in connection.execute("select text from revision order by text").fetchall()
            ]
            archived = scalar(connection, "select count(*) from archived_chunk")
        assert texts == [FILES["fish.md"], "# Soup\n\nBorscht on Monday."]
        assert archived == 0
        assert copy.bench.library.revision("soup.md", caller=OWNER).number == 2


def test_the_copy_keeps_the_numbers_of_collection_and_space(library: Workbench) -> None:
    with library.database.administration() as connection:
        connection.execute("select add_space(1, 'another', 64)")
        connection.execute(
            "insert into chunk_vector (collection, id, document, label, language, vector, space)"
            " select collection, id, document, label, language, vector, 2 from chunk_vector"
        )
        connection.execute("update collection set space = 2")
    with copied(library) as copy, copy.bench.database.transaction(OWNER) as connection:
        assert connection.execute("select id, space from collection").fetchall() == [(1, 2)]
        assert connection.execute("select distinct space from chunk_vector").fetchall() == [(2,)]


def test_how_the_legs_of_the_search_are_weighed_is_copied(library: Workbench) -> None:
    with library.database.transaction(OWNER) as connection:
        connection.execute("""update collection set weights = '{"en": {"dense": 0.2}}', calibrated_on = 3""")
    with copied(library) as copy, copy.bench.database.transaction(OWNER) as connection:
        rows = connection.execute("select weights, calibrated_on from collection").fetchall()
        assert rows == [({"en": {"dense": 0.2}}, 3)]


def test_an_empty_library_has_an_empty_copy(bench: Workbench) -> None:
    with copied(bench) as copy:
        assert copy.bench.library.documents(OWNER) == []
        copy.writer.write("first.md", "# Soup\n\nLentil soup.", caller=OWNER)
        assert found(copy.bench, "lentil") == ["first.md"]


def test_the_copy_has_no_audit_of_the_library(library: Workbench) -> None:
    with copied(library) as copy:
        assert copy.bench.audit.entries() == []
        copy.bench.library.documents(OWNER)
        assert copy.bench.audit.verify().faults == ()
    assert library.audit.verify().faults == ()


def test_the_copy_is_gone_after_the_block(library: Workbench) -> None:
    with copied(library):
        assert len(copies(library)) == 1
    assert copies(library) == []


def test_the_copy_is_gone_after_an_error_in_the_block(library: Workbench) -> None:
    with pytest.raises(ZeroDivisionError), copied(library):
        _ = 1 / 0
    assert copies(library) == []


def test_a_copy_that_could_not_be_filled_is_gone(library: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "no_such_table", "true")
    with pytest.raises(psycopg.errors.UndefinedTable), copied(library):
        pass
    assert copies(library) == []


def test_what_a_killed_process_left_is_dropped_by_the_next_copy(library: Workbench) -> None:
    with psycopg.connect(dsn_of(library), autocommit=True) as connection:
        connection.execute("create schema ragraft_copy_abc123")
        connection.execute(sql.SQL("comment on schema ragraft_copy_abc123 is {}").format(sql.Literal(MARK)))
    with copied(library):
        assert "ragraft_copy_abc123" not in copies(library)


def test_a_copy_in_use_is_left_alone_and_named(library: Workbench) -> None:
    with copied(library) as first:
        with copied(library):
            assert len(copies(library)) == 2
        assert drop_left_copies(library.database) == [first.bench.database.schema]
        assert found(first.bench, "trout")[0] == "fish.md"


def test_a_schema_of_the_users_own_with_such_a_name_is_left_alone(library: Workbench) -> None:
    with psycopg.connect(dsn_of(library), autocommit=True) as connection:
        connection.execute("create schema ragraft_copy_abc123")
    assert drop_left_copies(library.database) == []
    assert copies(library) == ["ragraft_copy_abc123"]


def test_the_library_is_written_to_while_a_copy_is_made(library: Workbench, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        for number in range(5):
            add_files(library, tmp_path / "open", {"soup.md": f"# Soup\n\nSoup number {number}."})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    with copied_library(library.database, open_schema=library.database.beside) as copy:
        writer.join()
        assert done.is_set()
        with copy.transaction(OWNER, read_only=True) as connection:
            mixed = scalar(
                connection,
                "select count(*) from chunk c join document d on d.id = c.document"
                " where c.revision <> d.revision",
            )
            texts = scalar(connection, "select count(*) from revision")
    assert (mixed, texts) == (0, 3)


@pytest.fixture
def plain_dsn(server_dsn: str, template: str) -> Iterator[str]:
    """The connection string of a role that owns a database with pgvector, and no more."""
    assert template  # which has made the application's role
    name = f"ragraft_plain_{uuid.uuid4().hex[:8]}"
    role, password = sql.Identifier(name), sql.Literal(uuid.uuid4().hex)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        if connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() != (
            True,
        ):
            pytest.skip("only a superuser can make the role for this test")
        connection.execute(sql.SQL("create role {} login password {}").format(role, password))
        connection.execute(sql.SQL("create database {} owner {}").format(role, role))
        with psycopg.connect(make_conninfo(server_dsn, dbname=name), autocommit=True) as inside:
            inside.execute("create extension vector schema public")
        yield make_conninfo(server_dsn, dbname=name, user=name, password=password.as_string().strip("'"))
        connection.execute(sql.SQL("drop database {} with (force)").format(role))
        connection.execute(sql.SQL("drop role {}").format(role))


def test_a_role_without_rights_of_an_administrator_makes_a_copy_with_labels(
    plain_dsn: str, tmp_path: Path
) -> None:
    with open_schema(tmp_path / "workspace", plain_dsn) as bench:
        bench.reader = FakeReader()
        add_files(bench, tmp_path / "open", {"soup.md": FILES["soup.md"]}, "everyone")
        add_files(bench, tmp_path / "closed", {"fish.md": FILES["fish.md"]}, "board")
        with copied(bench) as copy:
            assert set(found(copy.bench, "trout soup")) == {"soup.md", "fish.md"}
            assert found(copy.bench, "trout soup", STRANGER) == ["soup.md"]
            with copy.bench.database.transaction(STRANGER) as connection:
                assert scalar(connection, "select count(*) from chunk") == 1
        assert copies(bench) == []


def test_a_role_that_may_not_make_schemas_is_told_what_it_needs(plain_dsn: str, tmp_path: Path) -> None:
    with open_schema(tmp_path / "workspace", plain_dsn) as bench:
        bench.reader = FakeReader()
        add_files(bench, tmp_path / "open", {"soup.md": FILES["soup.md"]})
        with bench.database.administration() as connection:
            role = scalar(connection, "select current_user")
            connection.execute(
                sql.SQL("revoke create on database {} from {}").format(*[sql.Identifier(role)] * 2)
            )
        with pytest.raises(DatabaseError, match="may not copy the library") as caught, copied(bench):
            pass
    assert "CREATE" in (caught.value.hint or "")
