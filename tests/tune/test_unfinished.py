"""What stopped trainings have left: deleted where nobody trains any more."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from ragraft.tune.unfinished import discard_unfinished, training_folder


def stopped(adapters: Path, name: str) -> Path:
    folder = training_folder(adapters, name)
    (folder / "work").mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "work" / "checkpoint-1.pt").write_bytes(b"trace")
    return folder


def test_what_a_stopped_training_left_is_deleted(tmp_path: Path) -> None:
    folder = stopped(tmp_path, "house")
    assert discard_unfinished(tmp_path).names == ("house",)
    assert not folder.exists()


def test_a_training_that_was_killed_before_it_had_a_lock_is_deleted(tmp_path: Path) -> None:
    training_folder(tmp_path, "house").mkdir()
    assert discard_unfinished(tmp_path).names == ("house",)


def test_a_training_that_is_under_way_is_left_alone(tmp_path: Path) -> None:
    folder = stopped(tmp_path, "house")
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        discarded = discard_unfinished(tmp_path)
    assert (discarded.names, discarded.running) == ((), ("house",))
    assert (folder / "work" / "checkpoint-1.pt").exists()


def test_finished_adapters_stay(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / ".house.unfinished").mkdir()
    assert discard_unfinished(tmp_path).names == ()
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_folder_of_adapters_there_is_nothing_to_delete(tmp_path: Path) -> None:
    assert discard_unfinished(tmp_path / "adapters").names == ()


def test_what_cannot_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path, "house")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "rmdir", refuse)
    assert discard_unfinished(tmp_path).undeletable == ("house",)


def test_what_belongs_to_a_training_is_told_as_that_training(tmp_path: Path) -> None:
    folders = [stopped(tmp_path, name) for name in ("house", "house@shares", "@wordings")]
    assert set(discard_unfinished(tmp_path).names) == {"house", "a teacher's wordings"}
    assert not any(folder.exists() for folder in folders)
