"""What ends a run ends it clearly, with the last good checkpoint named."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragraft.errors import ModelError, UserError
from ragraft.tune import feed
from ragraft.tune import train as training
from ragraft.tune.presets import LARGE_ON_GPU
from ragraft.tune.student import Student
from ragraft.types import AccessLabel, Dataset, Message
from training_world import PRESET, run, small_dataset


def after(calls: int, function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """Return a function that works so many times, and then raises."""
    left = [calls]

    def limited(*arguments: Any, **more: Any) -> Any:
        if left[0] == 0:
            raise error
        left[0] -= 1
        return function(*arguments, **more)

    return limited


@pytest.fixture
def _save_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)


@pytest.mark.usefixtures("_save_each_step")
def test_loss_that_is_no_number_names_the_last_checkpoint(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no number") as caught:
        run(tiny_base, tmp_path, preset=replace(PRESET, rate=1e30, warm_up=0.5, looks=1))

    assert "lower the learning rate" in str(caught.value.hint)
    checkpoints = list((tmp_path / "work").glob("checkpoint-*.pt"))
    assert len(checkpoints) == 1
    assert str(checkpoints[0]) in str(caught.value.hint)


@pytest.mark.usefixtures("_save_each_step")
def test_memory_that_runs_out_names_the_last_checkpoint(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
    monkeypatch.setattr(Student, "loss", after(20, Student.loss, said))

    with pytest.raises(ModelError, match="memory ran out") as caught:
        run(tiny_base, tmp_path)

    assert "checkpoint-00" in str(caught.value.hint)


@pytest.mark.usefixtures("_save_each_step")
def test_full_disk_names_the_last_checkpoint(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(training, "save_checkpoint", after(5, training.save_checkpoint, full))

    with pytest.raises(UserError, match="cannot be saved: No space left on device") as caught:
        run(tiny_base, tmp_path)

    assert "checkpoint-00" in str(caught.value.hint)


def test_run_goes_on_once_the_disk_has_room_again(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(training, "SAVE_SECONDS", 0.0)
        patch.setattr(training, "save_checkpoint", after(5, training.save_checkpoint, full))
        with pytest.raises(UserError):
            run(tiny_base, tmp_path)
    steps: list[int] = []

    run(tiny_base, tmp_path, on_progress=lambda now: steps.append(now.step))

    assert steps[0] > 1


def test_disk_too_small_for_the_frozen_states_says_so(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(feed.os, "posix_fallocate", after(0, feed.os.posix_fallocate, full))

    with pytest.raises(UserError, match="No space left on device"):
        run(tiny_base, tmp_path)


def test_other_errors_keep_their_own_words(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Student, "loss", after(3, Student.loss, RuntimeError("shapes do not fit")))

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run(tiny_base, tmp_path)


def test_folder_that_exists_is_not_overwritten(tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    with pytest.raises(UserError, match="is there already"):
        run(tiny_base, tmp_path)


def test_nothing_to_train_on_is_said(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no example to train on"):
        run(tiny_base, tmp_path, dataset=Dataset((), (), "f00d", AccessLabel()))


def test_example_beyond_the_window_is_named(tiny_base: Path, tmp_path: Path) -> None:
    rows = small_dataset()
    long = replace(rows.train[0], messages=(Message("user", "word " * 600), Message("assistant", "yes")))

    with pytest.raises(UserError, match=f"{long.id} has 6.. tokens, the model reads 512"):
        run(tiny_base, tmp_path, dataset=replace(rows, train=(long, *rows.train)))


def test_budget_that_teaches_nothing_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="minutes are too few"):
        run(tiny_base, tmp_path, minutes=0.001)


def test_qlora_without_a_gpu_says_so(tiny_base: Path, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")

    with pytest.raises(UserError, match="qlora needs a GPU") as caught:
        run(tiny_base, tmp_path, preset=replace(LARGE_ON_GPU, method="qlora"))

    assert "--method lora" in str(caught.value.hint)


def test_model_that_is_none_is_named(tmp_path: Path, tiny_base: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for name in ("tokenizer.json", "chat_template.jinja"):
        (base / name).write_bytes((tiny_base / name).read_bytes())
    (base / "config.json").write_text('{"model_type": "llama"}')

    with pytest.raises(ModelError, match="cannot be opened for training"):
        run(base, tmp_path / "run")
