"""Training on a set, and asking base and tuned model; what was once trained or answered is kept and not done again.

A run that was cut short goes on where it stopped: in training by the trainer's own checkpoints, in asking after the
last answer that was written down.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from benchmarks.figures import say
from benchmarks.tuning_sets import SETS, Amount, TuningSet
from ragraft.models.files import chat_model_file, fingerprint
from ragraft.models.local import LocalChatModel
from ragraft.tune.base import trainable_folder
from ragraft.tune.export import SERVED, write_served
from ragraft.tune.gates.context import retrieval_frame
from ragraft.tune.gates.exam import AnswerSheet
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.presets import Preset, preset_for
from ragraft.tune.replay import rehearse, replay_prompts
from ragraft.tune.run import REPLAY_TOKENS
from ragraft.tune.store import example_id
from ragraft.types import Example, Message

__all__ = ["CACHE", "Candidate", "Trial", "base_folder", "course", "open_set", "trained"]

CACHE = Path(tempfile.gettempdir()) / "ragraft-benchmarks"


@dataclass(frozen=True, slots=True)
class Trial:
    """A set, how much of it, and how it is trained on. `changes` are values that differ from the preset's."""

    name: str
    amount: Amount = field(default_factory=Amount)
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def preset(self) -> Preset:
        """How the model is trained."""
        return replace(preset_for(accelerator=False), **dict(self.changes))  # type: ignore[arg-type]  # by name


def base_folder() -> Path:
    """Return the base as a folder that can be trained."""
    return trainable_folder(chat_model_file(), cache=CACHE / "models")


def open_set(trial: Trial) -> TuningSet:
    """Return the set of a trial, cut to its amount."""
    return SETS[trial.name](open_chat_encoder(base_folder()), trial.amount)


class Candidate:
    """A model that is asked, greedily; its answers are kept in the folder and never asked for again."""

    def __init__(self, model: Path, folder: Path) -> None:
        self._path, self._folder = model, folder

    @cached_property
    def model(self) -> LocalChatModel:
        """The model, opened when it is first needed."""
        return LocalChatModel(self._path, prefix_caching=True)

    def sheet(self, *, tokens: int) -> AnswerSheet:
        """Return what asks it for answers of at most so many tokens."""

        def ask(asked: Sequence[Sequence[Message]]) -> list[str]:
            return [one.text for one in self.model.generate_many(asked, max_tokens=tokens)]

        self._folder.mkdir(parents=True, exist_ok=True)
        return AnswerSheet(ask, kept=self._folder / f"answers-{tokens}.json")


def trained(trial: Trial, one: TuningSet, *, base: Candidate, cache: Path) -> Path:
    """Return the folder of the tuned model, trained now unless it was before.

    In a process of its own, for its peak memory is to be its own, and OpenVINO's threads and torch's get in each
    other's way. The base's own answers to general prompts are mixed in, as `ragraft tune` does.
    """
    told = json.dumps([fingerprint([chat_model_file()]), one.dataset.fingerprint, asdict(trial.preset)])
    out = cache / f"{trial.name}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"
    if not (out / SERVED).exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        _keep_replay(_replay_file(out), base, trial.preset, examples=len(one.dataset.train))
        say(f"{trial.name}: training on {len(one.dataset.train)} examples")
        command = [sys.executable, "-m", "benchmarks.tuning_runs", json.dumps(asdict(trial)), str(out)]
        done = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=sys.stderr)
        if done.returncode:
            raise RuntimeError(f"training on {trial.name} failed")
    return out


def _keep_replay(file: Path, base: Candidate, preset: Preset, *, examples: int) -> None:
    if file.exists():
        return
    say("the base answers general prompts")
    rehearsal = rehearse(
        replay_prompts(retrieval_frame(base.model)),
        ask_many=partial(base.model.generate_many, max_tokens=REPLAY_TOKENS),
        count=round(examples * preset.replay / (1 - preset.replay)) * preset.epochs,
        seed=0,
        whole=preset.method == "full",
    )
    rows = [[asdict(turn) for turn in example.messages] for example in rehearsal.examples]
    file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def _read_replay(file: Path) -> list[Example]:
    rows = [tuple(Message(**turn) for turn in row) for row in json.loads(file.read_text(encoding="utf-8"))]
    return [Example(name := example_id(messages), "replay", messages, name) for messages in rows]


def _replay_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.replay.json")


def course(out: Path) -> dict[str, Any]:
    """Return what a training run wrote down about itself."""
    return dict(json.loads((out / "training.json").read_text(encoding="utf-8")))


def _train_one(told: str, out: Path) -> None:
    """Train one set in this process."""
    from ragraft.tune.train import Progress, train

    found = json.loads(told)
    trial = Trial(found["name"], Amount(**found["amount"]), tuple(map(tuple, found["changes"])))
    one = open_set(trial)

    def tell(progress: Progress) -> None:
        if progress.step % 25 == 0:
            say(f"{trial.name}: step {progress.step} of {progress.steps}, loss {progress.loss:.2f}")

    if not out.exists():
        train(
            one.dataset,
            base=base_folder(),
            out=out,
            work=out.with_name(f"{out.name}.work"),
            preset=trial.preset,
            replay=_read_replay(_replay_file(out)),
            on_progress=tell,
        )
    write_served(out, base=base_folder(), name=trial.name)


if __name__ == "__main__":
    _train_one(sys.argv[1], Path(sys.argv[2]))
