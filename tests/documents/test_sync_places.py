"""Adding parts of folders, folders of folders, and addresses."""

from __future__ import annotations

from pathlib import Path

from sync_world import (
    CAKE,
    FISH,
    SOUP,
    URL,
    counts,
    labels,
    page,
    sync_with,
    uris,
)

from ragraft.access.labels import OWNER, AccessRules
from ragraft.systems import Workbench
from small_world import add, add_files, found, label, write_files

# Parts of folders, and folders of folders


def test_a_single_file_is_added_without_its_neighbours(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    assert counts(add(bench, docs / "a.md")) == {"added": 1}
    assert uris(bench) == {"a.md": 1}


def test_a_single_file_of_a_known_folder_is_replaced_and_the_rest_stays(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"a.md": SOUP, "sub/b.md": FISH})
    (docs / "a.md").unlink()
    (docs / "sub" / "b.md").write_text(CAKE)
    assert counts(add(bench, docs / "sub" / "b.md")) == {"replaced": 1}
    assert uris(bench) == {"a.md": 1, "sub/b.md": 2}


def test_the_folder_of_a_file_that_was_added_alone_takes_it_in(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    add(bench, docs / "a.md")
    assert counts(add(bench, docs)) == {"added": 1, "unchanged": 1}


def test_a_part_of_a_known_folder_is_synchronised_and_no_more(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "sub/b.md": FISH, "sub/c.md": CAKE})
    add(bench, docs)
    (docs / "a.md").unlink()
    (docs / "sub" / "b.md").unlink()
    assert counts(add(bench, docs / "sub")) == {"removed": 1, "unchanged": 1}
    assert uris(bench) == {"a.md": 1, "sub/c.md": 1}


def test_a_parent_folder_takes_in_a_child_and_uris_stay(bench: Workbench, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", {"a.md": SOUP, "sub/b.md": FISH, "sub/deep/c.md": CAKE})
    add(bench, tmp_path / "docs" / "sub")
    assert counts(add(bench, tmp_path / "docs")) == {"added": 1, "unchanged": 2}
    assert uris(bench) == {"a.md": 1, "b.md": 1, "deep/c.md": 1}
    (tmp_path / "docs" / "sub" / "b.md").unlink()
    assert counts(add(bench, tmp_path / "docs")) == {"removed": 1, "unchanged": 2}
    assert counts(add(bench, tmp_path / "docs" / "sub")) == {"unchanged": 1}


def test_a_parent_folder_takes_in_two_children_with_the_same_names(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"x/a.md": SOUP, "y/a.md": FISH})
    add(bench, docs / "x")
    add(bench, docs / "y")
    assert uris(bench) == {"a.md": 1, "y/a.md": 1}
    assert counts(add(bench, docs)) == {"unchanged": 2}
    (docs / "x" / "a.md").unlink()
    add(bench, docs)
    assert uris(bench) == {"y/a.md": 1}


def test_a_document_removed_from_a_child_comes_back_by_its_parent(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"sub/b.md": FISH})
    add(bench, docs / "sub")
    bench.library.remove("b.md", caller=OWNER)
    assert counts(add(bench, docs)) == {"added": 1}
    assert uris(bench) == {"b.md": 2}


def test_two_folders_with_the_same_names_are_told_apart(bench: Workbench, tmp_path: Path) -> None:
    for number, text in enumerate((SOUP, FISH, CAKE)):
        add_files(bench, tmp_path / str(number) / "docs", {"a.md": text})
    assert uris(bench) == {"a.md": 1, "docs/a.md": 1, "docs-2/a.md": 1}
    for number in range(3):
        assert counts(add(bench, tmp_path / str(number) / "docs")) == {"unchanged": 1}
    assert found(bench, "plum cake")[0] == "docs-2/a.md"


def test_a_folder_reached_by_a_link_is_the_same_folder(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    (tmp_path / "link").symlink_to(tmp_path / "docs")
    assert counts(add(bench, tmp_path / "link")) == {"unchanged": 1}


# Addresses


def test_an_address_is_added_replaced_and_left_alone(bench: Workbench) -> None:
    for text, expected in ((SOUP, {"added": 1}), (SOUP, {"unchanged": 1}), (FISH, {"replaced": 1})):
        sync = sync_with(bench, fetch=page(text))
        assert counts(sync.add_url(URL, rules=AccessRules(), caller=OWNER)) == expected
    assert uris(bench) == {URL: 2}


def test_an_address_that_fails_keeps_its_document(bench: Workbench) -> None:
    sync_with(bench, fetch=page(SOUP)).add_url(URL, rules=AccessRules(), caller=OWNER)
    report = sync_with(bench).add_url(URL, rules=AccessRules(), caller=OWNER)
    assert counts(report) == {"failed": 1}
    assert report.failed[0].uri == URL
    assert uris(bench) == {URL: 1}


def test_the_name_that_a_server_gives_decides_no_rights(bench: Workbench) -> None:
    rules = AccessRules(by_path={"menu.md": label("everyone")})
    sync_with(bench, fetch=page(SOUP, name="menu.md")).add_url(URL, rules=rules, caller=OWNER)
    assert labels(bench) == {URL: label()}


def test_an_access_file_may_name_an_address(bench: Workbench) -> None:
    rules = AccessRules(by_path={URL: label("everyone")})
    sync_with(bench, fetch=page(SOUP)).add_url(URL, rules=rules, caller=OWNER)
    assert labels(bench) == {URL: label("everyone")}
