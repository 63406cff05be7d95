"""What a training gave, and the file beside the weights that tells it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ragraft.tune.curves import Look, best_look
from ragraft.tune.estimate import Estimate
from ragraft.tune.presets import Method, Preset

__all__ = ["TOLD", "Trained", "read_trained", "write_trained"]

TOLD = "training.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave: a PEFT folder at `path` (a Hugging Face folder if all weights were trained).

    `seconds` are of all calls that the run took, `tokens_per_second` of the rows read in its steps, without
    padding and looks. `looks[0]` is the model before training; `best` is the look whose weights were kept, None
    without held-out rows. `memory` is the peak in bytes. `stopped_early` if nothing got better any more.
    """

    path: Path
    method: Method
    seconds: float
    estimate: Estimate
    tokens_per_second: float
    steps: int
    losses: tuple[float, ...]
    looks: tuple[Look, ...]
    best: Look | None
    memory: int
    stopped_early: bool


def write_trained(folder: Path, trained: Trained, *, rates: Sequence[float], preset: Preset) -> None:
    """Write what training gave into the folder of the weights, with the rate of each step and how it was done."""
    told = {**asdict(trained), "path": trained.path.name, "rates": list(rates), "preset": asdict(preset)}
    (folder / TOLD).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read_trained(folder: Path) -> Trained:
    """Return what `train` returned for the folder that it made."""
    told = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    looks = tuple(Look(**look) for look in told["looks"])
    return Trained(
        **{
            name: told[name]
            for name in ("method", "seconds", "tokens_per_second", "steps", "memory", "stopped_early")
        },
        path=folder,
        estimate=Estimate(**told["estimate"]),
        losses=tuple(told["losses"]),
        looks=looks,
        best=best_look(looks),
    )
