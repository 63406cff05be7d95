"""What it costs to change, open and keep a library of one size."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.costs import Costs, timed
from benchmarks.filling import PER_DOCUMENT, Shelf, content_of
from benchmarks.ground import DATA
from benchmarks.world import open_library, server_of
from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.write import lock_for_writing
from ragraft.systems import Workbench

__all__ = ["measure_opening", "measure_space", "measure_writing"]

TABLES = (
    "chunk",
    "chunk_vector",
    "chunk_terms",
    "term_count",
    "document",
    "revision",
    "archived_chunk",
    "audit",
)
READ_AGAIN = "handbook/documents/travel-and-leave/overtime.md"


def measure_writing(bench: Workbench, shelf: Shelf, writes: int, costs: Costs) -> None:
    """Replace documents of ten passages, see that the next query finds the new text, and re-add a file."""
    chance = random.Random(shelf.size + writes)
    numbers = chance.sample(range(shelf.size // PER_DOCUMENT), min(writes, shelf.size // PER_DOCUMENT))
    with_embedding, without, until_seen = [], [], []
    for number in numbers:
        marker = f"zyqqaba{number:06d}x{time.time_ns() % 10**6}"
        old = shelf.content(number)
        texts = [chunk.text for chunk in old.chunks]
        texts[PER_DOCUMENT // 2] += f" The new word of this revision is {marker}."
        began = time.perf_counter()
        content = content_of(bench, f"Document {number}", texts, bench.embedder.embed(texts))
        embedded = time.perf_counter()
        with bench.audit.transaction(OWNER) as (connection, audit):
            lock_for_writing(connection, shelf.collection)
            shelf.put(connection, number, content)
            audit.append("replaced", {"document": number})
        written = time.perf_counter()
        found = bench.search.retrieve(f"which is the new word {marker}", limit=10, caller=OWNER)
        if not any(marker in passage.chunk.text for passage in found):
            raise RuntimeError(f"the query after replacing document {number} does not see its new text")
        without.append(written - embedded)
        with_embedding.append(written - began)
        until_seen.append(time.perf_counter() - written)
    costs.times("replacing a document, committed", without)
    costs.times("replacing a document, embedding included", with_embedding)
    costs.times("the next query sees it", until_seen)
    costs.times("adding one changed file again", _readding(bench, writes))


def _readding(bench: Workbench, writes: int) -> list[float]:
    folder = bench.workspace.root / "changing"
    folder.mkdir(exist_ok=True)
    text = (DATA / READ_AGAIN).read_text("utf-8")

    def add(number: int) -> None:
        (folder / "page.md").write_text(f"{text}\n\nChanged {number} times at {time.time_ns()}.\n", "utf-8")
        report = bench.sync.add_path(folder, rules=AccessRules(), caller=OWNER)
        if report.added + report.replaced != 1:
            raise RuntimeError(f"the changed file was not taken: {report}")

    return timed(add, range(writes))


def measure_space(bench: Workbench, costs: Costs) -> dict[str, int]:
    """Measure disk and the server's memory; return the bytes of each table with its indexes."""
    with bench.database.administration() as connection:
        connection.execute("checkpoint")
        rows = connection.execute(
            "select coalesce(p.inhparent::regclass, c.oid::regclass)::text, sum(pg_total_relation_size(c.oid))::bigint"
            " from pg_class c left join pg_inherits p on p.inhrelid = c.oid"
            " where c.relkind = 'r' and c.relnamespace = %s::regnamespace group by 1",
            (bench.database.schema,),
        ).fetchall()
    status = server_of(bench).status()
    costs.value("disk, all of it", status.bytes_on_disk / 1e6, "MB")
    costs.value(
        "memory of PostgreSQL",
        _memory_of_server(status.pid or 0) / 1024,
        "MB",
        note="PSS of all its processes",
    )
    return {name: size for name, size in rows if name.split(".")[-1] in TABLES}


def _memory_of_server(postmaster: int) -> int:
    """Return the kilobytes of the server's processes, memory they share counted once; 0 where /proc does not say."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if postmaster in (int(folder.name), parent):
                rollup = (folder / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):  # it ended, or belongs to somebody whose memory we may not look at
            continue
    return total


def measure_opening(root: Path, query: str, times: int, costs: Costs) -> None:
    """Time new processes from their start to their first answer, with the server stopped and running.

    The operating system's cache is warm: nothing here empties it.
    """
    with open_library(root) as bench:
        server = server_of(bench)
        cold, warm, inside = [], [], []
        for _ in range(times):
            server.stop()
            cold.append(_answer(root, query)[0])
        with server:
            server.connect_info()
            for _ in range(times):
                seconds, found = _answer(root, query)
                warm.append(seconds)
                inside.append(found)
        server.stop()
    costs.value("cold open, server stopped", statistics.median(cold), "s")
    costs.value("cold open, server running", statistics.median(warm), "s")
    costs.value("memory of our process", statistics.median(one["rss_mb"] for one in inside), "MB", note="RSS")


def _answer(root: Path, query: str) -> tuple[float, dict[str, float]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAGRAFT_")}
    command = [sys.executable, "-m", "benchmarks.first_answer", str(root), query]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        env=environment,
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return time.perf_counter() - began, json.loads(done.stdout)
