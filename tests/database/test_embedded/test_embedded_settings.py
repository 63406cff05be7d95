"""The embedded server's settings fit the machine, and PostgreSQL takes every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from embedded_world import query

from ragraft.database.embedded import EmbeddedServer
from ragraft.database.server_settings import server_settings

MB = 1024 * 1024


def setting(name: str, *, memory: int, cores: int = 2) -> str:
    text = server_settings(
        memory=memory, cores=cores, socket_folder=Path("/s"), port=1, dynamic_shared_memory="sysv"
    )
    return next(line.split("=")[1].strip() for line in text.splitlines() if line.startswith(f"{name} ="))


@pytest.mark.parametrize(("memory", "buffers"), [(64, "32MB"), (1024, "128MB"), (1024 * 1024, "256MB")])
def test_buffers_grow_with_the_memory_within_bounds(memory: int, buffers: str) -> None:
    assert setting("shared_buffers", memory=memory * MB) == buffers


@pytest.mark.parametrize(("cores", "workers"), [(1, "0"), (2, "1"), (64, "4")])
def test_an_index_is_built_by_all_cores_up_to_five(cores: int, workers: str) -> None:
    assert setting("max_parallel_maintenance_workers", memory=1024 * MB, cores=cores) == workers


def test_postgresql_takes_every_setting(running: EmbeddedServer) -> None:
    assert query(running, "select name, error from pg_file_settings where not applied") == []


def test_the_settings_are_ours_and_not_those_that_initdb_wrote(running: EmbeddedServer) -> None:
    file = running.status().data_directory.parent / "postgresql.conf"
    assert query(running, "show config_file") == [(str(file),)]
