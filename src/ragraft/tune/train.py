"""Training from top to bottom: LoRA, QLoRA or all weights, on transformers and PEFT.

What makes it fast where it is slow, on a CPU: adapters sit in the upper layers only, so no gradient goes below them,
and what the frozen layers below make of a row is computed once and kept for all epochs; rows of like length are
computed together; the vocabulary is projected where a token is learned and nowhere else; the base's weights are
bfloat16, the adapters' float32. What makes it exact: the order of the rows follows from (seed, epoch), the learning
rate from the step, and a checkpoint holds the rest, so a run that was killed goes on with the very same losses.
"""

from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ragraft.errors import MissingExtraError, ModelError, UserError
from ragraft.models.files import fingerprint
from ragraft.models.processor import thread_count
from ragraft.tune.checkpoints import (
    checkpoint_file,
    claimed,
    interruptible,
    last_checkpoint,
    load_checkpoint,
    named_failures,
    save_checkpoint,
)
from ragraft.tune.curves import Course, Look, best_look, draw_course, is_stalled
from ragraft.tune.estimate import Estimate, Probe, cost_of, fit_steps
from ragraft.tune.feed import Feed
from ragraft.tune.folders import fresh_folder
from ragraft.tune.looking import LOOK_ROWS, HeldOutRows, sampled
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.tune.plan import Row, Step, packed, plan_steps, rate_at
from ragraft.tune.presets import Preset, preset_for
from ragraft.tune.student import Student
from ragraft.tune.trained import Trained, write_trained
from ragraft.types import Dataset, Example

if TYPE_CHECKING:
    import torch

__all__ = ["Progress", "accelerated", "train"]

