"""Bringing a database to this version's schema."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ragraft.database.migrate import known_migrations, migrate
from ragraft.database.pool import Database
from ragraft.errors import DatabaseError, WorkspaceError
from ragraft.types import Caller


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    numbers = [step.number for step in known_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_second_migration_applies_nothing(empty_dsn: str) -> None:
    database = Database(conninfo=lambda: empty_dsn)
    assert migrate(database) == [step.number for step in known_migrations()]
    assert migrate(database) == []
    database.close()


def test_an_interrupted_migration_leaves_nothing_and_can_be_repeated(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(conninfo=lambda: empty_dsn)
    steps = known_migrations()
    broken = [steps[0], type(steps[0])(2, "broken", "select 1 / 0")]
    with monkeypatch.context() as patch:
        patch.setattr("ragraft.database.migrate.known_migrations", lambda: broken)
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(database)
    with psycopg.connect(empty_dsn) as connection:
        assert connection.execute("select to_regclass('ragraft.document')").fetchone() == (None,)
    assert migrate(database) == [step.number for step in steps]
    database.close()


def test_an_older_library_gets_only_the_steps_it_lacks(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(conninfo=lambda: dsn)
    steps = known_migrations()
    later = type(steps[0])(steps[-1].number + 1, "later", "create table later (id integer)")
    monkeypatch.setattr("ragraft.database.migrate.known_migrations", lambda: [*steps, later])
    assert migrate(database) == [later.number]
    database.close()


def test_a_newer_library_is_refused_with_what_to_do(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into ragraft.migration values (9999, 'from the future')")
    database = Database(conninfo=lambda: dsn)
    with pytest.raises(WorkspaceError, match=r"newer ragraft.*9999") as caught:
        migrate(database)
    assert caught.value.hint is not None
    assert "upgrade" in caught.value.hint


def test_two_processes_migrating_at_once_apply_each_step_once(empty_dsn: str) -> None:
    databases = [Database(conninfo=lambda: empty_dsn) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, databases))
    with psycopg.connect(empty_dsn) as connection:
        count = connection.execute("select count(*) from ragraft.migration").fetchone()
    assert count == (len(known_migrations()),)


def test_an_unreachable_database_is_one_clear_error() -> None:
    database = Database(conninfo=lambda: "host=127.0.0.1 port=1 dbname=none connect_timeout=2")
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        migrate(database)
    assert caught.value.hint is not None


def test_a_transaction_without_a_role_of_its_own_sees_nothing_of_others(dsn: str) -> None:
    database = Database(conninfo=lambda: dsn)
    migrate(database)
    with database.transaction(Caller("somebody")) as connection:
        row = connection.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
    assert row == (False, False)
    database.close()
