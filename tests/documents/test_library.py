"""The library as its readers see it: list, show, remove, status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError, NotFoundError
from ragraft.systems import Workbench
from small_world import STRANGER, add, add_files, found, label, member

SOUP = "---\nauthor: Ada\n---\n# Soup\n\nLentil soup is served on Monday."
FISH = "# Fish\n\nTrout is served on Friday."

UNSTORABLE = ["a\0b.md", "\ud800.md", "%s.md", "'; drop table document; --", "", "x" * 100_000]


def test_a_library_that_nothing_was_added_to_is_empty(bench: Workbench) -> None:
    assert bench.library.documents(OWNER) == []
    assert bench.library.status(OWNER).documents == 0
    assert found(bench, "anything") == []
    with pytest.raises(NotFoundError):
        bench.library.revision("a.md", caller=OWNER)
    with pytest.raises(NotFoundError):
        bench.library.remove("a.md", caller=OWNER)


def test_a_list_has_every_document_by_uri(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"b.md": FISH, "a/c.md": SOUP, "a.md": FISH, "B.md": SOUP}, "staff")
    documents = bench.library.documents(OWNER)
    assert [document.uri for document in documents] == ["B.md", "a.md", "a/c.md", "b.md"]
    first = documents[0]
    assert (first.title, first.label, first.revision, first.chunks) == ("Soup", label("staff"), 1, 1)


def test_show_gives_the_text_with_all_that_is_known_of_it(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    revision = bench.library.revision("a.md", caller=OWNER)
    assert revision.text == SOUP
    assert revision.media_type == "text/markdown"
    assert revision.metadata["front_matter"] == {"author": "Ada"}
    assert (revision.number, revision.valid_to, revision.document.title) == (1, None, "Soup")


def test_a_uri_that_no_document_can_have_is_one_that_none_has(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    library = bench.library
    ways: list[Callable[[str], object]] = [
        lambda uri: library.revision(uri, caller=STRANGER),
        lambda uri: library.revision_text(uri, 1, caller=OWNER),
        lambda uri: library.remove(uri, caller=OWNER),
        lambda uri: bench.eraser.erase(uri, caller=OWNER),
    ]
    for uri in UNSTORABLE:
        for way in ways:
            with pytest.raises(NotFoundError):
                way(uri)


def test_a_removed_document_is_gone_at_once(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP, "b.md": FISH}, "everyone")
    bench.library.remove("a.md", caller=OWNER)
    for caller in (OWNER, STRANGER):
        assert [document.uri for document in bench.library.documents(caller)] == ["b.md"]
        assert found(bench, "lentil soup", caller) == ["b.md"]
        with pytest.raises(NotFoundError):
            bench.library.revision("a.md", caller=caller)
    with pytest.raises(NotFoundError):
        bench.library.remove("a.md", caller=OWNER)


@pytest.mark.parametrize("caller", [STRANGER, member("staff")])
def test_only_the_owner_removes_and_erases(caller, bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP}, "staff")
    with pytest.raises(NotAllowedError):
        bench.library.remove("a.md", caller=caller)
    with pytest.raises(NotAllowedError):
        bench.eraser.erase("a.md", caller=caller)
    assert found(bench, "soup") == ["a.md"]


def test_status_counts_what_the_caller_reads(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "open", {"a.md": SOUP}, "everyone")
    add_files(bench, tmp_path / "closed", {"b.md": FISH, "c.md": FISH}, "board")
    theirs, owners = bench.library.status(STRANGER), bench.library.status(OWNER)
    assert (theirs.documents, theirs.chunks, sum(theirs.languages.values())) == (1, 1, 1)
    assert (owners.documents, owners.chunks, sum(owners.languages.values())) == (3, 3, 3)
    assert owners.tokens > theirs.tokens > 0


def test_status_counts_removed_and_archived_for_the_owner_alone(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"a.md": SOUP, "b.md": FISH}, "everyone")
    add_files(bench, docs, {"a.md": FISH})
    bench.library.remove("b.md", caller=OWNER)
    owners, theirs = bench.library.status(OWNER), bench.library.status(STRANGER)
    assert (owners.removed, owners.archived_chunks) == (1, 2)
    assert (theirs.removed, theirs.archived_chunks, theirs.documents) == (0, 0, 1)


def test_metadata_of_any_kind_is_kept(bench: Workbench, tmp_path: Path) -> None:
    front = "---\nwhen: 2026-01-31\nnumbers: [1, .inf, .nan]\n1: one\n2026-01-31: day\nempty:\n---\n"
    report = add_files(bench, tmp_path / "docs", {"a.md": front + FISH})
    assert report.failed == []
    metadata = bench.library.revision("a.md", caller=OWNER).metadata
    assert metadata["front_matter"]["when"] == "2026-01-31"


def test_a_text_of_every_kind_of_character_comes_back_as_it_was(bench: Workbench, tmp_path: Path) -> None:
    text = "# Ünïcode\r\n\r\nمرحبا 你好 🦘\u200d\u2028 e\u0301 \ufeff %s {} \\ ' \" \x1b[0m \x7f.\n"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_bytes(text.encode())
    assert add(bench, tmp_path / "docs").failed == []
    revision = bench.library.revision("a.md", caller=OWNER)
    assert revision.text == text
    for passage in bench.search.retrieve("Ünïcode", limit=5, caller=OWNER):
        assert text[passage.chunk.start : passage.chunk.end] == passage.chunk.text