PROBE_STEPS = 20
SAVE_SECONDS = 60.0
BEST, BELOW = "best.pt", "below.bf16"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `seconds_left` is the estimate, corrected by what the steps so far have taken."""

    step: int
    steps: int
    loss: float
    rate: float
    seconds_left: float
    looks: tuple[Look, ...]


def train(
    dataset: Dataset,
    *,
    base: Path,
    out: Path,
    work: Path,
    preset: Preset,
    start: Path | None = None,
    replay: Sequence[Example] = (),
    later: Collection[str] = (),
    seed: int = 0,
    minutes: float | None = None,
    price_per_hour: float = 0.0,
    threads: int | None = None,
    on_estimate: Callable[[Estimate], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Trained:
    """Train the model of the folder `base` on the examples and save the best of it to `out`.

    `work` holds checkpoints: a call with the same arguments goes on where a killed one stopped; it is removed at
    the end. `start` is the folder of a LoRA adapter of the same base, from which learning goes on. `replay` are general
    examples, of which `preset.replay` is mixed in against forgetting: what the base expects of them is kept, or if all
    weights are trained, they are learned as any other. Examples whose ids are in `later` come in the second epoch or
    half, and where time is short fewer rows are learned rather than none of these. `minutes` are of the whole call.
    `on_estimate` is told what the run will take before it begins; what it raises ends it. Ctrl-C saves a checkpoint
    first and then comes out of here.

    Raises: UserError if `out` exists, there is nothing to train on, `minutes` are too few, the disk is full or the
    method needs a GPU; ModelError if the model cannot be trained, memory runs out or the loss is no number: the
    hint names the last good checkpoint.
    """
    began = time.monotonic()
    _require_able(preset)
    if out.exists():
        raise UserError(f"{out} is there already", hint="choose another name, or remove that adapter first")
    if not dataset.train:
        raise UserError("there is no example to train on", hint="add some: ragraft examples add FILE")
    encoder = open_chat_encoder(base)
    rows = [_encoded(encoder, example) for example in (*dataset.train, *replay)]
    held_out = [_encoded(encoder, example) for example in sampled(dataset.held_out, LOOK_ROWS, seed=seed)]
    planned = partial(
        plan_steps,
        [len(row.ids) for row in rows],
        replay=range(len(dataset.train), len(rows)),
        replay_share=preset.replay,
        later={at for at, example in enumerate(dataset.train) if example.id in later},
        epochs=preset.epochs,
        rows=preset.rows,
        micro_tokens=preset.micro_tokens,
        seed=seed,
    )
    plan = planned()
    told = {"preset": asdict(preset), "later": sorted(later), "seed": seed, "minutes": minutes}
    identity = _identity([base, start] if start else [base], [*rows, *held_out], **told)
    with named_failures(work), claimed(work, identity), interruptible() as interrupted:
        student = Student(base, preset, seed=seed, threads=threads or thread_count())
        if start:
            student.begin_with(start)
        # A model that is trained whole has no base left within it to be held to.
        anchors = (
            range(len(dataset.train), len(rows)) if preset.anchor and preset.method != "full" else range(0)
        )
        run = _Run(student, rows, held_out, encoder, anchors=anchors, preset=preset, work=work, seed=seed)
        estimate = run.resume()
        if estimate is None:
            estimate = run.prepare(plan, began=began, minutes=minutes, price_per_hour=price_per_hour)
            on_estimate(estimate)
        if later and estimate.steps < len(plan):
            plan = planned(share=estimate.steps / len(plan))
        steps = plan[: estimate.steps]
        run.learn(steps, estimate, began=began, interrupted=interrupted, on_progress=on_progress)
        return run.finish(out, base=base, estimate=estimate, steps=len(steps), began=began)


class _Run:
    """One training run: how far it is, what it has seen, and how it is saved and taken up again."""

    def __init__(
        self,
        student: Student,
        rows: Sequence[Row],
        held_out: Sequence[Row],
        encoder: ChatEncoder,
        *,
        anchors: range,
        preset: Preset,
        work: Path,
        seed: int,
    ) -> None:
        self._student, self._preset = student, preset
        self._work, self._seed = work, seed
        self._rows, self._anchors = [*rows, *held_out], anchors
        self._feed = Feed(student, self._rows)
        self._held_out = HeldOutRows(
            student,
            self._feed,
            self._rows,
            range(len(rows), len(self._rows)),
            decode=encoder.tokenizer.decode,
            seed=seed,
        )
        self._optimiser = self._new_optimiser()
        self._done, self._spent, self._busy, self._look_seconds = 0, 0.0, 0.0, 0.0
        self._tokens = 0
        self._losses: list[float] = []
        self._rates: list[float] = []
        self._looks: list[Look] = []

    def prepare(
        self, plan: Sequence[Step], *, began: float, minutes: float | None, price_per_hour: float
    ) -> Estimate:
        """Try steps that leave no trace, look at the base, and say what the run will take."""
        import torch

        self._student.require_known(self._rows[0].ids[:64])
        tried = _evenly(sorted(plan, key=lambda step: step.tokens), min(PROBE_STEPS, max(3, len(plan) // 5)))
        below_seconds, below_tokens, timed = 0.0, 0, []
        for step in [tried[0], *tried]:
            started = time.monotonic()
            indices = {at for part in step.parts for at in part}
            self._feed.freeze(indices)
            frozen = time.monotonic()
            self._learn(step, rate=0.0)
            timed.append((step.tokens, time.monotonic() - frozen))
            below_seconds += frozen - started
            below_tokens += sum(len(self._rows[at].ids) for at in indices)
        self._feed.freeze(self._held_out.places)
        if self._held_out:
            self._look()
        self._optimiser = self._new_optimiser()
        torch.manual_seed(self._seed)
        probe = Probe(
            steps=tuple(timed[1:]),  # the first one warms up
            below=below_seconds / below_tokens if self._student.split else 0.0,
            look=self._look_seconds,
            spent=time.monotonic() - began,
        )
        lengths = [len(row.ids) for row in self._rows]
        ends = cost_of(plan, probe, lengths=lengths, looks=self._preset.looks if self._held_out else 0)
        steps = fit_steps(ends, minutes=minutes)
        return Estimate(
            seconds=ends[steps - 1],
            memory=self._student.peak_memory(),
            cost=ends[steps - 1] / 3600 * price_per_hour,
            steps=steps,
            epochs=steps / len(plan) * self._preset.epochs,
        )

    def learn(
        self,
        steps: Sequence[Step],
        estimate: Estimate,
        *,
        began: float,
        interrupted: Callable[[], bool],
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Go through the steps that are not done yet; stop when the held-out rows say that it leads no further."""
        seen = {at for step in steps for part in step.parts for at in part}
        started = time.monotonic()
        self._feed.freeze({*seen, *self._held_out.places}, kept=self._work / BELOW)
        self._busy += time.monotonic() - started
        looks = self._preset.looks if self._held_out else 0
        look_at = {round(len(steps) * number / looks) for number in range(1, looks + 1)}
        saved = time.monotonic()
        while self._done < len(steps) and not self._stalled():
            step = steps[self._done]
            rate = rate_at(self._done, steps=len(steps), warm_up=self._preset.warm_up, peak=self._preset.rate)
            started = time.monotonic()
            self._losses.append(self._learn(step, rate=rate))
            self._rates.append(rate)
            self._done += 1
            self._busy += time.monotonic() - started
            self._tokens += sum(len(self._rows[at].ids) for part in step.parts for at in part)
            if looked := self._done in look_at:
                self._look()
            on_progress(self._progress(steps, look_at))
            stop = interrupted()
            if looked or stop or time.monotonic() - saved > SAVE_SECONDS:
                self._save(estimate, spent=self._spent + time.monotonic() - began)
                saved = time.monotonic()
            if stop:
                raise KeyboardInterrupt

    def finish(self, out: Path, *, base: Path, estimate: Estimate, steps: int, began: float) -> Trained:
        """Save the best weights, the course of the run and its figures to `out`, whole or not at all."""
        best = best_look(self._looks)
        if best is not None:
            self._student.put(load_checkpoint(self._work / BEST))
        seconds = self._spent + time.monotonic() - began
        trained = Trained(
            path=out,
            method=self._preset.method,
            seconds=seconds,
            estimate=estimate,
            tokens_per_second=self._tokens / self._busy,
            steps=self._done,
            losses=tuple(self._losses),
            looks=tuple(self._looks),
            best=best,
            memory=self._student.peak_memory(),
            stopped_early=self._done < steps,
        )
        with fresh_folder(out) as folder:
            self._student.save(folder, base=base)
            course = Course(tuple(self._losses), tuple(self._rates), tuple(self._looks))
            draw_course(folder / "course.svg", course)
            write_trained(folder, trained, rates=self._rates, preset=self._preset)
        return trained

    def resume(self) -> Estimate | None:
        """Take up the run where its last checkpoint stands; return its estimate, or None if there is no checkpoint."""
        import torch

        path = last_checkpoint(self._work)
        if path is None:
            return None
        state = load_checkpoint(path)
        self._student.put(state["weights"])
        self._optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["chance"][0])
        if self._student.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["chance"][1:])
        self._done, self._spent, self._busy = state["step"], state["spent"], state["busy"]
        self._tokens, self._look_seconds = state["tokens"], state["look_seconds"]
        self._losses, self._rates = state["losses"], state["rates"]
        self._looks = [Look(*one) for one in state["looks"]]
        return Estimate(**state["estimate"])

    def _save(self, estimate: Estimate, *, spent: float) -> None:
        """Write all that the next step depends on. The rate and the order of rows follow from the step's number."""
        import torch

        cuda = torch.cuda.get_rng_state_all() if self._student.device.type == "cuda" else []
        state = {
            "step": self._done,
            "spent": spent,
            "busy": self._busy,
            "tokens": self._tokens,
            "look_seconds": self._look_seconds,
            "losses": self._losses,
            "rates": self._rates,
            "looks": [astuple(look) for look in self._looks],
            "estimate": asdict(estimate),
            "weights": self._student.weights(),
            "optimiser": self._optimiser.state_dict(),
            "chance": [torch.get_rng_state(), *cuda],
        }
        path = checkpoint_file(self._work, step=self._done)
        save_checkpoint(path, state)
        for old in self._work.glob("checkpoint-*.pt"):
            if old != path:
                old.unlink()

    def _learn(self, step: Step, *, rate: float) -> float:
        """Take one step and return its loss in nats per token; at a rate of 0 nothing changes."""
        from torch.nn.utils import clip_grad_norm_

        learned = [at for part in step.parts for at in part if at not in self._anchors]
        loss, drift = self._add_gradients(learned, self._student.loss), 0.0
        if len(learned) < sum(map(len, step.parts)):
            kept = [at for part in step.parts for at in part if at in self._anchors]
            drift = self._add_gradients(kept, self._student.drift, weight=self._preset.anchor)
        norm = float(clip_grad_norm_(self._student.trained.values(), self._preset.clip))
        if not (math.isfinite(loss + drift) and math.isfinite(norm)):
            raise ModelError(
                f"the loss of step {self._done + 1} is no number any more ({loss}, gradient {norm})",
                hint="lower the learning rate and train again",
            )
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad()
        return loss if learned else (self._losses or [loss])[-1]

    def _add_gradients(
        self, indices: Sequence[int], measure: Callable[..., torch.Tensor], *, weight: float = 1.0
    ) -> float:
        """Add to the gradients those of a measure of rows, per token; return it without its weight."""
        targets = sum(self._rows[at].targets for at in indices)
        total = 0.0
        for part in packed(indices, self._feed.lengths, tokens=self._preset.micro_tokens):
            share = measure(*self._feed.batch(part)) / targets
            (weight * share).backward()  # type: ignore[no-untyped-call]  # torch says nothing of its type
            total += float(share.detach())
        return total

    def _look(self) -> None:
        """Look at the held-out rows, and keep the weights if they are the best so far."""
        started = time.monotonic()
        look = self._held_out.look(self._done)
        self._looks.append(look)
        if best_look(self._looks) == look:
            save_checkpoint(self._work / BEST, self._student.weights())
        self._look_seconds = time.monotonic() - started

    def _stalled(self) -> bool:
        return is_stalled(self._looks, patience=self._preset.patience)

    def _progress(self, steps: Sequence[Step], look_at: set[int]) -> Progress:
        done = sum(step.tokens for step in steps[: self._done])
        left = sum(step.tokens for step in steps[self._done :]) * self._busy / done
        left += sum(at > self._done for at in look_at) * self._look_seconds
        return Progress(self._done, len(steps), self._losses[-1], self._rates[-1], left, tuple(self._looks))

    def _new_optimiser(self) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(
            list(self._student.trained.values()),
            lr=0.0,
            betas=self._preset.betas,
            weight_decay=self._preset.decay,
            fused=True,
        )


