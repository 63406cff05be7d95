"""Replacing a document is one transaction: readers, and whoever looks after a failure, see all old or all new."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import psycopg
import pytest

from ragraft.access.labels import OWNER
from ragraft.systems import Workbench
from small_world import add, add_files, found, member, write_files

OLD = "# Menu\n\nLentil soup.\n\n" + "\n\n".join(f"## Dish {n}\n\nOld dish number {n}." for n in range(3))
NEW = "# Speisekarte\n\n" + "\n\n".join(f"## Gericht {n}\n\nNew dish number {n}." for n in range(5))

TABLES = (
    "document", "label", "revision", "chunk", "chunk_vector", "chunk_terms", "archived_chunk",
    "term_count where chunks <> 0", "language_count where chunks <> 0", "audit",
)  # fmt: skip


class RefusedError(Exception):
    """What the injected fault raises."""


def contents(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table that a replacement writes to."""
    with psycopg.connect(dsn, options="-c search_path=ragraft,public") as connection:
        return {
            table: connection.execute(f"select * from {table} order by 1, 2, 3").fetchall()
            for table in TABLES
        }


@contextmanager
def failing_at(statement: int, *, after: bool) -> Iterator[list[str]]:
    """Let the given statement, counted from 0, fail before or after the database has carried it out.

    Yields the statements that came so far.
    """
    seen: list[str] = []
    patch = pytest.MonkeyPatch()
    for name in ("execute", "executemany"):
        original = getattr(psycopg.Cursor, name)

        def run(self: Any, query: Any, *rest: Any, original: Any = original, **more: Any) -> Any:
            if not query or current_thread() is not main_thread():
                return original(self, query, *rest, **more)  # the pool's own
            seen.append(str(query))
            if len(seen) - 1 == statement and not after:
                raise RefusedError
            result = original(self, query, *rest, **more)
            if len(seen) - 1 == statement:
                raise RefusedError
            return result

        patch.setattr(psycopg.Cursor, name, run)
    try:
        yield seen
    finally:
        patch.undo()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_fault_at_any_statement_leaves_all_old(
    after: bool, bench: Workbench, dsn: str, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "docs", {"menu.md": OLD}, "staff")
    write_files(tmp_path / "docs", {"menu.md": NEW})
    before = contents(dsn)
    for number in itertools.count():
        with failing_at(number, after=after) as seen:
            try:
                report = add(bench, tmp_path / "docs", "staff", "board")
            except RefusedError:
                report = None
        changed = {name: rows for name, rows in contents(dsn).items() if rows != before[name]}
        changed.pop("label", None)  # a label without documents is no document's state
        if report is not None:
            break
        assert changed == {}, f"after a fault at {seen[-1]}"
    assert number > 20
    assert report.replaced == 1
    assert set(changed) == set(TABLES) - {"label"}


@pytest.mark.parametrize("action", ["remove", "erase", "relabel"])
def test_a_fault_at_any_statement_of_a_withdrawal_leaves_all_old(
    action: str, bench: Workbench, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_files(bench, tmp_path / "docs", {"menu.md": OLD}, "staff")
    actions: dict[str, Callable[[], object]] = {
        "remove": lambda: bench.library.remove("menu.md", caller=OWNER),
        "erase": lambda: bench.eraser.erase("menu.md", caller=OWNER),
        "relabel": lambda: add(bench, tmp_path / "docs", "board"),
    }
    monkeypatch.setattr("ragraft.documents.erase.Eraser.finish", lambda *_, **__: 0)
    before = contents(dsn)
    for number in itertools.count():
        with failing_at(number, after=True) as seen:
            try:
                actions[action]()
                break
            except RefusedError:
                pass
        if "insert into audit" in seen[-1]:
            break  # the entry is the last thing of the transaction
        now = contents(dsn)
        assert {name for name in now if now[name] != before[name]} <= {"label"}, (
            f"after a fault at {seen[-1]}"
        )
    assert number > 5


def test_readers_beside_a_replacement_see_one_revision_whole(
    open_bench: Callable[[], Workbench], tmp_path: Path
) -> None:
    texts = {0: "even " * 4, 1: "odd " * 4}
    sections = {
        n: "\n\n".join(f"# Part {p}\n\n{text} part {p}." for p in range(4)) for n, text in texts.items()
    }
    writer, reader = open_bench(), open_bench()
    add_files(writer, tmp_path / "docs", {"a.md": sections[0]})
    done, problems, searches = Event(), [], 0

    def replace_often() -> None:
        try:
            for number in range(1, 16):
                add_files(
                    writer, tmp_path / "docs", {"a.md": sections[number % 2] + f"\n\nEdition {number}."}
                )
        finally:
            done.set()

    thread = Thread(target=replace_often)
    thread.start()
    while not done.is_set():
        passages = reader.search.retrieve("part even odd", limit=20, caller=OWNER)
        searches += 1
        odd = {"odd" in passage.chunk.text for passage in passages if "part" in passage.chunk.text}
        if len({passage.revision for passage in passages}) != 1 or len(odd) != 1:
            problems.append(passages)
    thread.join()
    assert searches > 5
    assert problems == []


def test_the_next_query_sees_a_replacement(open_bench: Callable[[], Workbench], tmp_path: Path) -> None:
    writer, reader = open_bench(), open_bench()
    add_files(writer, tmp_path / "docs", {"a.md": OLD}, "staff")
    assert found(reader, "lentil soup", member("staff"))
    add_files(writer, tmp_path / "docs", {"a.md": "# Menu\n\nTrout with almonds."})
    (passage,) = reader.search.retrieve("trout almonds", limit=5, caller=member("staff"))
    assert (passage.chunk.text.split()[-1], passage.revision) == ("almonds.", 2)


def test_a_replacement_with_fewer_passages_leaves_none_behind(bench: Workbench, tmp_path: Path) -> None:
    add_files(
        bench, tmp_path / "docs", {"a.md": "\n\n".join(f"# Part {n}\n\n{'word ' * 150}" for n in range(6))}
    )
    many = bench.library.status(OWNER).chunks
    add_files(bench, tmp_path / "docs", {"a.md": "# One\n\nShort."})
    assert many > 1
    assert bench.library.status(OWNER).chunks == 1
    assert {p.revision for p in bench.search.retrieve("word part short", limit=20, caller=OWNER)} == {2}
