"""A copy of the library to try changes on: beside it in the same PostgreSQL, and gone afterwards.

It is a schema of its own, made by the same migrations: labels and row-level security hold in it as in the library.
What search and answers need is copied row by row, vectors as they are, so nothing is embedded again. Not a database
copied as a template, for which PostgreSQL wants all others to be disconnected and a right that few roles have.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from ragraft.database.migrate import migrate
from ragraft.database.pool import Connection, Database, scalar
from ragraft.documents.collection import Collection, find_collection
from ragraft.errors import DatabaseError

__all__ = ["copied_library", "drop_left_copies"]

COPY_LOCK = 0x7261_6370  # "racp", and a digest of the name: held for as long as a copy is in use
MARK = "ragraft: a copy to try changes on, dropped after use"
"""The comment on such a schema: one of the user's own that happens to have such a name is never dropped."""

ROWS = {
    "label": "collection = %(collection)s",
    "source": "collection = %(collection)s",
    "document": "collection = %(collection)s and removed_at is null",
    "revision": "collection = %(collection)s and valid_to is null",
    "chunk": "collection = %(collection)s",
    "chunk_vector": "space = %(space)s",
    "chunk_terms": "collection = %(collection)s",
    "language_count": "collection = %(collection)s and chunks > 0",
    "term_count": "collection = %(collection)s and chunks > 0",
}
"""What is copied of each table: what is live, in the order in which the rows refer to each other."""

SEQUENCES = ("label_id_seq", "source_id_seq", "document_id_seq", "chunk_id")


@contextmanager
def copied_library(
    database: Database, *, open_schema: Callable[[str], Database], name: str = "default"
) -> Iterator[Database]:
    """Yield a copy of a collection's live documents, which is dropped when the block ends, however it ends.

    `open_schema` opens a schema of the same PostgreSQL by name. The copy has no history, no audit, no examples and no
    adapters. What a killed process left is dropped by the next copy, or by `drop_left_copies`.

    Raises: DatabaseError if the database cannot be reached or the login role may not make schemas.
    """
    drop_left_copies(database)
    schema = f"{database.schema}_copy_{secrets.token_hex(3)}"  # 63 characters at most, as PostgreSQL has it
    with database.administration() as keeper:
        keeper.execute("select pg_advisory_lock(%s, hashtext(%s))", (COPY_LOCK, schema))
        copy = open_schema(schema)
        try:
            _make_schema(keeper, schema)
            migrate(copy)
            _copy_rows(copy, source=database.schema, name=name)
            yield copy
        finally:
            copy.close()
            _drop(database, schema)


def drop_left_copies(database: Database) -> list[str]:
    """Drop the copies that nobody uses any more, and return the names of those in use."""
    pattern = f"^{database.schema}_copy_[0-9a-f]{{6}}$"
    in_use = []
    with database.administration() as connection:
        rows = connection.execute(
            "select nspname, hashtext(nspname) from pg_namespace"
            " where nspname ~ %s and obj_description(oid, 'pg_namespace') = %s",
            (pattern, MARK),
        ).fetchall()
        for schema, digest in rows:
            if scalar(connection, "select pg_try_advisory_lock(%s, %s)", (COPY_LOCK, digest)):
                _drop(database, schema)
                connection.execute("select pg_advisory_unlock(%s, %s)", (COPY_LOCK, digest))
            else:
                in_use.append(schema)
    return in_use


def _make_schema(connection: Connection, schema: str) -> None:
    name = sql.Identifier(schema)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("create schema {}").format(name))
            connection.execute(sql.SQL("comment on schema {} is {}").format(name, sql.Literal(MARK)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"the login role may not copy the library: {error.diag.message_primary}",
            hint="let an administrator grant the role CREATE on the database",
        ) from error


def _drop(database: Database, schema: str) -> None:
    with database.administration() as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _copy_rows(copy: Database, *, source: str, name: str) -> None:
    """Fill the copy from one snapshot of the library; an empty library gives an empty copy."""
    with copy.administration() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        _search_in(connection, source)
        collection = find_collection(connection, name)
        if collection is None:
            return
        _search_in(connection, copy.schema)
        _make_collection(connection, collection)
        # The policies of the library's tables look up labels by the search path, so it must be the library's.
        _search_in(connection, source)
        for table, chosen in ROWS.items():
            connection.execute(
                sql.SQL("insert into {}.{} overriding system value select * from {} where {}").format(
                    *map(sql.Identifier, (copy.schema, table, table)), sql.SQL(chosen)
                ),
                {"collection": collection.id, "space": collection.space},
            )
        for sequence in SEQUENCES:
            connection.execute(
                sql.SQL("select setval({}, last_value, is_called) from {}").format(
                    sql.Literal(f"{copy.schema}.{sequence}"), sql.Identifier(sequence)
                )
            )
        connection.execute(
            sql.SQL(
                "update {copy}.collection as made set (weights, calibrated_on) = (old.weights, old.calibrated_on)"
                " from collection old where old.id = made.id"
            ).format(copy=sql.Identifier(copy.schema))
        )
        _search_in(connection, copy.schema)
        for table in ROWS:
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))


def _search_in(connection: Connection, schema: str) -> None:
    connection.execute(
        "select set_config('search_path', quote_ident(%s) || ',public', true)",
        (schema,),
    )


def _make_collection(connection: Connection, collection: Collection) -> None:
    """Make the collection with the numbers that it and its space have in the library."""
    for table, number in (("collection", collection.id), ("space", collection.space)):
        connection.execute("select setval(pg_get_serial_sequence(%s, 'id'), %s, false)", (table, number))
    connection.execute(
        "select add_collection(%s, %s, %s)",
        (collection.name, collection.embedder, collection.dimensions),
    )
