"""The receipt of an erasure names what had learned from the document."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapter_world import add_adapter
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import find_workspace

Run = Callable[..., Any]


@pytest.fixture
def taught(ragraft: Run, folder: Path) -> Run:
    """The command line in a workspace with two documents and an adapter that saw one of them."""
    ragraft("add", folder, "--group", "everyone")
    made = partial(Workbench, embedder=FakeEmbedder(), model=FakeChatModel())
    with made(find_workspace(None)) as bench:
        add_adapter(bench, "leave.md")
    return ragraft


def test_the_adapters_that_saw_it_are_named(taught: Run) -> None:
    told = taught("erase", "leave.md", "--yes")
    assert "withdrawn  house: learned from it" in told


def test_the_adapters_are_in_the_json(taught: Run) -> None:
    receipt = taught("erase", "leave.md", "--yes", "--json")
    assert (receipt["adapters"], receipt["trainings_discarded"]) == (["house"], [])


def test_where_nothing_learned_from_it_nothing_is_named(taught: Run) -> None:
    told = taught("erase", "finance/budget.md", "--yes")
    assert "withdrawn" not in told
    assert "discarded" not in told


def test_what_a_stopped_training_left_is_discarded_and_named(taught: Run) -> None:
    stopped = Path(".ragraft/adapters/.tone.tuning")
    stopped.mkdir()
    told = taught("erase", "leave.md", "--yes")
    assert "discarded  what a stopped training had left: tone" in told
    assert not stopped.exists()
