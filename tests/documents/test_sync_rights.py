"""Adding with labels: whose each document is afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_world import (
    CAKE,
    FISH,
    SOUP,
    CountingEmbedder,
    counts,
    labels,
    uris,
)

from ragraft.access.labels import OWNER, AccessRules
from ragraft.models.fake import FakeChatModel
from ragraft.systems import Workbench
from ragraft.workspace import Workspace
from small_world import STRANGER, add, add_files, found, label, member, write_files


@pytest.fixture
def counting(workspace: Workspace) -> Iterator[tuple[Workbench, CountingEmbedder]]:
    embedder = CountingEmbedder()
    with Workbench(workspace, embedder=embedder, model=FakeChatModel()) as bench:
        yield bench, embedder


def test_a_new_document_without_a_label_is_the_owners(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    assert labels(bench) == {"a.md": label()}
    assert bench.library.documents(member("staff")) == []


def test_a_group_relabels_without_embedding_anything(
    counting: tuple[Workbench, CountingEmbedder], tmp_path: Path
) -> None:
    bench, embedder = counting
    add_files(bench, tmp_path / "docs", {"a.md": SOUP, "b.md": FISH}, "staff")
    before = embedder.texts
    report = add(bench, tmp_path / "docs", "board")
    assert counts(report) == {"replaced": 2, "relabelled": 2}
    assert (embedder.texts, report.chunks) == (before, 0)
    assert labels(bench) == {"a.md": label("board"), "b.md": label("board")}
    assert uris(bench) == {"a.md": 1, "b.md": 1}


def test_a_relabelled_document_changes_readers_at_once(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP}, "staff")
    add(bench, tmp_path / "docs", "board")
    assert found(bench, "lentil soup", member("staff")) == []
    assert found(bench, "lentil soup", member("board")) == ["a.md"]


def test_a_run_without_a_label_keeps_the_labels(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"a.md": SOUP, "b.md": FISH}, "staff")
    report = add_files(bench, docs, {"a.md": CAKE})
    assert counts(report) == {"replaced": 1, "unchanged": 1}
    assert set(labels(bench).values()) == {label("staff")}


def test_an_access_file_labels_what_it_names_and_the_rest_gets_the_default(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "sub/b.md": FISH, "c.md": CAKE})
    add(bench, docs, "everyone")
    by_path = {"a.md": label("staff"), "sub/b.md": label("board", "staff"), "absent.md": label("everyone")}
    rules = AccessRules(by_path=by_path)
    report = bench.sync.add_path(docs, rules=rules, caller=OWNER)
    assert counts(report) == {"replaced": 3, "relabelled": 3}
    assert labels(bench) == {"a.md": label("staff"), "sub/b.md": label("board", "staff"), "c.md": label()}


def test_an_access_file_for_the_whole_also_serves_a_part(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"plan.md": SOUP, "hr/plan.md": FISH})
    rules = AccessRules(by_path={"plan.md": label("everyone"), "hr/plan.md": label("hr")})
    bench.sync.add_path(docs, rules=rules, caller=OWNER)
    report = bench.sync.add_path(docs / "hr", rules=rules, caller=OWNER)
    assert counts(report) == {"unchanged": 1}
    assert labels(bench) == {"plan.md": label("everyone"), "hr/plan.md": label("hr")}


def test_a_changed_file_is_replaced_and_relabelled_in_one(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP}, "everyone")
    report = add_files(bench, tmp_path / "docs", {"a.md": FISH}, "board")
    assert counts(report) == {"replaced": 1}
    assert found(bench, "trout lentil", STRANGER) == []
