"""A workspace: made, found from below, and closed to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ragraft.config import Settings, starter_toml
from ragraft.errors import NotFoundError, SettingsError, WorkspaceError
from ragraft.workspace import create_workspace, find_workspace


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_workspace_has_settings_and_a_closed_folder(tmp_path: Path) -> None:
    workspace, made = create_workspace(tmp_path / "a" / "b")
    assert made
    assert workspace.root == tmp_path / "a" / "b"
    assert workspace.settings_file.read_text() == starter_toml()
    assert stat.S_IMODE(workspace.state.stat().st_mode) == 0o700
    assert workspace.settings == Settings()


def test_making_it_again_keeps_settings_and_contents(tmp_path: Path) -> None:
    workspace, _ = create_workspace(tmp_path)
    workspace.settings_file.write_text("[answer]\npassages = 3\n")
    (workspace.state / "kept").write_text("x")
    again, made = create_workspace(tmp_path)
    assert not made
    assert again.settings.answer.passages == 3
    assert (again.state / "kept").exists()


def test_making_it_again_closes_a_folder_that_was_opened(tmp_path: Path) -> None:
    workspace, _ = create_workspace(tmp_path)
    workspace.state.chmod(0o755)
    create_workspace(tmp_path)
    assert stat.S_IMODE(workspace.state.stat().st_mode) == 0o700


def test_it_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_workspace(tmp_path)
    below = tmp_path / "x" / "y"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_workspace(None).root == tmp_path


def test_the_nearest_of_several_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_workspace(tmp_path)
    create_workspace(tmp_path / "inner")
    monkeypatch.chdir(tmp_path / "inner")
    assert find_workspace(None).root == tmp_path / "inner"


def test_without_one_the_error_says_how_to_make_it(tmp_path: Path) -> None:
    for start in (None, tmp_path / "nowhere"):
        with pytest.raises(NotFoundError) as caught:
            find_workspace(start)
        assert caught.value.hint is not None
        assert "ragraft init" in caught.value.hint


def test_a_folder_that_is_named_is_not_searched_upwards(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(NotFoundError):
        find_workspace(tmp_path / "x")


def test_a_relative_folder_stays_the_same_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_workspace(tmp_path / "w")
    found = find_workspace(Path("w"))
    monkeypatch.chdir("/")
    assert found.root == tmp_path / "w"
    assert found.state.is_dir()


@pytest.mark.parametrize("obstacle", [".ragraft", "."])
def test_a_file_in_the_way_is_a_clear_error(obstacle: str, tmp_path: Path) -> None:
    root = tmp_path / "w"
    if obstacle == ".":
        root.write_text("x")
    else:
        root.mkdir()
        (root / obstacle).write_text("x")
    with pytest.raises(WorkspaceError, match="no workspace can be made") as caught:
        create_workspace(root)
    assert caught.value.hint is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_workspace_of_somebody_else_is_a_clear_error(tmp_path: Path) -> None:
    workspace, _ = create_workspace(tmp_path)
    workspace.state.chmod(0o000)
    with pytest.raises(WorkspaceError, match="somebody else"):
        find_workspace(tmp_path)
    workspace.state.chmod(0o700)


def test_a_workspace_that_may_not_be_entered_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_workspace(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(WorkspaceError, match="somebody else"):
        find_workspace(tmp_path)


def test_wrong_settings_are_told_when_it_is_opened(tmp_path: Path) -> None:
    workspace, _ = create_workspace(tmp_path)
    workspace.settings_file.write_text("[model]\ncolour = 'red'\n")
    with pytest.raises(SettingsError, match=r"model\.colour"):
        find_workspace(tmp_path)


def test_it_works_without_a_settings_file(tmp_path: Path) -> None:
    workspace, _ = create_workspace(tmp_path)
    workspace.settings_file.unlink()
    assert find_workspace(tmp_path).settings == Settings()


def test_a_folder_of_any_name_can_be_one(tmp_path: Path) -> None:
    root = tmp_path / "مجلد 'x' \"y\"\n%s 🦘"
    create_workspace(root)
    assert find_workspace(root).root == root
