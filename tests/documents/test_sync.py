"""Adding folders, files and addresses: the library agrees with them afterwards, and no work is done twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest

from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.documents.fetch import Fetched
from ragraft.documents.sync import Progress, Sync, SyncReport
from ragraft.errors import FetchError, ModelError, NotAllowedError, NotFoundError, UnreadableError
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench, term_weights
from ragraft.types import AccessLabel, ParsedDocument, Vectors
from ragraft.workspace import Workspace
from small_world import STRANGER, add, add_files, found, label, member, write_files

SOUP = "# Soup\n\nLentil soup is served on Monday."
FISH = "# Fish\n\nTrout is served on Friday."
CAKE = "# Cake\n\nPlum cake is served on Sunday."


def counts(report: SyncReport) -> dict[str, int]:
    names = ("added", "replaced", "relabelled", "removed", "unchanged")
    given = {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}
    return {name: count for name, count in given.items() if count}


def uris(bench: Workbench) -> dict[str, int]:
    """Return the uri and revision of every document."""
    return {document.uri: document.revision for document in bench.library.documents(OWNER)}


def labels(bench: Workbench) -> dict[str, AccessLabel]:
    return {document.uri: document.label for document in bench.library.documents(OWNER)}


class CountingEmbedder(FakeEmbedder):
    """Counts the texts it was given, and fails for those that hold a word."""

    def __init__(self, *, fail_at: str = "\0") -> None:
        super().__init__()
        self.texts = 0
        self._fail_at = fail_at

    def embed(self, texts: list[str]) -> Vectors:  # type: ignore[override]  # given a list here
        self.texts += len(texts)
        if any(self._fail_at in text for text in texts):
            raise ModelError("the embedder failed")
        return super().embed(texts)


@pytest.fixture
def counting(workspace: Workspace) -> Iterator[tuple[Workbench, CountingEmbedder]]:
    embedder = CountingEmbedder()
    with Workbench(workspace, embedder=embedder, model=FakeChatModel()) as bench:
        yield bench, embedder


class OwnWords:
    """A parser that calls for the sync's other parts: it fails or waits at files that say so."""

    def __init__(self, *, wait: Callable[[], object] = lambda: None) -> None:
        self._wait = wait

    def parse(self, content: bytes, *, name: str, media_type: str = "") -> ParsedDocument:
        if b"unreadable" in content:
            raise UnreadableError("cannot be read", hint="write it anew")
        self._wait()
        return ParsedDocument(content.decode(), name, media_type or "text/plain")


def sync_with(
    bench: Workbench,
    *,
    parser: OwnWords | None = None,
    fetch: Callable[[str], Fetched] | None = None,
) -> Sync:
    """Return a sync over the bench's library whose parser or network is a test's own."""
    from ragraft.documents.chunk import DocumentChunker

    def no_network(url: str) -> Fetched:
        raise FetchError(f"{url} could not be read")

    return Sync(
        database=bench.database,
        audit=bench.audit,
        parser=parser or OwnWords(),
        chunker=DocumentChunker(count_tokens=bench.embedder.count_tokens),
        embedder=bench.embedder,
        term_weights=term_weights,
        fetch=fetch or no_network,
        max_bytes=1_000_000,
    )


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
    monkeypatch.setattr("ragraft.documents.sync.BATCH_CHUNKS", 1)
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
    monkeypatch.setattr("ragraft.documents.sync.BATCH_CHUNKS", 1)

    def interrupt(progress: Progress) -> None:
        if progress.doing == "c.md":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.sync.add_path(docs, rules=AccessRules(), caller=OWNER, on_progress=interrupt)
    assert uris(bench) == {"a.md": 1, "b.md": 1}
    assert counts(add(bench, docs)) == {"added": 1, "unchanged": 2}


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


# Rights


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


# Addresses


def page(content: str, *, name: str = "page") -> Callable[[str], Fetched]:
    return lambda url: Fetched(content.encode(), "text/plain", url, name)


URL = "https://example.test/page?x=1"


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


# Two runs at once


