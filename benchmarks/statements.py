"""Where a search spends its time: every statement it sends, timed, and the plan of the slowest."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.figures import percentile
from ragraft.database.pool import Connection, Database
from ragraft.types import Caller

__all__ = ["Sent", "WatchedDatabase", "by_statement", "plan_of", "seconds_of"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement, what it was given, and the seconds until its rows were here."""

    statement: str
    parameters: Any
    seconds: float


class _TimedCursor(psycopg.Cursor[Any]):
    """Notes what it executes."""

    log: list[Sent] | None = None

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Execute and note how long it took."""
        began = time.perf_counter()
        result = super().execute(query, params, **options)
        if self.log is not None:
            self.log.append(Sent(str(query), params, time.perf_counter() - began))
        return result


class WatchedDatabase:
    """Stands where a Database is expected and notes what is sent through its transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sent: list[Sent] = []

    @contextmanager
    def transaction(self, caller: Caller, *, read_only: bool = False) -> Iterator[Connection]:
        """Yield the database's own transaction with its statements timed."""
        with self._database.transaction(caller, read_only=read_only) as connection:
            cursor = type("Cursor", (_TimedCursor,), {"log": self.sent})
            usual, connection.cursor_factory = connection.cursor_factory, cursor
            try:
                yield connection
            finally:
                connection.cursor_factory = usual


def seconds_of(sent: Sequence[Sent], *tables: str) -> float:
    """Return the seconds of the statements that read one of the tables."""
    return sum(one.seconds for one in sent if any(f" {table} " in one.statement for table in tables))


def by_statement(sent: list[Sent]) -> dict[str, dict[str, float]]:
    """Return, by statement, how often it was sent and the median and 95th percentile in milliseconds."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in sent:
        times[" ".join(one.statement.split())[:160]].append(one.seconds * 1000)
    return {
        statement: {
            "times": len(each),
            "p50": round(percentile(each, 0.5), 3),
            "p95": round(percentile(each, 0.95), 3),
        }
        for statement, each in sorted(times.items(), key=lambda item: -sum(item[1]))
    }


def plan_of(database: Database, caller: Caller, sent: list[Sent]) -> list[str]:
    """Return what EXPLAIN says of the slowest statement, run again as the same caller.

    The settings that were sent before it in its transaction are sent again.
    """
    at = max(range(len(sent)), key=lambda place: sent[place].seconds)
    before = [one for one in sent[max(0, at - 4) : at] if "set_config" in one.statement]
    with database.transaction(caller, read_only=True) as connection:
        for one in before[-1:]:
            connection.execute(one.statement, one.parameters)
        rows = connection.execute(
            "explain (analyze, buffers) " + sent[at].statement, sent[at].parameters
        ).fetchall()
    return [f"{sent[at].seconds * 1000:.1f} ms: {sent[at].statement}", *(row[0] for row in rows)]
