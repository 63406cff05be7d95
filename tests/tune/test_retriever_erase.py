"""Erasing reaches every space: no byte of a document's vectors is left in any file, whichever embedder made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from retriever_world import TurnedEmbedder, filled_space, spaces_of

from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import create_workspace
from small_world import add_files, filler, secret


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Workbench]:
    """A workspace with an embedded server of its own, whose files can be looked through."""
    workspace = create_workspace(tmp_path / "own")[0]
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        add_files(bench, tmp_path / "plain", {"plain.md": f"# Plain\n\n{filler('plain')}"})
        yield bench


def vectors_of(bench: Workbench, uri: str) -> list[bytes]:
    """Return the vectors of a document in every space, old revisions too, as the database stores them."""
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select v.vector from (select document, vector from chunk_vector"
            " union all select document, vector from archived_vector) v join document d on d.id = v.document"
            " where d.uri = %s",
            (uri,),
        ).fetchall()
    return [vector.to_numpy().astype("<f2").tobytes() for (vector,) in rows]


def count_kept(bench: Workbench, marks: list[bytes]) -> int:
    files = [path.read_bytes() for path in bench.workspace.state.rglob("*") if path.is_file()]
    return sum(any(mark in content for content in files) for mark in marks)


def test_no_vector_of_an_erased_document_is_left_in_any_space(own: Workbench, tmp_path: Path) -> None:
    add_files(own, tmp_path / "docs", {"quokka.md": secret("quokka")})
    add_files(own, tmp_path / "docs", {"quokka.md": secret("quokka", edition=2)})
    spaces_of(own).switch(filled_space(own), TurnedEmbedder(), caller=OWNER)
    with own.database.administration() as connection:
        connection.execute("checkpoint")
    marks = vectors_of(own, "quokka.md")
    before = count_kept(own, marks)
    own.eraser.erase("quokka.md", caller=OWNER)
    assert before == len(marks) >= 8
    assert count_kept(own, marks) == 0