def test_two_runs_over_the_same_folder_add_each_document_once(
    open_bench: Callable[[], Workbench], tmp_path: Path
) -> None:
    files = {f"{number}.md": f"# Page {number}\n\nAbout number {number}." for number in range(12)}
    docs = write_files(tmp_path / "docs", files)
    benches = [open_bench() for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda bench: add(bench, docs), benches)
    assert (first.added + second.added, first.unchanged + second.unchanged) == (12, 12)
    assert set(uris(benches[0]).values()) == {1}
    assert len([one for one in benches[0].audit.entries() if one.action == "added"]) == 12


@pytest.mark.parametrize("first", ["docs/sub", "docs"])
def test_runs_over_a_folder_and_its_part_add_each_document_once(
    first: str, open_bench: Callable[[], Workbench], tmp_path: Path
) -> None:
    write_files(tmp_path / "docs", {"a.md": SOUP, "sub/b.md": FISH, "sub/c.md": CAKE})
    second = "docs" if first == "docs/sub" else "docs/sub"
    one, other = open_bench(), open_bench()
    reading, go_on = Event(), Event()

    def pause() -> None:
        reading.set()
        assert go_on.wait(20)

    def note(progress: Progress) -> None:
        if "waiting" in progress.doing:
            go_on.set()

    slow, quick = sync_with(one, parser=OwnWords(wait=pause)), sync_with(other)
    with ThreadPoolExecutor(2) as threads:
        earlier = threads.submit(slow.add_path, tmp_path / first, rules=AccessRules(), caller=OWNER)
        assert reading.wait(20)
        later = threads.submit(
            quick.add_path, tmp_path / second, rules=AccessRules(), caller=OWNER, on_progress=note
        )
        later.add_done_callback(lambda _: go_on.set())
        total = earlier.result(20).added + later.result(20).added
    assert total == 3
    assert counts(add_all(one, tmp_path / "docs")) == {"unchanged": 3}


def add_all(bench: Workbench, folder: Path) -> SyncReport:
    return sync_with(bench).add_path(folder, rules=AccessRules(), caller=OWNER)


def test_a_document_erased_while_a_run_reads_it_anew_is_added_as_a_new_one(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP})
    add_all(bench, docs)
    (docs / "a.md").write_text(FISH)
    waits = iter([lambda: bench.eraser.erase("a.md", caller=OWNER)])
    parser = OwnWords(wait=lambda: next(waits, lambda: None)())
    report = sync_with(bench, parser=parser).add_path(docs, rules=AccessRules(), caller=OWNER)
    assert counts(report) == {"added": 1}
    assert uris(bench) == {"a.md": 1}


def test_an_address_erased_while_a_run_fetches_it_is_added_anew(bench: Workbench) -> None:
    sync_with(bench, fetch=page(SOUP)).add_url(URL, rules=AccessRules(), caller=OWNER)

    def erase_then_fetch(url: str) -> Fetched:
        bench.eraser.erase(URL, caller=OWNER)
        return page(FISH)(url)

    report = sync_with(bench, fetch=erase_then_fetch).add_url(URL, rules=AccessRules(), caller=OWNER)
    assert counts(report) == {"added": 1}


def test_a_document_removed_by_hand_while_a_run_goes_on_is_not_removed_twice(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    add_all(bench, docs)
    (docs / "a.md").unlink()
    (docs / "b.md").write_text(CAKE)
    parser = OwnWords(wait=lambda: bench.library.remove("a.md", caller=OWNER))
    report = sync_with(bench, parser=parser).add_path(docs, rules=AccessRules(), caller=OWNER)
    assert counts(report) == {"replaced": 1}
    assert [one.action for one in bench.audit.entries() if one.action == "removed"] == ["removed"]


def test_a_document_relabelled_after_it_was_erased_leaves_no_entry(bench: Workbench, tmp_path: Path) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": SOUP, "b.md": FISH})
    add_all(bench, docs)
    (docs / "a.md").write_text(CAKE)
    parser = OwnWords(wait=lambda: bench.eraser.erase("b.md", caller=OWNER))
    rules = AccessRules(groups=label("staff"))
    sync_with(bench, parser=parser).add_path(docs, rules=rules, caller=OWNER)
    assert "relabelled" not in [entry.action for entry in bench.audit.entries()]


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
