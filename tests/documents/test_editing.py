"""A document's text written without a file."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError, UnreadableError
from ragraft.systems import Workbench
from small_world import STRANGER, add, add_files, dsn_of, found, label, member

SOUP = "# Soup\n\nLentil soup on Monday."


def test_the_new_text_is_found_and_the_old_one_is_not(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP})
    bench.writer.write("soup.md", "# Soup\n\nBorscht on Monday.", caller=OWNER)
    (passage,) = bench.search.retrieve("soup", limit=5, caller=OWNER)
    assert passage.chunk.text.endswith("Borscht on Monday.")
    assert passage.revision == 2


def test_a_text_that_is_the_same_is_no_new_revision(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP})
    bench.writer.write("soup.md", SOUP, caller=OWNER)
    assert bench.library.revision("soup.md", caller=OWNER).number == 1


def test_a_document_keeps_its_label(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP}, "kitchen")
    bench.writer.write("soup.md", "# Soup\n\nBorscht.", caller=OWNER, label=label("everyone"))
    assert found(bench, "borscht", STRANGER) == []
    assert found(bench, "borscht", member("kitchen")) == ["soup.md"]


def test_a_new_document_may_be_read_by_those_of_its_label(bench: Workbench) -> None:
    bench.writer.write("notes/cake.md", "# Cake\n\nPlum cake.", caller=OWNER, label=label("kitchen"))
    assert found(bench, "cake", STRANGER) == []
    assert found(bench, "cake", member("kitchen")) == ["notes/cake.md"]


def test_a_new_document_without_a_label_is_the_owners(bench: Workbench) -> None:
    bench.writer.write("cake.md", "# Cake\n\nPlum cake.", caller=OWNER)
    assert found(bench, "cake", member("kitchen")) == []
    assert found(bench, "cake") == ["cake.md"]


def test_a_written_document_is_still_the_one_of_its_file(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soups/soup.md": SOUP})
    bench.writer.write("soups/soup.md", "# Soup\n\nBorscht.", caller=OWNER)
    assert add(bench, tmp_path / "docs").replaced == 1
    assert [document.uri for document in bench.library.documents(OWNER)] == ["soups/soup.md"]


def test_a_document_from_another_format_becomes_markdown_and_keeps_its_title(
    bench: Workbench, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP})
    with psycopg.connect(dsn_of(bench)) as connection:  # as if the file had been a PDF
        connection.execute("update ragraft.revision set media_type = 'application/pdf', pages = '{1, 0, 9}'")
        connection.execute("update ragraft.document set path = 'soup.pdf', title = 'Soups of the week'")
    bench.writer.write("soup.md", "Borscht on Monday.", caller=OWNER)
    revision = bench.library.revision("soup.md", caller=OWNER)
    assert (revision.document.title, revision.media_type, revision.pages) == (
        "Soups of the week",
        "text/markdown",
        (),
    )


def test_a_text_without_words_is_refused_and_nothing_changes(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP})
    with pytest.raises(UnreadableError, match="empty"):
        bench.writer.write("soup.md", " \n", caller=OWNER)
    assert found(bench, "lentil") == ["soup.md"]


def test_nobody_but_the_owner_writes(bench: Workbench) -> None:
    with pytest.raises(NotAllowedError, match="only the owner"):
        bench.writer.write("cake.md", "# Cake", caller=member("kitchen"))


def test_every_write_is_on_record(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"soup.md": SOUP})
    bench.writer.write("soup.md", "# Soup\n\nBorscht.", caller=OWNER)
    assert [entry.action for entry in bench.audit.entries()] == ["added", "replaced"]
