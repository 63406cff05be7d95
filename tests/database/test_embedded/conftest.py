"""One cluster is made for all tests of the embedded server; each works on a copy of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_world import IDLE_SECONDS, Run

from ragraft.database.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "postgres"
    with EmbeddedServer(folder) as server:
        server.connect_info()
        server.stop()
    return folder


@pytest.fixture
def folder(made_once: Path, tmp_path: Path) -> Iterator[Path]:
    """A server's folder with an empty library; no server runs."""
    copy = tmp_path / "postgres"
    subprocess.run(["cp", "-a", made_once, copy], check=True)
    yield copy
    EmbeddedServer(copy).stop()


@pytest.fixture
def open_folder(made_once: Path) -> Iterator[Path]:
    """A server's folder that every user may walk to, unlike those of pytest."""
    outer = Path(tempfile.mkdtemp(prefix="ragraft-test-", dir="/tmp"))
    outer.chmod(0o755)
    subprocess.run(["cp", "-a", made_once, outer / "postgres"], check=True)
    yield outer / "postgres"
    EmbeddedServer(outer / "postgres").stop()
    shutil.rmtree(outer)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(folder, idle_seconds=IDLE_SECONDS) as server:
        yield server


@pytest.fixture(scope="session")
def running(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A running server, for tests that only look at it."""
    copy = tmp_path_factory.mktemp("running") / "postgres"
    subprocess.run(["cp", "-a", made_once, copy], check=True)
    with EmbeddedServer(copy) as server:
        server.connect_info()
        yield server
        server.stop()


@pytest.fixture
def run_program() -> Iterator[Run]:
    """Runs Python programs beside the test; the given prefix may start them as somebody else."""
    programs: list[subprocess.Popen[str]] = []

    def run(text: str, *arguments: object, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        head = (
            "import os, sys, time, psycopg\n"
            "from pathlib import Path\n"
            "from ragraft.database.embedded import EmbeddedServer\n"
            f"def use(): return EmbeddedServer(Path(sys.argv[1]), idle_seconds={IDLE_SECONDS})\n"
        )
        program = subprocess.Popen(
            [*prefix, sys.executable, "-c", head + text, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        programs.append(program)
        return program

    yield run
    for program in programs:
        program.kill()
        program.communicate()
