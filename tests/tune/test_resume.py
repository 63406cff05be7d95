"""A run that is cut short goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import training_world
from ragraft.errors import UserError
from ragraft.tune import train as training
from ragraft.tune.checkpoints import claimed, last_checkpoint
from ragraft.tune.train import Progress
from ragraft.tune.trained import Trained
from training_world import PRESET, run


@pytest.fixture(scope="module")
def whole(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run that nobody interrupts."""
    return run(tiny_base, tmp_path_factory.mktemp("whole"))


def _kill_child(tiny_base: Path, folder: Path, *, after: int) -> None:
    command = [sys.executable, training_world.__file__, str(tiny_base), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == after:
                break
        child.kill()
        assert child.wait() == -signal.SIGKILL, child.stderr and child.stderr.read()


def test_killed_run_resumes_with_the_same_losses(tiny_base: Path, tmp_path: Path, whole: Trained) -> None:
    _kill_child(tiny_base, tmp_path, after=10)
    steps: list[int] = []

    resumed = run(tiny_base, tmp_path, on_progress=lambda now: steps.append(now.step))

    assert steps[0] >= 10, "it began anew"
    assert resumed.losses == whole.losses
    assert resumed.looks == whole.looks


def test_resumed_run_saves_the_same_weights(tiny_base: Path, tmp_path: Path, whole: Trained) -> None:
    def interrupt(now: Progress) -> None:
        if now.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tiny_base, tmp_path, on_progress=interrupt)
    resumed = run(tiny_base, tmp_path)

    weights = "adapter_model.safetensors"
    assert (resumed.path / weights).read_bytes() == (whole.path / weights).read_bytes()


def test_ctrl_c_leaves_a_checkpoint_of_that_step(tiny_base: Path, tmp_path: Path) -> None:
    def interrupt(now: Progress) -> None:
        if now.step == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tiny_base, tmp_path, on_progress=interrupt)

    checkpoint = last_checkpoint(tmp_path / "work")
    assert checkpoint is not None
    assert checkpoint.name == "checkpoint-0000004.pt"


def test_other_arguments_begin_a_new_run(tiny_base: Path, tmp_path: Path) -> None:
    def stop(now: Progress) -> None:
        if now.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tiny_base, tmp_path, on_progress=stop)
    steps: list[int] = []

    run(tiny_base, tmp_path, preset=replace(PRESET, rank=8), on_progress=lambda now: steps.append(now.step))

    assert steps[0] == 1


def test_checkpoint_half_written_is_not_taken_up(
    tiny_base: Path, tmp_path: Path, whole: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(now: Progress) -> None:
        if now.step == 6:
            raise RuntimeError("power cut")

    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="power cut"):
        run(tiny_base, tmp_path, on_progress=stop)
    (tmp_path / "work" / "checkpoint-0000007.unfinished").write_bytes(b"half of it")

    assert run(tiny_base, tmp_path).losses == whole.losses


def test_two_runs_do_not_share_a_folder(tiny_base: Path, tmp_path: Path) -> None:
    with claimed(tmp_path / "work", "another run"):
        with pytest.raises(UserError, match="another process is training"):
            run(tiny_base, tmp_path)


def test_checkpoints_go_when_the_run_is_done(whole: Trained) -> None:
    assert not whole.path.with_name("work").exists()
