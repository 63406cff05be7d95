"""Makes the folder `benchmarks` of the project importable, and its libraries cheap."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ragraft.systems import Workbench
from small_world import own_library

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="session")
def small_library(
    server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Workbench]]:
    """What stands in for `benchmarks.world.new_library`: a database of the tests' server, with fake models."""

    @contextmanager
    def open_one(**_: object) -> Iterator[Workbench]:
        with own_library(server_dsn, template, tmp_path_factory.mktemp("library")) as bench:
            yield bench

    return open_one
