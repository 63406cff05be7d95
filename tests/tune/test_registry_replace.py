"""Replacing an adapter: all of it changes at once, and whoever is killed leaves the old one or the new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter_world import adapter, add_adapter, draft_folder, registry_of
from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError, NotFoundError
from ragraft.systems import Workbench
from ragraft.tune.adapter_rows import Learned
from ragraft.tune.registry import AdapterRegistry, ErasedSourceError
from ragraft.tune.store import Candidate
from ragraft.types import AccessLabel, Adapter, Dataset, Example, Message, Source
from small_world import add_files, label, member

LEAVE = {"leave.md": "# Leave\n\nThirty days."}


def made_again(bench: Workbench, *documents: Source, name: str = "house", **more: Any) -> Adapter:
    """A second adapter of the same name, as a later training leaves it."""
    draft = draft_folder(bench, "again")
    (draft / "adapter_model.safetensors").write_bytes(b"later weights")
    again = adapter(name, path=draft, made_from=documents, card={"rank": 16}, **more)
    return replace(again, dataset_fingerprint="beef", made_at=datetime(2026, 4, 1, tzinfo=UTC))


def test_a_replacement_changes_all_of_an_adapter(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, LEAVE | {"other.md": "# Other\n\nText."}, "staff")
    add_adapter(bench, "leave.md")
    registry = registry_of(bench)
    add_files(bench, docs, LEAVE | {"other.md": "# Other\n\nMore text."}, "staff")
    again = made_again(bench, Source("other.md", 2), gates={})
    now = registry.replace(again, read_at=registry.moment(), caller=OWNER)
    assert now == replace(again, path=now.path, label=label("staff"))
    assert registry.adapters(OWNER) == [now]


def test_a_replacement_has_weights_in_a_folder_of_its_own(bench: Workbench) -> None:
    old = Path(add_adapter(bench).path)
    registry = registry_of(bench)
    paths = [
        Path(registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER).path)
        for _ in range(2)
    ]
    assert [path.name for path in paths] == ["house@2", "house@3"]
    assert (paths[1] / "adapter_model.safetensors").read_bytes() == b"later weights"
    assert list(old.parent.iterdir()) == [paths[1]]


def test_a_replacement_lifts_the_taint_of_what_it_did_not_see(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    add_adapter(bench, "leave.md")
    bench.library.remove("leave.md", caller=OWNER)
    registry = registry_of(bench)
    now = registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER)
    assert (now.tainted_by, now.made_from) == ((), ())


def test_a_replacement_of_nothing_is_refused_and_keeps_its_draft(bench: Workbench) -> None:
    registry = registry_of(bench)
    again = made_again(bench)
    with pytest.raises(NotFoundError):
        registry.replace(again, read_at=registry.moment(), caller=OWNER)
    assert Path(again.path).exists()


def test_only_the_owner_replaces(bench: Workbench) -> None:
    add_adapter(bench)
    registry = registry_of(bench)
    with pytest.raises(NotAllowedError):
        registry.replace(made_again(bench), read_at=registry.moment(), caller=member("staff"))


def test_a_document_erased_during_training_keeps_the_old_adapter(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    old = add_adapter(bench)
    registry = registry_of(bench)
    read_at = registry.moment()
    bench.eraser.erase("leave.md", caller=OWNER)
    with pytest.raises(ErasedSourceError):
        registry.replace(made_again(bench, Source("leave.md", 1)), read_at=read_at, caller=OWNER)
    assert registry.adapters(OWNER) == [old]
    assert Path(old.path).exists()


def test_a_replacement_killed_before_its_commit_leaves_the_old_adapter(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = add_adapter(bench)
    registry = registry_of(bench)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ragraft.tune.registry.sync_path", die)  # the last step before the commit
        with pytest.raises(KeyboardInterrupt):
            registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER)
    assert registry.adapters(OWNER) == [old]
    assert (Path(old.path) / "adapter_model.safetensors").read_bytes() == b"weights"


def test_a_replacement_killed_after_its_commit_leaves_the_new_adapter(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = add_adapter(bench)
    registry = registry_of(bench)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AdapterRegistry, "_delete_weights", die)
        with pytest.raises(KeyboardInterrupt):
            registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER)
    (now,) = registry.adapters(OWNER)
    assert (Path(now.path) / "adapter_model.safetensors").read_bytes() == b"later weights"
    registry.remove("house", caller=OWNER)
    assert not Path(old.path).exists()


def test_the_audit_has_a_replacement(bench: Workbench) -> None:
    add_adapter(bench)
    registry = registry_of(bench)
    registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER)
    (entry,) = bench.audit.entries(limit=1)
    assert (entry.action, entry.detail) == ("adapter replaced", {"adapter": "house", "documents": []})


def test_an_adapter_that_saw_the_latest_revision_too_is_not_stale(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, LEAVE, "everyone")
    add_files(bench, docs, {"leave.md": "# Leave\n\nThirty-one days."})
    registry = registry_of(bench)
    made = adapter(path=draft_folder(bench), made_from=(Source("leave.md", 1), Source("leave.md", 2)))
    registry.add(made, read_at=registry.moment(), caller=OWNER)
    assert registry.stale("house", caller=OWNER) == []


def taught(bench: Workbench, *answers: str) -> list[Example]:
    candidates = [
        Candidate(
            "question", (Message("user", "?"), Message("assistant", text)), text, (), text, "f.jsonl", 1
        )
        for text in answers
    ]
    bench.examples.add(candidates, groups=None, caller=OWNER)
    return bench.examples.trainable(OWNER)


def test_what_an_adapter_learned_is_kept_by_id(bench: Workbench) -> None:
    one, other = taught(bench, "One.", "Two.")
    registry = registry_of(bench)
    read_at = registry.moment()
    dataset = Dataset((one,), (other,), "f00d", AccessLabel())
    registry.add(adapter(path=draft_folder(bench)), read_at=read_at, caller=OWNER, dataset=dataset)
    expected = Learned(frozenset({one.id}), frozenset({other.id}), read_at)
    assert registry.learned("house", caller=OWNER) == expected


def test_a_replacement_has_learned_what_it_was_made_from(bench: Workbench) -> None:
    add_adapter(bench)
    (one,) = taught(bench, "One.")
    registry = registry_of(bench)
    dataset = Dataset((one,), (), "f00d", AccessLabel())
    registry.replace(made_again(bench), read_at=registry.moment(), caller=OWNER, dataset=dataset)
    assert registry.learned("house", caller=OWNER).train == {one.id}


def test_an_example_that_is_removed_is_forgotten_by_its_adapters(bench: Workbench) -> None:
    (one,) = taught(bench, "One.")
    registry = registry_of(bench)
    dataset = Dataset((one,), (), "f00d", AccessLabel())
    made = adapter(path=draft_folder(bench))
    registry.add(made, read_at=registry.moment(), caller=OWNER, dataset=dataset)
    bench.examples.remove(caller=OWNER, name=one.id)
    assert registry.learned("house", caller=OWNER).train == frozenset()


def test_nobody_but_the_owner_is_told_which_examples_an_adapter_saw(bench: Workbench) -> None:
    (one,) = taught(bench, "One.")
    registry = registry_of(bench)
    dataset = Dataset((one,), (), "f00d", AccessLabel())
    made = adapter(path=draft_folder(bench))
    registry.add(made, read_at=registry.moment(), caller=OWNER, dataset=dataset)
    assert registry.learned("house", caller=member("staff")).train == frozenset()
