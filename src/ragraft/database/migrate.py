"""Bring a database to this version's schema: numbered SQL files, each applied once, in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

from ragraft.database.pool import APP_ROLE, Connection, Database, scalar
from ragraft.errors import DatabaseError, WorkspaceError

__all__ = ["Migration", "known_migrations", "migrate"]

LOCK = 0x7261_6772  # "ragr": one process migrates, the others wait


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    statements: str


def known_migrations() -> list[Migration]:
    """Return the steps that this version ships, in order."""
    found = [
        Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8"))
        for entry in files("ragraft.database").joinpath("migrations").iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name))
    ]
    return sorted(found, key=lambda step: step.number)


def migrate(database: Database) -> list[int]:
    """Apply the steps the database lacks and return their numbers.

    Raises: WorkspaceError if the database was made by a newer version; DatabaseError if pgvector is
    missing or the login role may not create what is needed.
    """
    steps = known_migrations()
    with database.administration() as connection:
        done = _applied(connection, database.schema)
        if unknown := done - {step.number for step in steps}:
            raise WorkspaceError(
                f"this library was made by a newer ragraft (schema {max(unknown)}, this version knows {steps[-1].number})",
                hint="upgrade ragraft, or use another workspace",
            )
        missing = [step for step in steps if step.number not in done]
        if missing:
            _apply(connection, database.schema, missing)
        if _acts_as_app_role(connection):
            database.use_app_role()
    return [step.number for step in missing]


def _applied(connection: Connection, schema: str) -> set[int]:
    table = scalar(connection, "select to_regclass(%s)", (f"{schema}.migration",))
    if table is None:
        return set()
    return {row[0] for row in connection.execute("select number from migration").fetchall()}


def _apply(connection: Connection, schema: str, missing: list[Migration]) -> None:
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        done = _applied(connection, schema)  # another process may have been here while we waited
        if not done:
            _prepare(connection, schema)
        for step in missing:
            if step.number not in done:
                connection.execute(step.statements.encode())
                connection.execute("insert into migration values (%s, %s)", (step.number, step.name))
        _grant(connection, schema)


def _prepare(connection: Connection, schema: str) -> None:
    """Make the schema, the extension and the role, each with a clear error where we may not."""
    try:
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        connection.execute("create extension if not exists vector with schema public")
    except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as error:
        raise DatabaseError(
            "this PostgreSQL has no pgvector", hint="install pgvector 0.8 or newer on the database server"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"the login role may not set up the library: {error.diag.message_primary}",
            hint="let an administrator run `create extension vector` and grant the role CREATE on the database",
        ) from error
    version = scalar(connection, "select extversion from pg_extension where extname = 'vector'")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (0, 8):
        raise DatabaseError(f"pgvector {version} is too old", hint="ragraft needs pgvector 0.8 or newer")
    _make_role(connection)
    connection.execute(
        "create table if not exists migration (number integer primary key, name text not null,"
        " applied_at timestamptz not null default clock_timestamp())"
    )


def _make_role(connection: Connection) -> None:
    """Make the role that row-level security binds, or make sure that it binds the login role itself."""
    row = connection.execute(
        "select rolsuper or rolcreaterole, rolsuper or rolbypassrls,"
        " exists (select from pg_roles where rolname = %s) from pg_roles where rolname = current_user",
        (APP_ROLE,),
    ).fetchone()
    may_create, bypasses, exists = row if row is not None else (False, True, False)
    if not exists and may_create:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(APP_ROLE)))
        exists = True
    if may_create:
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(APP_ROLE)))
    elif bypasses:
        raise DatabaseError(
            "the login role bypasses row-level security and may not create a role that does not",
            hint=f"let an administrator run `create role {APP_ROLE} nologin` and grant it to the login role",
        )


def _grant(connection: Connection, schema: str) -> None:
    if not _acts_as_app_role(connection):
        return
    role, name = sql.Identifier(APP_ROLE), sql.Identifier(schema)
    for statement in (
        "grant usage on schema {name} to {role}",
        "grant select, insert, update, delete on all tables in schema {name} to {role}",
        "grant usage on all sequences in schema {name} to {role}",
        "revoke update, delete, truncate on {name}.audit, {name}.audit_key from {role}",
        "revoke insert, update, delete on {name}.migration from {role}",
    ):
        connection.execute(sql.SQL(statement).format(name=name, role=role))


def _acts_as_app_role(connection: Connection) -> bool:
    return bool(
        scalar(
            connection,
            "select coalesce((select pg_has_role(current_user, oid, 'MEMBER') from pg_roles where rolname = %s), false)",
            (APP_ROLE,),
        )
    )
