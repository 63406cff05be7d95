"""Connections: who a transaction acts for is set when it begins and forgotten when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from ragraft.errors import DatabaseError
from ragraft.types import EVERYONE, Caller

__all__ = ["APP_ROLE", "Connection", "Database"]

Connection = psycopg.Connection[TupleRow]

APP_ROLE = "ragraft_app"
"""The role that row-level security is forced upon; it owns nothing and cannot log in."""


class Database:
    """A pool of connections to one schema; threads may share it.

    `conninfo` is called for every new connection: the embedded server is started, or started again
    after a crash, by the act of connecting to it.
    """

    def __init__(self, *, conninfo: Callable[[], str], schema: str = "ragraft", pool_size: int = 4) -> None:
        self.schema = schema
        self._conninfo = conninfo
        self._pool_size = pool_size
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = threading.Lock()
        self._has_role = False

    def beside(self, schema: str) -> Database:
        """Return another schema of the same PostgreSQL, with a pool of its own."""
        return Database(conninfo=self._conninfo, schema=schema, pool_size=self._pool_size)

    def close(self) -> None:
        """Give the connections back; the database may be used again afterwards."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @contextmanager
    def transaction(self, caller: Caller, *, read_only: bool = False) -> Iterator[Connection]:
        """Yield a connection inside one transaction that sees what `caller` may see.

        Commits when the block ends, rolls back when it raises.
        Raises: DatabaseError if the database cannot be reached.
        """
        with self._connection() as connection, connection.transaction():
            self._act_for(connection, caller, read_only=read_only)
            yield connection

    @contextmanager
    def administration(self) -> Iterator[Connection]:
        """Yield a connection in autocommit mode under the login role: migrations, VACUUM, checkpoints."""
        with self._translated(), self._connect() as connection:
            connection.autocommit = True
            # Row-level security is forced upon the tables' owner too, unless it is a superuser.
            connection.execute("select set_config('ragraft.owner', 'on', false)")
            yield connection

    def use_app_role(self) -> None:
        """From now on act as the application role; called once the migrations have made it."""
        self._has_role = True

    def _act_for(self, connection: Connection, caller: Caller, *, read_only: bool) -> None:
        """State the caller and take the application role, for this transaction alone."""
        if read_only:
            connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(
            "select set_config('ragraft.groups', %s::text[]::text, true), set_config('ragraft.owner', %s, true),"
            " set_config('role', %s, true)",
            (
                sorted(caller.groups | {EVERYONE}),
                "on" if caller.owner else "off",
                APP_ROLE if self._has_role else "none",
            ),
        )

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        pool = self._open_pool()
        with self._translated(), pool.connection() as connection:
            yield connection

    def _open_pool(self) -> ConnectionPool[Connection]:
        with self._opening:
            if self._pool is None:
                # A pool would try again in the background for minutes; one plain attempt fails at once,
                # with PostgreSQL's own words.
                with self._translated():
                    self._connect().close()
                self._pool = ConnectionPool(
                    self._conninfo,
                    min_size=1,
                    max_size=self._pool_size,
                    kwargs={"options": self._options(), "prepare_threshold": 3},
                    configure=_configure,
                    check=ConnectionPool.check_connection,
                    timeout=60.0,
                    open=True,
                )
            return self._pool

    def _connect(self) -> Connection:
        try:
            return psycopg.connect(self._conninfo(), options=self._options(), connect_timeout=15)
        except psycopg.OperationalError:
            # A server that died right after it was asked for is started again by asking again.
            return psycopg.connect(self._conninfo(), options=self._options(), connect_timeout=15)

    def _options(self) -> str:
        return f"-c search_path={self.schema},public -c timezone=UTC"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the driver's connection errors into ours; leave errors of statements alone."""
        try:
            yield
        except PoolTimeout as error:
            raise DatabaseError("no database connection became free within 60 s") from error
        except psycopg.OperationalError as error:
            raise DatabaseError(
                f"the database cannot be used: {' '.join(str(error).split())}",
                hint="`ragraft doctor` shows which database is meant and whether it answers",
            ) from error


def _configure(connection: Connection) -> None:
    register_vector(connection)
    connection.commit()


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Return True as soon as `condition` holds, False if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def scalar(connection: Connection, query: Any, parameters: Any = None) -> Any:
    """Return the first column of the only row of a query."""
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise DatabaseError("a query that always gives a row gave none")
    return row[0]