def _require_able(preset: Preset) -> None:
    """Raise MissingExtraError without the packages, UserError if the method needs a GPU that is not there."""
    for package in ("torch", "transformers", "peft"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("tune", needed_for="training")
    import torch

    if preset.method == "qlora":
        preset_for(method="qlora", accelerator=torch.cuda.is_available())
        if importlib.util.find_spec("bitsandbytes") is None:
            raise UserError(
                "qlora needs bitsandbytes, which is not installed", hint="pip install bitsandbytes"
            )


def accelerated() -> bool:
    """Return whether this machine has a GPU to train on. Raises: MissingExtraError without torch."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("tune", needed_for="training")
    import torch

    return torch.cuda.is_available()


def _identity(models: Sequence[Path], rows: Sequence[Row], **told: Any) -> str:
    """Return what two calls share if and only if the second goes on where the first stopped."""
    weights = [fingerprint(sorted(one.glob("*.safetensors"))) for one in models]
    content = json.dumps([weights, told, [(row.ids, row.trained) for row in rows]], sort_keys=True)
    return sha256(content.encode()).hexdigest()


def _encoded(encoder: ChatEncoder, example: Example) -> Row:
    encoded = encoder.encode(example.messages)
    row = Row(tuple(encoded.ids), tuple(encoded.trained))
    if not row.targets:
        raise UserError(
            f"the example {example.id} has no token to learn", hint="ragraft examples show " + example.id
        )
    if encoder.window is not None and len(row.ids) > encoder.window:
        raise UserError(
            f"the example {example.id} has {len(row.ids)} tokens, the model reads {encoder.window}",
            hint=f"shorten it, or remove it: ragraft examples remove {example.id}",
        )
    return row


def _evenly(items: Sequence[T], count: int) -> list[T]:
    """Return `count` items at even distances, the first and the last among them."""
    return [items[round(at * (len(items) - 1) / max(1, count - 1))] for at in range(count)]
