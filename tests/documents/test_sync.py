"""Adding a folder: the library agrees with it afterwards, no work is done twice, and what fails is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sync_world import (
    CAKE,
    FISH,
    SOUP,
    CountingEmbedder,
    counts,
    labels,
    sync_with,
    uris,
)

from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.documents.sync import Progress
from ragraft.errors import ModelError, NotAllowedError, NotFoundError
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import Workspace
from small_world import STRANGER, add, add_files, found, label, member, write_files


@pytest.fixture
def counting(workspace: Workspace) -> Iterator[tuple[Workbench, CountingEmbedder]]:
    embedder = CountingEmbedder()
    with Workbench(workspace, embedder=embedder, model=FakeChatModel()) as bench:
        yield bench, embedder


# A folder


def test_new_changed_gone_and_unchanged_files_are_told_apart(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"same.md": SOUP, "changed.md": FISH, "gone.md": CAKE})
    (docs / "gone.md").unlink()
    report = add_files(bench, docs, {"changed.md": FISH + " Or on Thursday.", "new.md": "# Bread\n\nRye."})
    assert counts(report) == {"added": 1, "replaced": 1, "removed": 1, "unchanged": 1}
    assert uris(bench) == {"same.md": 1, "changed.md": 2, "new.md": 1}


def test_a_second_run_changes_and_embeds_nothing(
    counting: tuple[Workbench, CountingEmbedder], tmp_path: Path
) -> None:
    bench, embedder = counting
    add_files(bench, tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    before = (embedder.texts, uris(bench), bench.library.status(OWNER))
    assert counts(add(bench, tmp_path / "docs")) == {"unchanged": 2}
    assert (embedder.texts, uris(bench), bench.library.status(OWNER)) == before


def test_a_file_that_was_only_touched_is_unchanged(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    os.utime(tmp_path / "docs" / "a.md", (1, 1))
    assert counts(add(bench, tmp_path / "docs")) == {"unchanged": 1}


def test_an_empty_folder_adds_nothing(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert counts(add(bench, tmp_path / "empty")) == {}


def test_a_folder_that_was_emptied_removes_its_documents(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    for path in (tmp_path / "docs").iterdir():
        path.unlink()
    assert counts(add(bench, tmp_path / "docs")) == {"removed": 2}
    assert uris(bench) == {}


def test_a_missing_path_is_the_users_mistake(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file or folder"):
        add(bench, tmp_path / "nowhere")


def test_a_renamed_file_is_a_removed_and_a_new_document(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"old.md": SOUP})
    add(bench, docs, "staff")
    (docs / "old.md").rename(docs / "new.md")
    assert counts(add(bench, docs)) == {"added": 1, "removed": 1}
    assert uris(bench) == {"new.md": 1}
    assert found(bench, "lentil soup") == ["new.md"]


def test_a_renamed_file_does_not_keep_wider_rights_than_a_new_one(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"old.md": SOUP})
    add(bench, docs, "staff")
    (docs / "old.md").rename(docs / "new.md")
    add(bench, docs)
    assert labels(bench) == {"new.md": label()}


def test_a_file_that_comes_back_is_one_document_with_a_further_revision(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    add(bench, docs)
    (docs / "a.md").unlink()
    add(bench, docs)
    assert counts(add_files(bench, docs, {"a.md": SOUP})) == {"added": 1, "unchanged": 1}
    assert uris(bench) == {"a.md": 2, "b.md": 1}
    assert found(bench, "lentil soup").count("a.md") == 1


def test_a_document_removed_by_hand_comes_back_with_the_next_run(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    bench.library.remove("a.md", caller=OWNER)
    assert counts(add(bench, tmp_path / "docs")) == {"added": 1}


def test_a_file_name_with_newline_percent_and_arabic_is_kept_apart(bench: Workbench, tmp_path: Path) -> None:
    names = {"سوق\nالعمل.md": SOUP, "100%0A.md": FISH, "100\n.md": CAKE}
    assert counts(add_files(bench, tmp_path / "docs", names)) == {"added": 3}
    assert counts(add(bench, tmp_path / "docs")) == {"unchanged": 3}
    assert sorted(uris(bench)) == ["100%0A.md", "100%250A.md", "سوق%0Aالعمل.md"]


def test_progress_ends_at_the_whole(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH, "c.md": ""})
    seen: list[Progress] = []
    bench.sync.add_path(docs, rules=AccessRules(), caller=OWNER, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == len(SOUP) + len(FISH)
    assert [one.done for one in seen] == sorted(one.done for one in seen)


def test_only_the_owner_adds(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP})
    for caller in (STRANGER, member("staff")):
        with pytest.raises(NotAllowedError):
            bench.sync.add_path(docs, rules=AccessRules(), caller=caller)
        with pytest.raises(NotAllowedError):
            bench.sync.add_url("https://example.test/", rules=AccessRules(), caller=caller)
    assert uris(bench) == {}


# What cannot be read


def test_a_file_that_fails_keeps_its_old_revision_and_is_tried_again(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"a.md": SOUP})
    (docs / "a.md").write_bytes(b"\x00\x01\x02\xff")
    report = add(bench, docs)
    assert counts(report) == {"failed": 1}
    assert report.failed[0].uri == "a.md"
    assert "binary" in report.failed[0].reason
    assert uris(bench) == {"a.md": 1}
    assert found(bench, "lentil soup") == ["a.md"]
    assert counts(add(bench, docs)) == {"failed": 1}
    assert counts(add_files(bench, docs, {"a.md": FISH})) == {"replaced": 1}


def test_a_file_that_fails_does_not_stop_the_rest(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "c.md": CAKE})
    (docs / "b.pdf").write_bytes(b"no pdf")
    report = add(bench, docs)
    assert counts(report) == {"added": 2, "failed": 1}
    assert report.failed[0].uri == "b.pdf"


def test_a_reason_has_its_hint(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": "unreadable"})
    report = sync_with(bench).add_path(docs, rules=AccessRules(), caller=OWNER)
    assert report.failed[0].reason == "cannot be read (write it anew)"


@pytest.mark.parametrize("closed", ["", "sub"])
def test_a_folder_that_cannot_be_listed_keeps_its_documents(
    closed: str, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "sub/b.md": FISH, "sub/deep/c.md": CAKE})
    add(bench, docs)
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder) == docs / closed:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        report = add(bench, docs)
    assert report.removed == 0
    assert len(report.failed) == 1
    assert set(uris(bench)) == {"a.md", "sub/b.md", "sub/deep/c.md"}


def test_a_folder_beside_an_unlisted_one_with_a_longer_name_is_not_spared(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = write_files(tmp_path / "docs", {"sub/b.md": FISH, "sub2/c.md": CAKE})
    add(bench, docs)
    (docs / "sub2" / "c.md").unlink()
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder) == docs / "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert add(bench, docs).removed == 1


def test_when_the_embedder_fails_what_was_committed_stays_and_the_rest_follows(
    workspace: Workspace, open_bench: Callable[[], Workbench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH, "c.md": CAKE})
    monkeypatch.setattr("ragraft.documents.sync_run.BATCH_CHUNKS", 1)
    with Workbench(workspace, embedder=CountingEmbedder(fail_at="Trout"), model=FakeChatModel()) as failing:
        with pytest.raises(ModelError):
            add(failing, docs)
    bench = open_bench()
    assert uris(bench) == {"a.md": 1}
    assert bench.audit.verify().faults == ()
    assert counts(add(bench, docs)) == {"added": 2, "unchanged": 1}


def test_an_interrupted_run_leaves_whole_documents(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH, "c.md": CAKE})
    monkeypatch.setattr("ragraft.documents.sync_run.BATCH_CHUNKS", 1)

    def interrupt(progress: Progress) -> None:
        if progress.doing == "c.md":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.sync.add_path(docs, rules=AccessRules(), caller=OWNER, on_progress=interrupt)
    assert uris(bench) == {"a.md": 1, "b.md": 1}
    assert counts(add(bench, docs)) == {"added": 1, "unchanged": 2}


# Models


def test_a_library_embedded_by_another_model_is_refused(
    workspace: Workspace, bench: Workbench, tmp_path: Path
) -> None:
    from ragraft.errors import WorkspaceError

    add_files(bench, tmp_path / "docs", {"a.md": SOUP})
    other = Workbench(workspace, embedder=FakeEmbedder(name="other-model"), model=FakeChatModel())
    with other, pytest.raises(WorkspaceError, match="fake-embedder, but other-model") as caught:
        add(other, tmp_path / "docs")
    assert caught.value.hint is not None


def test_another_schema_holds_another_library(workspace: Workspace, dsn: str, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP})
    settings = Settings.model_validate({"database": {"dsn": dsn, "schema_name": "second"}})
    elsewhere = Workspace(workspace.root, settings)
    with Workbench(elsewhere, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        add(bench, docs)
    with psycopg.connect(dsn) as connection:
        counted = [
            connection.execute(f"select count(*) from {schema}.document").fetchone()
            for schema in ("ragraft", "second")
        ]
    assert counted == [(0,), (1,)]
