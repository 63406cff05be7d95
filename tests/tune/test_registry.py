"""The registry: who sees which adapter, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapter_world import adapter, add_adapter, draft_folder, registry_of
from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError, NotFoundError, UserError
from ragraft.systems import Workbench
from ragraft.tune.registry import require_usable
from ragraft.types import AccessLabel, Source
from small_world import STRANGER, add_files, label, member

LEAVE = {"leave.md": "# Leave\n\nThirty days."}


def test_an_adapter_is_found_as_it_was_added(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    added = add_adapter(bench, "leave.md")
    expected = adapter(made_from=(Source("leave.md", 1),), path=bench.workspace.state / "adapters" / "house")
    assert added == expected
    assert registry_of(bench).adapters(OWNER) == [expected]


def test_its_weights_are_moved_into_the_workspace(bench: Workbench) -> None:
    added = add_adapter(bench)
    assert (Path(added.path) / "adapter_model.safetensors").read_bytes() == b"weights"
    assert not (bench.workspace.state / "draft-house").exists()


def test_the_label_is_narrowed_to_who_may_read_every_document_now(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "a", {"a.md": "# A\n\nOne."}, "staff", "board")
    add_files(bench, tmp_path / "b", {"b.md": "# B\n\nTwo."}, "board", "finance")
    assert add_adapter(bench, "a.md", "b.md").label == label("board")


def test_documents_without_common_readers_leave_it_to_the_owner(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "a", {"a.md": "# A\n\nOne."}, "staff")
    add_files(bench, tmp_path / "b", {"b.md": "# B\n\nTwo."}, "board")
    assert add_adapter(bench, "a.md", "b.md").label == AccessLabel()


def test_a_caller_sees_only_adapters_that_he_may_use(bench: Workbench) -> None:
    add_adapter(bench, name="for-staff", groups=frozenset({"staff"}))
    add_adapter(bench, name="for-all")
    add_adapter(bench, name="for-nobody", groups=frozenset())
    registry = registry_of(bench)
    assert [one.name for one in registry.adapters(STRANGER)] == ["for-all"]
    assert [one.name for one in registry.adapters(member("staff"))] == ["for-all", "for-staff"]
    assert len(registry.adapters(OWNER)) == 3


def test_a_hidden_adapter_does_not_exist(bench: Workbench) -> None:
    add_adapter(bench, name="hidden", groups=frozenset({"staff"}))
    registry = registry_of(bench)
    with pytest.raises(NotFoundError) as hidden:
        registry.find("hidden", caller=STRANGER)
    with pytest.raises(NotFoundError) as absent:
        registry.find("hiddex", caller=STRANGER)
    assert str(hidden.value) == str(absent.value).replace("hiddex", "hidden")


def test_only_the_owner_adds_and_removes(bench: Workbench) -> None:
    registry = registry_of(bench)
    add_adapter(bench)
    made = adapter("other", path=draft_folder(bench))
    with pytest.raises(NotAllowedError):
        registry.add(made, read_at=registry.moment(), caller=member("staff"))
    with pytest.raises(NotAllowedError):
        registry.remove("house", caller=member("staff"))


def test_a_name_is_taken_once(bench: Workbench) -> None:
    add_adapter(bench)
    with pytest.raises(UserError, match="already") as caught:
        registry_of(bench).require_free("house", caller=OWNER)
    assert "--name" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "x" * 65, ".hidden"])
def test_a_name_that_is_no_name_of_a_folder_is_refused(bench: Workbench, name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        registry_of(bench).require_free(name, caller=OWNER)


def test_a_removed_adapter_leaves_neither_row_nor_weights(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    added = add_adapter(bench, "leave.md")
    registry_of(bench).remove("house", caller=OWNER)
    assert registry_of(bench).adapters(OWNER) == []
    assert not Path(added.path).exists()
    with bench.database.transaction(OWNER) as connection:
        assert connection.execute("select count(*) from adapter_source").fetchone() == (0,)


def test_what_is_not_there_cannot_be_removed(bench: Workbench) -> None:
    with pytest.raises(NotFoundError):
        registry_of(bench).remove("house", caller=OWNER)


def test_weights_that_a_killed_removal_left_are_removed_by_the_next(bench: Workbench) -> None:
    left = bench.workspace.state / "adapters" / "house"
    left.mkdir(parents=True)
    registry_of(bench).remove("house", caller=OWNER)
    assert not left.exists()


def test_weights_that_a_killed_addition_left_make_room_for_the_next(bench: Workbench) -> None:
    left = bench.workspace.state / "adapters" / "house"
    left.mkdir(parents=True)
    (left / "old").write_text("old")
    added = add_adapter(bench)
    assert not (Path(added.path) / "old").exists()


def test_an_addition_that_fails_leaves_no_row(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", die)
    with pytest.raises(KeyboardInterrupt):
        add_adapter(bench)
    assert registry_of(bench).adapters(OWNER) == []


def test_a_document_erased_during_training_stops_the_adapter(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    registry = registry_of(bench)
    read_at = registry.moment()
    bench.eraser.erase("leave.md", caller=OWNER)
    made = adapter(path=draft_folder(bench), made_from=(Source("leave.md", 1),))
    with pytest.raises(UserError, match=r"leave\.md was erased"):
        registry.add(made, read_at=read_at, caller=OWNER)
    assert registry.adapters(OWNER) == []


def test_a_document_of_the_same_name_that_came_later_is_another(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    registry = registry_of(bench)
    read_at = registry.moment()
    bench.eraser.erase("leave.md", caller=OWNER)
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    made = adapter(path=draft_folder(bench), made_from=(Source("leave.md", 1),))
    with pytest.raises(UserError, match=r"leave\.md was erased"):
        registry.add(made, read_at=read_at, caller=OWNER)


def test_the_audit_has_its_making_and_end_with_documents_by_number(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", LEAVE, "everyone")
    add_adapter(bench, "leave.md")
    registry = registry_of(bench)
    registry.note_export("house", "gguf", caller=OWNER)
    registry.remove("house", caller=OWNER)
    added, exported, removed = bench.audit.entries(limit=3)
    assert (added.action, exported.action, removed.action) == (
        "adapter added", "adapter exported", "adapter removed",
    )  # fmt: skip
    assert "leave.md" not in json.dumps(added.detail)
    assert len(added.detail["documents"]) == 1
    assert bench.audit.verify().faults == ()


def test_a_replaced_document_makes_it_stale_and_leaves_it_in_service(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, LEAVE | {"other.md": "# Other\n\nSame."}, "everyone")
    add_adapter(bench, "leave.md", "other.md")
    registry = registry_of(bench)
    before = registry.stale("house", caller=OWNER)
    add_files(bench, docs, {"leave.md": "# Leave\n\nThirty-one days."})
    assert before == []
    assert registry.stale("house", caller=OWNER) == ["leave.md"]
    require_usable(registry.find("house", caller=OWNER))


def test_two_revisions_of_a_document_are_both_kept(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, LEAVE, "everyone")
    add_files(bench, docs, {"leave.md": "# Leave\n\nThirty-one days."})
    registry = registry_of(bench)
    seen = (Source("leave.md", 1), Source("leave.md", 2))
    made = adapter(path=draft_folder(bench), made_from=(*seen, Source("leave.md", 2)))
    assert registry.add(made, read_at=registry.moment(), caller=OWNER).made_from == seen


@pytest.mark.parametrize(
    ("gates", "reason"),
    [({}, "not run"), ({"quality": {"passed": False}, "format": {"passed": True}}, "did not pass: quality"),
     ({"quality": {"passed": None}}, "did not pass: quality")],
)  # fmt: skip
def test_an_adapter_that_did_not_pass_its_gates_is_out_of_service(gates: dict, reason: str) -> None:
    with pytest.raises(NotAllowedError, match=reason):
        require_usable(adapter(gates=gates))


def test_force_lets_an_adapter_be_used_that_did_not_pass() -> None:
    require_usable(adapter(gates={"quality": {"passed": False}}, forced=True))


def test_no_force_lets_a_tainted_adapter_be_used() -> None:
    with pytest.raises(NotAllowedError, match="document 7"):
        require_usable(replace(adapter(forced=True), tainted_by=("document 7 (erased)",)))
