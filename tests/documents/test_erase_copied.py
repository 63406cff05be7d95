"""Erasing a document that a copy of the library held, or holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER
from ragraft.documents.copying import copied_library
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import create_workspace
from small_world import add_files, secret

NAME, WORD = "numbat-name.md", "numbat"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Workbench]:
    """A workspace with an embedded server of its own and a secret."""
    workspace, _ = create_workspace(tmp_path / "own")
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        add_files(bench, tmp_path / "docs", {NAME: secret(WORD), "plain.md": "# Plain\n\nNothing special."})
        yield bench


def files_with(bench: Workbench, word: str) -> list[str]:
    """Return the files below the workspace that hold a word."""
    state = bench.workspace.state
    files = [path for path in sorted(state.rglob("*")) if path.is_file() and not path.is_socket()]
    return [str(path.relative_to(state)) for path in files if word.encode() in path.read_bytes()]


def test_nothing_that_a_copy_held_is_left_after_an_erasure(own: Workbench) -> None:
    with (
        copied_library(own.database, open_schema=own.database.beside) as copy,
        copy.administration() as connection,
    ):
        connection.execute("analyze")
        connection.execute("checkpoint")
    assert files_with(own, WORD) != []
    receipt = own.eraser.erase(NAME, caller=OWNER)
    assert (receipt.found_afterwards, files_with(own, WORD)) == (0, [])


def test_a_receipt_says_that_a_copy_in_use_still_holds_the_document(own: Workbench) -> None:
    with copied_library(own.database, open_schema=own.database.beside):
        receipt = own.eraser.erase(NAME, caller=OWNER)
    assert receipt.found_afterwards == receipt.looked_for > 0
