"""What happens to an adapter when a document that it saw is erased, removed or relabelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter_world import add_adapter, registry_of
from ragraft.access.labels import OWNER
from ragraft.documents.write import find_or_add_label, relabel_document
from ragraft.systems import Workbench
from ragraft.types import Adapter
from small_world import add, add_files, label, member

LEAVE = {"leave.md": "# Leave\n\nThirty days."}


def state(bench: Workbench) -> Adapter:
    return registry_of(bench).find("house", caller=OWNER)


def saw(bench: Workbench, folder: Path, *groups: str) -> Path:
    """Add a document and an adapter that saw it, and return the folder."""
    add_files(bench, folder / "docs", LEAVE, *groups)
    add_adapter(bench, "leave.md")
    return folder / "docs"


def test_an_untouched_document_taints_nothing(bench: Workbench, tmp_path: Path) -> None:
    saw(bench, tmp_path, "everyone")
    assert state(bench).tainted_by == ()


def test_an_erased_document_is_named_by_number(bench: Workbench, tmp_path: Path) -> None:
    saw(bench, tmp_path, "everyone")
    receipt = bench.eraser.erase("leave.md", caller=OWNER)
    assert state(bench).tainted_by == (f"document {receipt.document} (erased)",)
    assert state(bench).made_from[0].document == f"document {receipt.document}"


def test_the_name_of_an_erased_document_lives_on_nowhere(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"quokka-name.md": "# Q\n\nText."}, "everyone")
    made = add_adapter(bench, "quokka-name.md")
    bench.eraser.erase("quokka-name.md", caller=OWNER)
    with bench.database.transaction(OWNER) as connection:
        rows = connection.execute("select a::text, s::text from adapter a, adapter_source s").fetchall()
    assert rows
    assert "quokka" not in str(rows)
    assert [path for path in Path(made.path).iterdir() if b"quokka" in path.read_bytes()] == []


def test_a_removed_document_taints_and_one_that_is_back_does_not(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "everyone")
    bench.library.remove("leave.md", caller=OWNER)
    removed = state(bench).tainted_by
    add(bench, docs, "everyone")
    assert removed == ("leave.md (removed)",)
    assert state(bench).tainted_by == ()


def test_a_file_that_is_gone_taints_as_a_removal_does(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "everyone")
    (docs / "leave.md").unlink()
    add(bench, docs)
    assert state(bench).tainted_by == ("leave.md (removed)",)


def test_a_document_closed_to_some_of_its_readers_taints(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "staff", "board")
    add(bench, docs, "board")
    assert state(bench).tainted_by == ("leave.md (narrowed)",)


def test_a_document_opened_to_more_taints_nothing(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "staff")
    add(bench, docs, "staff", "board")
    assert state(bench).tainted_by == ()
    assert state(bench).label == label("staff")


def test_opening_a_document_again_does_not_lift_the_taint(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "everyone")
    add(bench, docs, "board")
    add(bench, docs, "everyone")
    assert state(bench).tainted_by == ("leave.md (narrowed)",)


def test_a_document_replaced_and_closed_at_once_taints(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "everyone")
    add_files(bench, docs, {"leave.md": "# Leave\n\nSecret now."}, "board")
    assert state(bench).tainted_by == ("leave.md (narrowed)",)


def test_a_document_that_comes_back_closed_taints(bench: Workbench, tmp_path: Path) -> None:
    docs = saw(bench, tmp_path, "everyone")
    bench.library.remove("leave.md", caller=OWNER)
    add(bench, docs, "board")
    assert state(bench).tainted_by == ("leave.md (narrowed)",)


def test_the_owners_own_adapter_is_not_tainted_by_closing(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "staff")
    add_adapter(bench, "leave.md", groups=frozenset())
    add(bench, tmp_path / "docs", "board")
    assert state(bench).tainted_by == ()


def test_an_adapter_that_did_not_see_the_document_is_not_tainted(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE | {"other.md": "# Other\n\nText."}, "everyone")
    add_adapter(bench, "other.md")
    bench.eraser.erase("leave.md", caller=OWNER)
    assert state(bench).tainted_by == ()


def test_a_change_that_is_rolled_back_taints_nothing(bench: Workbench, tmp_path: Path) -> None:
    saw(bench, tmp_path, "everyone")
    with pytest.raises(KeyboardInterrupt), bench.database.transaction(OWNER) as connection:
        document, collection = connection.execute("select id, collection from document").fetchone() or (0, 0)
        relabel_document(
            connection, collection, document, find_or_add_label(connection, collection, label("x"))
        )
        row = connection.execute("select taint from adapter_source").fetchone()
        assert row == ("narrowed",)
        raise KeyboardInterrupt
    assert state(bench).tainted_by == ()


def test_a_document_removed_during_training_taints_from_the_start(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    bench.library.remove("leave.md", caller=OWNER)
    assert add_adapter(bench, "leave.md").tainted_by == ("leave.md (removed)",)


def test_a_caller_learns_no_name_of_a_document_that_was_closed_to_him(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = saw(bench, tmp_path, "everyone")
    add(bench, docs, "board")
    seen = registry_of(bench).find("house", caller=member("staff"))
    assert "leave" not in str(seen)
    assert [name.endswith("(narrowed)") for name in seen.tainted_by] == [True]
