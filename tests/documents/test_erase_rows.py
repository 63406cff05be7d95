"""Erasing, seen from the rows: what is gone, what stays, and in which order locks are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ragraft.access.labels import OWNER
from ragraft.documents.write import lock_for_writing
from ragraft.errors import NotFoundError
from ragraft.retrieve.lexical import count_terms
from ragraft.systems import Workbench
from small_world import STRANGER, add, add_files, found, label, member, secret


def test_an_erased_document_is_found_nowhere(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": secret("koala"), "b.md": "# B\n\nOther."}, "everyone")
    bench.eraser.erase("a.md", caller=OWNER)
    for caller in (OWNER, STRANGER):
        assert found(bench, "koala-medicine", caller) == ["b.md"]
        assert [document.uri for document in bench.library.documents(caller)] == ["b.md"]
    with pytest.raises(NotFoundError):
        bench.eraser.erase("a.md", caller=OWNER)


def test_no_row_names_an_erased_document(bench: Workbench, dsn: str, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": secret("koala")}, "everyone")
    number = bench.eraser.erase("a.md", caller=OWNER).document
    with psycopg.connect(dsn, options="-c search_path=ragraft,public") as connection:
        tables = ("document", "revision", "chunk", "chunk_vector", "chunk_terms", "archived_chunk", "erasure")
        for table in tables:
            column = "id" if table == "document" else "document"
            query = f"select count(*) from {table} where {column} = %s"
            assert connection.execute(query.encode(), (number,)).fetchone() == (0,), table
        counted = connection.execute("select count(*) from term_count").fetchone()
    assert counted == (0,)


def test_terms_that_another_document_has_keep_their_counts(
    bench: Workbench, dsn: str, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "soup and trout", "b.md": "soup and cake"})
    bench.eraser.erase("a.md", caller=OWNER)
    with psycopg.connect(dsn) as connection:
        counts = dict(connection.execute("select term, chunks from ragraft.term_count").fetchall())
    assert set(count_terms("soup and cake", language="")) <= set(counts)
    assert set(counts.values()) == {1}


def test_where_the_files_are_not_ours_the_receipt_says_so(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": secret("koala")})
    receipt = bench.eraser.erase("a.md", caller=OWNER)
    assert receipt.found_afterwards is None
    assert any("external PostgreSQL" in limit for limit in receipt.limits)


def test_an_erased_file_that_is_still_there_is_a_new_document(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": secret("koala")})
    number = bench.eraser.erase("a.md", caller=OWNER).document
    assert add(bench, tmp_path / "docs").added == 1
    (document,) = bench.library.documents(OWNER)
    assert document.revision == 1
    assert bench.audit.entries(limit=2)[0].detail["document"] != number


def test_finishing_with_nothing_pending_does_nothing(bench: Workbench) -> None:
    assert bench.eraser.finish() == 0
    assert bench.audit.entries() == []


def test_an_erasure_takes_its_locks_in_the_order_of_a_replacement(
    open_bench: Callable[[], Workbench], tmp_path: Path
) -> None:
    writer, eraser = open_bench(), open_bench()
    add_files(writer, tmp_path / "docs", {"a.md": secret("koala")})
    with ThreadPoolExecutor(1) as threads:
        with writer.database.transaction(OWNER) as connection:
            lock_for_writing(connection, 1)
            erasing = threads.submit(eraser.eraser.erase, "a.md", caller=OWNER)
            with pytest.raises(TimeoutError):
                erasing.result(0.5)
            connection.execute("set local lock_timeout = '5s'")
            connection.execute("select from document where uri = 'a.md' for update")
        assert erasing.result(30).revisions == 1


@pytest.mark.parametrize("text", ["Hi.", "---", "x" * 500, "ab " * 200])
def test_a_text_that_tells_nothing_is_erased_and_not_looked_for(
    text: str, bench: Workbench, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": text})
    assert bench.eraser.erase("a.md", caller=OWNER).looked_for == 0


def test_a_short_text_that_is_its_own_is_looked_for_whole(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "The code is 4711-XY."})
    assert bench.eraser.erase("a.md", caller=OWNER).looked_for == 1


def test_hashes_are_of_the_files(bench: Workbench, dsn: str, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "soup"})
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select content_hash from ragraft.document").fetchone()
    assert row == (hashlib.sha256(b"soup").digest(),)


def test_labels_survive_the_erasure_of_one_of_their_documents(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": secret("koala"), "b.md": "# B\n\nOther."}, "staff")
    bench.eraser.erase("a.md", caller=OWNER)
    (document,) = bench.library.documents(member("staff"))
    assert document.label == label("staff")


def test_the_planner_keeps_no_sample_of_what_documents_say(
    bench: Workbench, dsn: str, tmp_path: Path
) -> None:
    files = {f"{number}.md": secret(f"koala{number}") for number in range(4)}
    add_files(bench, tmp_path / "docs", files)
    add_files(bench, tmp_path / "docs", {name: text + " More." for name, text in files.items()})
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("analyze")
        rows = connection.execute(
            "select tablename, attname from pg_stats where schemaname = 'ragraft'"
            " and tablename not in ('collection', 'space') and attname = any(%s)",
            (
                [
                    "text",
                    "context",
                    "title",
                    "uri",
                    "path",
                    "location",
                    "metadata",
                    "vector",
                    "weights",
                    "content_hash",
                ],
            ),
        ).fetchall()
    assert rows == []
