"""A training run that can be stopped and goes on from its last checkpoint, with the same batches."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from training.reader.dev_figures import dev_samples, evaluate
from training.reader.network import ReaderNetwork, loss_of
from training.reader.rows import load
from training.reader.samples import SEED, Sample, batches, chance_of, epoch_samples

__all__ = ["Run", "train"]

EPOCHS = 5
RATE, HEAD_RATE, WARM_UP, DECAY, EMA = 1.5e-4, 1e-3, 0.06, 0.01, 0.998


class Run:
    """A training run of so many steps: the network, the running average of its weights, how far it is."""

    def __init__(self, total: int) -> None:
        torch.manual_seed(SEED)
        self.network = ReaderNetwork()
        self.done = 0
        self._trained = {name: one for name, one in self.network.named_parameters() if one.requires_grad}
        self.average = {name: one.detach().clone() for name, one in self._trained.items()}
        body, heads = (
            [one for name, one in self._trained.items() if name.startswith("body.") is of_body]
            for of_body in (True, False)
        )
        self._optimiser = torch.optim.AdamW(
            [{"params": body, "lr": RATE}, {"params": heads, "lr": HEAD_RATE}],
            weight_decay=DECAY,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda at: min(at / (WARM_UP * total), (total - at) / ((1 - WARM_UP) * total))
        )

    def step(self, batch: Sequence[Sample]) -> float:
        """Learn from one batch and return its loss."""
        loss = loss_of(self.network, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self._trained.values(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        share = 1 - min(EMA, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self._trained.values()), share)
        self.done += 1
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on, whole or not at all."""
        parts = {"network": self.network, "optimiser": self._optimiser, "schedule": self._schedule}
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"average": self.average, "step": self.done, "chance": torch.get_rng_state()}
        draft = path.with_suffix(".new")
        torch.save(state, draft)
        draft.rename(path)

    def restore(self, path: Path) -> None:
        """Go on from where `save` was called."""
        state = torch.load(path, weights_only=False)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self.average = {name: state["average"][name] for name in self._trained}
        self.done = int(state["step"])
        torch.set_rng_state(state["chance"])


def train(work: Path, *, minutes: float | None) -> None:
    """Train, or go on from the last checkpoint; stop after `minutes` if given."""
    torch.set_num_threads(2)
    rows, dev = load("train"), dev_samples()
    negatives = json.loads((work / "negatives.json").read_text())
    passes = [
        batches(epoch_samples(rows, negatives, epoch=epoch), chance=chance_of(f"{SEED} b {epoch}"))
        for epoch in range(EPOCHS)
    ]
    steps = [batch for one in passes for batch in one]
    ends = np.cumsum([len(one) for one in passes])
    looks = {int(end - part * len(one)) for end, one in zip(ends, passes, strict=True) for part in (0, 0.5)}
    run, checkpoint = Run(len(steps)), work / "checkpoint.pt"
    if checkpoint.exists():
        run.restore(checkpoint)
    print(
        f"{len(rows)} rows, {sum(map(len, steps))} samples in {len(steps)} steps, {run.done} done", flush=True
    )
    run.network.train()
    began, seen, losses = time.monotonic(), 0, deque[float](maxlen=100)
    while run.done < len(steps):
        losses.append(run.step(steps[run.done]))
        seen += len(steps[run.done - 1])
        if run.done % 25 == 0:
            rate = seen / (time.monotonic() - began)
            left = sum(map(len, steps[run.done :])) / rate / 60
            place = f"{time.strftime('%H:%M:%S')} step {run.done}/{len(steps)}"
            print(f"{place} loss {np.mean(losses):.3f} {rate:.1f} rows/s {left:.0f} min left", flush=True)
        over = minutes is not None and time.monotonic() - began > 60 * minutes
        if run.done % 200 == 0 or run.done in looks or over:
            run.save(checkpoint)
            torch.save({"average": run.average}, work / f"average-{run.done}.pt")
        if run.done in looks:
            print(f"  dev {json.dumps(evaluate(run.network, run.average, dev))}", flush=True)
        if over:
            print("stopped: the time is up; run it again to go on", flush=True)
            return
