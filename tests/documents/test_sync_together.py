"""Runs beside each other, and beside removals and erasures: each document once, and nothing crashes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sync_world import (
    CAKE,
    FISH,
    SOUP,
    URL,
    OwnWords,
    add_all,
    counts,
    page,
    sync_with,
    uris,
)

from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.fetch import Fetched
from ragraft.documents.sync import Progress
from ragraft.systems import Workbench
from small_world import add, label, write_files


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
