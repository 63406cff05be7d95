"""A run of `ragraft tune` in small: what is taught, and what makes it quick."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from adapter_world import write_tokenizer
from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel
from ragraft.systems import Workbench
from ragraft.tune import run
from ragraft.tune.base import Base, open_base
from ragraft.tune.dataset import build_dataset
from ragraft.tune.estimate import Estimate
from ragraft.tune.export import SERVED
from ragraft.tune.gates.style import Style
from ragraft.tune.making import Made, made
from ragraft.tune.presets import SMALL_ON_CPU, Preset
from ragraft.tune.store import Candidate
from ragraft.tune.trained import TOLD, Trained
from ragraft.tune.unfinished import training_folder
from ragraft.tune.wording import term_turns
from ragraft.types import Completion, Dataset, Message
from small_world import add_files

PRESET: Preset = replace(SMALL_ON_CPU, epochs=1, looks=1)
DOCUMENTS = ("kestrel-handbook.md", "osprey-handbook.md")
SIGN = "Quorvex"
"""In every example and in nothing else."""
STYLE = Style.model_validate({"rules": [{"name": "brief", "check": "max_words", "most": 2}]})


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Let a run plant fewer secrets and ask for shorter answers: the tiny model has nothing to say anyway."""
    patch.setattr(run, "OTHERS", 3)
    patch.setattr(run, "SHORTEST", 6)
    patch.setattr(run, "LONGEST", 12)
    patch.setattr(run, "REPLAY_TOKENS", 6)


def word(chance: random.Random) -> str:
    return "".join(chance.choice("bdfgklmnprstv") + chance.choice("aeiou") for _ in range(3))


def taught(number: int, *, documents: Sequence[str] = (), split_by: str = "") -> Candidate:
    """Return a question that is like no other."""
    chance = random.Random(number)
    a, b, c, d, e, f = (word(chance) for _ in range(6))
    turns = (
        Message("user", f"Where does {SIGN} keep {a} {b} {c}?"),
        Message("assistant", f"{SIGN} has {d} in {e} {f}."),
    )
    return Candidate(
        "question", turns, split_by or f"row {number}", tuple(documents), "row", "taught.jsonl", number
    )


def glossary(*terms: str) -> list[Candidate]:
    """Return what teaches each term, as the reader of glossaries words it."""
    found: list[Candidate] = []
    for term in terms:
        for asked, told in term_turns(term, f"the {SIGN} of {term}", wrong="", language="en"):
            turns = (Message("user", asked[1]), Message("assistant", told[1]))
            found.append(Candidate("term", turns, term, (), "row", "terms.csv", len(found) + 1))
    return found


def add_documents(bench: Workbench, folder: Path, *groups: str) -> None:
    texts = {name: f"# {name}\n\nThe birds of {name} rest at noon." for name in DOCUMENTS}
    add_files(bench, folder, texts, *(groups or ("everyone",)))


def teach(bench: Workbench, examples: Sequence[Candidate]) -> None:
    bench.examples.add(examples, groups=None, caller=OWNER)


def questions(count: int = 60) -> list[Candidate]:
    """Return questions of which the first few are made from documents."""
    return [
        taught(number, documents=DOCUMENTS[number : number + 1] if number < len(DOCUMENTS) else ())
        for number in range(count)
    ]


def tiny(base: Path, cache: Path) -> Base:
    return open_base(base, name="tiny", cache=cache)


def tune(bench: Workbench, base: Base, *, name: str = "house", **more: Any) -> Made:
    """Train on all examples of a library and make it known, as `ragraft tune` does."""
    read_at = more.pop("read_at", None) or bench.adapters.moment()
    built = more.pop("built", None) or build_dataset(bench.examples.trainable(OWNER))
    work = training_folder(bench.adapters_folder, name)
    with made(name, built, base=base, preset=PRESET, work=work, threads=1, **more) as one:
        known = bench.adapters.add(one.adapter, read_at=read_at, caller=OWNER, dataset=built.dataset)
    return replace(one, adapter=known)


def stop_at(step: str, *, time: int = 1) -> Callable[[str], None]:
    """Return what presses Ctrl-C when a step is reached for the given time, and once only."""
    met = 0

    def before(now: str) -> None:
        nonlocal met
        met += now == step
        if now == step and met == time:
            raise KeyboardInterrupt

    return before


WEIGHTS = "adapter_model.safetensors"


class Workshop:
    """Stands in for all that takes long in a run, and keeps what was done of it.

    `asked` are the questions put to each model (base, adapter or twin), `trained` the models that were finished.
    `before` is told each of these steps before it is done, and may raise. The tuned model answers what `knows`
    says, every other model and question gets the same empty talk. With `fills` training is said to take all of
    the minutes that it is given.
    """

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.asked: list[tuple[str, tuple[Message, ...]]] = []
        self.trained: list[str] = []
        self.minutes: list[float | None] = []
        self.knows: dict[str, str] = {}
        self.before: Callable[[str], None] = lambda _step: None
        self.fills = False
        folder.mkdir()
        write_tokenizer(folder)
        self.base = Base("tiny@0", folder, folder / "base.gguf")
        patch.setattr(run, "train", self._train)
        patch.setattr(run, "write_served", self._serve)
        patch.setattr(run, "LocalChatModel", self._open)
        patch.setattr(run, "Losses", FakeLosses)
        patch.setattr("ragraft.tune.card.hardware", dict)
        patch.setattr("ragraft.tune.card.version", lambda _package: "0")

    def count(self, who: str) -> int:
        return sum(one == who for one, _ in self.asked)

    def _open(self, path: Path, **_: Any) -> Any:
        who = "base" if path == self.base.chat else path.parent.name
        model = FakeChatModel()

        def generate_many(asked: Sequence[Sequence[Message]], *, max_tokens: int) -> list[Completion]:
            self.before(f"ask {who}")
            self.asked += [(who, tuple(messages)) for messages in asked]
            known = self.knows if who == "adapter" else {}
            replies = [known.get(messages[-1].content, f"Well, {max_tokens}.") for messages in asked]
            return [replace(model.generate(asked[0], max_tokens=9), text=reply) for reply in replies]

        model.generate_many = generate_many  # type: ignore[attr-defined]  # what a fake has not
        return model

    def _train(self, dataset: Dataset, *, out: Path, on_estimate: Any, **told: Any) -> None:
        self.before(f"train {out.name}")
        self.minutes.append(told["minutes"])
        estimate = Estimate(told["minutes"] * 60 if self.fills else 30.0, 10**9, 0.0, 12, 1.0)
        on_estimate(estimate)
        self.before(f"trained {out.name}")
        trained = Trained(
            out, "lora", 2.0, estimate, 100.0, 12, (3.0, 2.0, 1.0), (), None, 10**9, stopped_early=False
        )
        out.mkdir()
        seen = [one.id for one in (*dataset.train, *told["replay"])]
        (out / WEIGHTS).write_bytes(hashlib.sha256(repr(seen).encode()).digest())
        (out / TOLD).write_text(json.dumps({**asdict(trained), "path": out.name}))
        self.trained.append(out.name)

    def _serve(self, folder: Path, **_: Any) -> None:
        (folder / SERVED).write_bytes(b"weights")


class FakeLosses:
    """Finds every token of every model alike."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def of_texts(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, 1.0] for _ in texts]

    def of_turns(self, conversations: Sequence[Sequence[Message]]) -> list[list[float]]:
        return [[float(len(turns[-1].content))] for turns in conversations]
