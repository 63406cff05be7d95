"""What ships: the difference to the packaged weights in few bits, and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from training.reader.dev_figures import dev_samples, evaluate, figures_of, read_dev
from training.reader.network import ReaderNetwork
from training.reader.rows import TRAINED_ON, load
from training.reader.samples import SEED

from ragraft.models.files import embedder_folder
from ragraft.models.reader import GROUP, base_fingerprint, merge

__all__ = ["export"]


def export(work: Path, out: Path, *, steps: Sequence[int]) -> None:
    """Write the mean of the averages at some steps as a delta over the packaged weights, with its card."""
    kept = [torch.load(work / f"average-{step}.pt")["average"] for step in steps]
    average = {name: sum(one[name] for one in kept) / len(kept) for name in kept[0]}
    base = load_file(embedder_folder() / "model.safetensors")
    delta = delta_of(average, base)
    merged = merge(base, delta)
    rounded = {name: torch.from_numpy(merged[_shipped(name)]) for name in average}
    network, dev, rows = ReaderNetwork(), dev_samples(), load("train")
    network.load_state_dict(rounded, strict=False)
    network.eval()
    found = read_dev(network, dev)
    card = {
        "base": base_fingerprint(embedder_folder()),
        "seed": SEED,
        "steps": list(steps),
        "trained on": {name: sum(row.set == name for row in rows) for name in TRAINED_ON},
        "answerable": fit_answerable(found, np.array([one.answerable for _, _, one in dev])),
        "dev": figures_of(found, dev),
    }
    save_file(delta, out, metadata={"reader": json.dumps(card)})
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size:,} bytes\n{json.dumps(card, indent=1)}", flush=True)
    print(f"the same before rounding: {json.dumps(evaluate(network, average, dev))}")


def delta_of(average: Mapping[str, torch.Tensor], base: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what `ragraft.models.reader.merge` adds to the base: matrices in 4 bits, the rest in float16."""
    delta: dict[str, np.ndarray] = {}
    for name, value in average.items():
        shipped, array = _shipped(name), value.numpy()
        if shipped in base and array.ndim == 2:
            delta[f"{shipped}.bits"], delta[f"{shipped}.scales"] = to_bits(array - base[shipped])
        else:
            delta[shipped] = (array - base.get(shipped, 0)).astype(np.float16)
    return delta


def _shipped(name: str) -> str:
    return name.removeprefix("body.") if name.startswith("body.") else f"reader.{name}"


def to_bits(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix in 4 bits as `ragraft.models.reader.merge` reads it; of several scales the closest wins."""
    groups = difference.reshape(len(difference), -1, GROUP)
    highest = np.abs(groups).max(axis=-1, keepdims=True)
    best, error = np.zeros_like(highest), np.full_like(highest, np.inf)
    for share in np.linspace(0.5, 1.0, 26):
        scale = (highest * share / 7).astype(np.float16).astype(np.float32) + 1e-12
        missed = np.square(groups - np.clip(np.round(groups / scale), -8, 7) * scale).sum(-1, keepdims=True)
        best, error = np.where(missed < error, scale, best), np.minimum(missed, error)
    levels = (np.clip(np.round(groups / best), -8, 7) + 8).astype(np.uint8).reshape(len(difference), -1)
    return levels[:, ::2] | levels[:, 1::2] << 4, best[..., 0].astype(np.float16)


def fit_answerable(found: np.ndarray, answerable: np.ndarray) -> list[float]:
    """Return the weights of the judge's logit and of the span's lead, and the shift, by logistic regression."""
    inputs = np.column_stack([found[:, 1:3], np.ones(len(found))])
    weights = np.zeros(3)
    for _ in range(30):  # Newton's method
        chances = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + 1e-3 * np.eye(3)
        weights += np.linalg.solve(curvature, inputs.T @ (answerable - chances) - 1e-3 * weights)
    return [round(float(weight), 4) for weight in weights]
