"""One whole run of `ragraft tune` on a tiny model with nothing left out, and one that was stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from making_world import (
    DOCUMENTS,
    SIGN,
    STYLE,
    WEIGHTS,
    add_documents,
    glossary,
    questions,
    quicken,
    teach,
    tiny,
    tune,
)
from ragraft.access.labels import OWNER
from ragraft.answering import Answering
from ragraft.models.local import LocalChatModel
from ragraft.systems import SystemKind, Workbench
from ragraft.tune import run
from ragraft.tune.base import Base
from ragraft.tune.export import SERVED, base_name
from ragraft.tune.making import Made
from ragraft.tune.run import Watch
from ragraft.tune.train import Progress
from ragraft.types import Message
from small_world import dsn_of, own_library

TAUGHT = [*questions(40), *glossary("Alpha", "Beta")]


@dataclass
class Run:
    """A run, the steps that its trainings took, and what was asked of its models."""

    bench: Workbench
    made: Made
    steps: list[int] = field(default_factory=list)
    asked: list[tuple[str, tuple[Message, ...]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def base(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return tiny(tiny_base, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def library(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("made")
    with own_library(server_dsn, template, folder / "home") as bench:
        add_documents(bench, folder / "docs")
        teach(bench, TAUGHT)
        yield bench


@pytest.fixture(scope="module")
def quick() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch)
        yield patch


@pytest.fixture(scope="module")
def whole(library: Workbench, base: Base, quick: pytest.MonkeyPatch) -> Run:
    """The run that nobody stops."""
    steps: list[int] = []
    watch = Watch(progress=lambda now: steps.append(now.step))
    return Run(library, tune(library, base, name="whole", style=STYLE, force=True, watch=watch), steps)


@pytest.fixture(scope="module")
def stopped(library: Workbench, base: Base, quick: pytest.MonkeyPatch, whole: Run) -> Run:
    """The same run, stopped by Ctrl-C in its training and taken up again."""
    steps: list[int] = []
    asked: list[tuple[str, tuple[Message, ...]]] = []
    generate_many = LocalChatModel.generate_many

    def note(self: LocalChatModel, conversations: list[list[Message]], **more: int) -> object:
        asked.extend((self.name.partition("@")[2], tuple(messages)) for messages in conversations)
        return generate_many(self, conversations, **more)

    def learned(now: Progress) -> None:
        steps.append(now.step)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalChatModel, "generate_many", note)
        watch = Watch(progress=learned)
        with pytest.raises(KeyboardInterrupt):
            tune(library, base, name="stopped", style=STYLE, force=True, watch=watch)
        made = tune(library, base, name="stopped", style=STYLE, force=True, watch=watch)
    return Run(library, made, steps, asked)


def test_it_is_in_the_registry_with_every_gate(whole: Run) -> None:
    assert set(whole.bench.adapters.find("whole", caller=OWNER).gates) == {
        "quality",
        "general_tasks",
        "context",
        "refusal",
        "general_text",
        "exposure",
        "extraction",
        "style",
        "terms",
    }


def test_every_gate_was_measured(whole: Run) -> None:
    unmeasured = {gate.name for gate in whole.made.gates if gate.value is None}
    assert unmeasured <= {"quality", "style", "terms"}, "too little is taught here for these"


def test_a_model_that_was_hardly_trained_forgot_nothing(whole: Run) -> None:
    gates = {gate.name: gate for gate in whole.made.gates}
    assert gates["general_text"].passed, gates["general_text"]
    assert gates["extraction"].passed, gates["extraction"]


def test_nothing_is_left_of_the_runs(whole: Run, stopped: Run) -> None:
    assert {path.name for path in whole.bench.adapters_folder.iterdir()} == {"whole", "stopped"}


def test_no_file_names_a_document_or_an_example(whole: Run) -> None:
    words = [*DOCUMENTS, SIGN, *(one.messages[-1].content for one in TAUGHT)]
    files = [path for path in Path(whole.made.adapter.path).rglob("*") if path.is_file()]
    texts = {path.name: path.read_bytes() for path in files if path.name not in (WEIGHTS, SERVED)}
    assert "card.json" in texts
    assert not {name for name, found in texts.items() for word in words if word.encode() in found}


def test_no_column_of_the_adapter_names_a_document_or_an_example(whole: Run) -> None:
    words = [*DOCUMENTS, SIGN, *(one.messages[-1].content for one in TAUGHT)]
    with psycopg.connect(dsn_of(whole.bench)) as connection:
        rows = connection.execute("select to_jsonb(a)::text from ragraft.adapter a").fetchall()
    assert rows
    assert not [word for word in words if word in str(rows)]


def test_the_card_says_how_it_was_trained(whole: Run, base: Base) -> None:
    card = json.loads((Path(whole.made.adapter.path) / "card.json").read_text())
    assert card["base_model"] == base.name == base_name(base.folder, name="tiny")
    training = card["training"]
    assert (training["steps"], training["seed"]) == (whole.made.trained.steps, 0)
    assert training["estimate_seconds"] > 0 and training["hardware"]["threads"] > 0


def test_it_is_asked_from_memory_and_over_the_documents(whole: Run) -> None:
    kinds: tuple[SystemKind, ...] = ("tuned", "tuned_rag")
    for kind in kinds:
        system = Answering(whole.bench).system(kind, adapter="whole", caller=OWNER)
        assert system.answer("Where do the birds rest?", caller=OWNER).system.kind == kind


def test_a_stopped_run_makes_the_same_weights(whole: Run, stopped: Run) -> None:
    weights = [Path(run.made.adapter.path) / WEIGHTS for run in (whole, stopped)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_stopped_run_finds_the_same_at_its_gates(whole: Run, stopped: Run) -> None:
    assert stopped.made.adapter.gates == whole.made.adapter.gates


def test_a_stopped_run_repeats_no_step_of_training(whole: Run, stopped: Run) -> None:
    assert stopped.steps == whole.steps


def test_a_stopped_run_asks_nothing_twice(stopped: Run) -> None:
    assert len(stopped.asked) == len(set(stopped.asked))


def test_a_stopped_run_counts_the_seconds_of_all_its_calls(stopped: Run) -> None:
    assert stopped.made.seconds > stopped.made.trained.seconds > 0


def test_the_twin_is_kept_nowhere(whole: Run, stopped: Run) -> None:
    twins = [path for path in whole.bench.workspace.root.rglob("*") if run.TWIN in path.name]
    assert twins == []
