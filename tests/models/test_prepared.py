from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ragraft.errors import ModelError
from ragraft.models import prepared
from ragraft.models.prepared import MANIFEST, prepare_folder

# A child that makes a folder slowly: two files of 40 pieces each, and a line in `made` for each making.
SLOW_MAKER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from ragraft.models.prepared import prepare_folder

    def make(folder):
        with open(sys.argv[2], "a") as made:
            made.write("made\\n")
        (folder / "deep").mkdir()
        for name in ("a.bin", "deep/b.bin"):
            with (folder / name).open("wb") as file:
                for _ in range(40):
                    file.write(b"x" * 1000)
                    file.flush()
                    time.sleep(0.002)

    print("ready", flush=True)
    prepare_folder(Path(sys.argv[1]), "model", make)
""")


def start_maker(cache: Path, made: Path) -> subprocess.Popen[str]:
    maker = subprocess.Popen(
        [sys.executable, "-c", SLOW_MAKER, str(cache), str(made)], stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    maker.stdout.readline()
    return maker


def end(maker: subprocess.Popen[str]) -> int:
    assert maker.stdout is not None
    maker.stdout.close()
    return maker.wait(30)


def write_model(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"whole")


def refuse(folder: Path) -> None:
    pytest.fail(f"{folder} was made again")


def test_what_was_made_is_there(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "cache", "model", write_model)
    assert (folder / "model.bin").read_bytes() == b"whole"


def test_a_whole_folder_is_not_made_again(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path, "model", write_model)
    assert prepare_folder(tmp_path, "model", refuse) == folder


def test_a_file_cut_short_has_the_folder_made_again(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path, "model", write_model)
    (folder / "model.bin").write_bytes(b"wh")
    prepare_folder(tmp_path, "model", write_model)
    assert (folder / "model.bin").read_bytes() == b"whole"


def test_a_file_too_many_has_the_folder_made_again(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path, "model", write_model)
    (folder / "half.blob").touch()
    prepare_folder(tmp_path, "model", write_model)
    assert not (folder / "half.blob").exists()


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}"])
def test_a_damaged_manifest_has_the_folder_made_again(tmp_path: Path, manifest: str) -> None:
    folder = prepare_folder(tmp_path, "model", write_model)
    (folder / MANIFEST).write_text(manifest)
    (folder / "model.bin").write_bytes(b"other")
    prepare_folder(tmp_path, "model", write_model)
    assert (folder / "model.bin").read_bytes() == b"whole"


def test_a_maker_that_fails_leaves_nothing_that_counts_as_made(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write_model(folder)
        raise ModelError("no")

    with pytest.raises(ModelError):
        prepare_folder(tmp_path, "model", fail)
    made: list[Path] = []
    prepare_folder(tmp_path, "model", made.append)
    assert len(made) == 1


def test_kill_9_at_any_moment_leaves_a_folder_that_is_whole_or_made_again(tmp_path: Path) -> None:
    draw = random.Random(7)
    for attempt in range(12):
        cache = tmp_path / str(attempt)
        maker = start_maker(cache, tmp_path / "made")
        time.sleep(draw.uniform(0, 0.25))
        maker.send_signal(signal.SIGKILL)
        end(maker)
        assert end(start_maker(cache, tmp_path / "made")) == 0
        sizes = [(cache / "model" / name).stat().st_size for name in ("a.bin", "deep/b.bin")]
        assert sizes == [40_000, 40_000]


def test_of_several_processes_at_once_one_makes_it(tmp_path: Path) -> None:
    makers = [start_maker(tmp_path / "cache", tmp_path / "made") for _ in range(4)]
    assert [end(maker) for maker in makers] == [0, 0, 0, 0]
    assert (tmp_path / "made").read_text() == "made\n"


def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be written") as caught:
        prepare_folder(tmp_path / "file", "model", write_model)
    assert caught.value.hint


def test_a_whole_folder_that_cannot_be_written_still_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare_folder(tmp_path, "model", write_model)

    def refuse_time(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse_time)
    assert prepare_folder(tmp_path, "model", refuse) == folder


def test_waiting_for_another_process_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "LOCK_SECONDS", 0.2)
    maker = start_maker(tmp_path, tmp_path / "made")
    while not (tmp_path / "model").exists():
        time.sleep(0.001)
    maker.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(ModelError, match="another process"):
            prepare_folder(tmp_path, "model", write_model)
    finally:
        maker.send_signal(signal.SIGCONT)
        end(maker)


def test_a_folder_unused_for_long_goes_when_another_is_made(tmp_path: Path) -> None:
    old = prepare_folder(tmp_path, "old", write_model)
    os.utime(old / MANIFEST, (0, 0))
    prepare_folder(tmp_path, "new", write_model)
    assert not old.exists()


def test_a_folder_in_use_stays_when_another_is_made(tmp_path: Path) -> None:
    used = prepare_folder(tmp_path, "used", write_model)
    os.utime(used / MANIFEST, (0, 0))
    prepare_folder(tmp_path, "used", refuse)
    prepare_folder(tmp_path, "new", write_model)
    assert used.exists()
