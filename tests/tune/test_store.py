"""Examples under the rights of their documents, and gone with them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from example_world import intake, lines, question, store

from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError, NotFoundError
from ragraft.systems import Workbench
from ragraft.tune.store import Stored
from ragraft.types import AccessLabel, Caller, Source
from small_world import STRANGER, add_files, dsn_of, label, member

OPEN, FINANCE, BOARD = ({f"{name}.md": f"# {name}\n\nAbout {name}."} for name in ("open", "finance", "board"))


def library(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "o", OPEN, "everyone")
    add_files(bench, tmp_path / "f", FINANCE, "finance", "managers")
    add_files(bench, tmp_path / "b", BOARD, "board", "managers")


def kept(bench: Workbench, tmp_path: Path, *documents: str, groups: AccessLabel | None = None) -> Stored:
    """Add one example made from some documents."""
    row = question(1, evidence=[{"document": name} for name in documents])
    intake(bench).add([lines(tmp_path / "rows.jsonl", row)], caller=OWNER, groups=groups)
    (found,) = store(bench).examples(OWNER)
    return found


@pytest.mark.parametrize(
    ("documents", "groups", "expected"),
    [
        ((), None, ()),
        ((), ("hr",), ("hr",)),
        (("open.md",), None, ("everyone",)),
        (("finance.md",), None, ("finance", "managers")),
        (("open.md", "finance.md"), None, ("finance", "managers")),
        (("finance.md", "board.md"), None, ("managers",)),
        (("finance.md",), ("hr",), ()),
        (("finance.md",), ("everyone",), ("finance", "managers")),
        (("unknown.md",), None, ()),
    ],
)
def test_an_example_has_the_strictest_label_of_its_sources(
    bench: Workbench,
    tmp_path: Path,
    documents: tuple[str, ...],
    groups: tuple[str, ...] | None,
    expected: tuple[str, ...],
) -> None:
    library(bench, tmp_path)
    found = kept(bench, tmp_path, *documents, groups=label(*groups) if groups else None)
    assert found.example.label == label(*expected)


def test_an_example_names_its_documents_with_their_revisions(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    add_files(bench, tmp_path / "f", {"finance.md": "# finance\n\nRevised."})
    found = kept(bench, tmp_path, "finance.md", "open.md")
    assert found.example.made_from == (Source("finance.md", 2), Source("open.md", 1))
    assert found.example.group == "finance.md"


@pytest.mark.parametrize(
    ("caller", "sees"), [(OWNER, 1), (member("managers"), 1), (member("finance"), 1), (STRANGER, 0)]
)
def test_a_caller_sees_the_examples_of_documents_he_may_read(
    bench: Workbench, tmp_path: Path, caller: Caller, sees: int
) -> None:
    library(bench, tmp_path)
    name = kept(bench, tmp_path, "finance.md").example.id
    assert len(store(bench).examples(caller)) == sees
    if not sees:
        with pytest.raises(NotFoundError):
            store(bench).find(name, caller=caller)


def test_row_level_security_hides_examples_without_any_predicate(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    kept(bench, tmp_path, "finance.md")
    for caller, count in ((STRANGER, 0), (member("finance"), 1)):
        with bench.database.transaction(caller) as connection:
            for table in ("example", "example_source"):
                rows = connection.execute(f"select * from {table}".encode()).fetchall()
                assert len(rows) == count, (caller, table)


def test_a_caller_can_neither_write_nor_delete_examples(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    kept(bench, tmp_path, "open.md")
    with bench.database.transaction(STRANGER) as connection:
        assert connection.execute("delete from example").rowcount == 0
        assert connection.execute("update example set groups = '{everyone}'").rowcount == 0
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        bench.database.transaction(STRANGER) as connection,
    ):
        connection.execute("insert into example values ('x', 'question', '[]', '', '{everyone}', '', 1)")


def test_a_document_that_fewer_may_read_narrows_its_examples(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    kept(bench, tmp_path, "open.md", "finance.md")
    add_files(bench, tmp_path / "f", FINANCE, "managers")
    assert store(bench).examples(OWNER)[0].example.label == label("managers")


def test_a_document_that_more_may_read_widens_nothing(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    kept(bench, tmp_path, "finance.md")
    add_files(bench, tmp_path / "f", FINANCE, "everyone")
    assert store(bench).examples(OWNER)[0].example.label == label("finance", "managers")


def test_erasing_a_document_takes_its_examples_with_it(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    kept(bench, tmp_path, "open.md", "finance.md")
    bench.eraser.erase("finance.md", caller=OWNER)
    assert store(bench).examples(OWNER) == []
    with psycopg.connect(dsn_of(bench)) as connection:
        left = connection.execute("select count(*) from ragraft.example_source").fetchone()
    assert left == (0,)


def test_an_example_of_a_removed_document_is_marked_until_the_document_is_back(
    bench: Workbench, tmp_path: Path
) -> None:
    library(bench, tmp_path)
    assert not kept(bench, tmp_path, "open.md").withdrawn
    bench.library.remove("open.md", caller=OWNER)
    assert store(bench).examples(OWNER)[0].withdrawn
    assert store(bench).trainable(OWNER) == []
    add_files(bench, tmp_path / "o", {"open.md": "# open\n\nBack."})
    assert not store(bench).examples(OWNER)[0].withdrawn


def test_examples_are_removed_by_id_and_by_file(bench: Workbench, tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", *map(question, range(3)))
    intake(bench).add([path], caller=OWNER)
    first = store(bench).examples(OWNER)[0]
    assert store(bench).remove(name=first.example.id, caller=OWNER) == 1
    assert store(bench).remove(file=path.as_posix(), caller=OWNER) == 2
    assert store(bench).examples(OWNER) == []


def test_removing_what_is_not_there_or_not_ones_own_is_refused(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        store(bench).remove(name="nothing", caller=OWNER)
    with pytest.raises(NotAllowedError):
        store(bench).remove(file="any", caller=STRANGER)


def test_the_fingerprint_is_that_of_what_the_caller_may_read(bench: Workbench, tmp_path: Path) -> None:
    library(bench, tmp_path)
    empty = store(bench).fingerprint(STRANGER)
    kept(bench, tmp_path, "finance.md")
    assert store(bench).fingerprint(STRANGER) == empty
    assert store(bench).fingerprint(member("finance")) == store(bench).fingerprint(OWNER) != empty
