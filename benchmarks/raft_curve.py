"""Models that learned to read from more and more rows: trained without gates, and kept.

The rows are those that `ragraft tune --raft` makes in the workspace, and learning starts where it starts there. Fewer
rows are a part of more. Each training is a process of its own, as in `tuning_runs`, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.comparing_pace import Pace
from benchmarks.comparing_workspace import READER, recipe_of
from benchmarks.figures import say
from benchmarks.tuning_runs import base_folder
from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file, fingerprint
from ragraft.raft.start import start_for
from ragraft.systems import Workbench
from ragraft.tune.export import SERVED, base_name, write_served
from ragraft.tune.gguf_file import write_gguf
from ragraft.tune.presets import Preset, preset_for
from ragraft.tune.run import refusals
from ragraft.types import AccessLabel, Dataset, Example, Message

__all__ = ["keep_rows", "learned", "sizes", "start_adapter", "start_model"]

WEIGHTS = "adapter_model.safetensors"


def start_adapter() -> Path | None:
    """Return the adapter that ships, from which learning starts; None if there is none."""
    return start_for(base_name(chat_model_file(), name=CHAT_MODEL_NAME), _preset(accelerator=False))


def start_model(cache: Path) -> Path | None:
    """Return the file to ask of the adapter that ships, by itself; None if there is none."""
    start = start_adapter()
    if start is None:
        return None
    file = cache / f"grounded-{fingerprint([start / WEIGHTS])}.gguf"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".unfinished")
        write_gguf(draft, base=base_folder(), adapter=start, kind="f16", name="grounded")
        draft.rename(file)
    return file


def keep_rows(bench: Workbench, cache: Path, *, taught: int | None) -> Path:
    """Return the file of the rows that the workspace's reader learns from, written unless it is there."""
    given = recipe_of(READER, bench.workspace.root, taught=taught).ingredients(bench).built.dataset
    start = start_adapter()
    after = fingerprint([start / WEIGHTS]) if start else "base"
    file = cache / f"{given.fingerprint}-{after}" / "rows.jsonl"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            json.dumps({**asdict(row), "held_out": held, "label": None, "made_from": ()}, ensure_ascii=False)
            for rows, held in ((given.train, False), (given.held_out, True))
            for row in rows
        ]
        draft = file.with_suffix(".unfinished")
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.rename(file)
    return file


def sizes(rows: Path, counts: Sequence[int]) -> list[int]:
    """Return the counts that there are rows for, and that of all rows."""
    whole = len(read_rows(rows).train)
    return [*(count for count in sorted(set(counts)) if 0 < count < whole), whole]


def learned(rows: Path, count: int) -> Path:
    """Return the file to ask of a model that learned so many rows, trained now unless it was before."""
    out = rows.with_name(f"{count}-rows")
    if not (out / SERVED).exists():
        say(f"learning {count} rows")
        command = [sys.executable, "-m", "benchmarks.raft_curve", str(rows), str(count), str(out)]
        if subprocess.run(command, cwd=Path(__file__).parents[1], stdout=sys.stderr).returncode:
            raise RuntimeError(f"learning {count} rows failed")
    return out / SERVED


def read_rows(file: Path, count: int | None = None) -> Dataset:
    """Return the rows of a file, so many of those to learn: always the same, and fewer are a part of more."""
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    train = [_example(row) for row in found if not row["held_out"]]
    random.Random(0).shuffle(train)
    held_out = tuple(_example(row) for row in found if row["held_out"])
    return Dataset(tuple(train[:count]), held_out, f"{file.parent.name}-{count}", AccessLabel())


def learn(rows: Path, count: int, out: Path) -> None:
    """Learn so many rows in this process."""
    from ragraft.tune.train import Progress, accelerated, train

    dataset, pace = read_rows(rows, count), Pace()

    def tell(now: Progress) -> None:
        pace.steps(now.step, now.steps)

    if not out.exists():
        pace.stage(f"{count} rows, {len(refusals(dataset.train))} of them refusals")
        train(
            dataset,
            base=base_folder(),
            out=out,
            work=out.with_suffix(".work"),
            preset=_preset(accelerator=accelerated()),
            start=start_adapter(),
            later=refusals(dataset.train),
            on_progress=tell,
        )
    write_served(out, base=base_folder(), name=f"{count} rows")


def _preset(*, accelerator: bool) -> Preset:
    """Return how `ragraft tune --raft` trains, without what keeps the rest of the model as it was."""
    return replace(preset_for(accelerator=accelerator), replay=0.0)


def _example(row: dict[str, Any]) -> Example:
    return Example(row["id"], row["kind"], tuple(Message(**one) for one in row["messages"]), row["group"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("out", type=Path)
    learn(**vars(parser.parse_args()))
