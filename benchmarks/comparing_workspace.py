"""The workspace that ways to answer are compared in: the handbook with its rights, and two tuned models.

Both are made as `ragraft tune` makes them, gates and all, of the train questions whose documents every employee may
read, so that every employee may use them: `facts` learns answers and house terms by heart, `reader` learns to answer
from passages (RAFT). What is there is used, and a training that was stopped goes on; delete the folder to begin anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.comparing_pace import Pace, told
from benchmarks.figures import say
from benchmarks.ground import DATA
from benchmarks.tuning_runs import CACHE
from benchmarks.world import calibrate, open_library
from ragraft.access.labels import OWNER, AccessRules, read_access_file
from ragraft.cli.example_parts import encoder_of, redactor_opener, window_of
from ragraft.questions import read_questions, with_uris
from ragraft.recipe import Recipe
from ragraft.systems import Workbench
from ragraft.tune.estimate import Estimate
from ragraft.tune.examples import Intake
from ragraft.tune.run import Watch
from ragraft.tune.train import Progress
from ragraft.types import Question

__all__ = [
    "FACTS",
    "HANDBOOK",
    "READER",
    "TEST",
    "asked_questions",
    "handbook_workspace",
    "make_models",
    "recipe_of",
    "spread",
    "workspace_folder",
]

HANDBOOK = DATA / "handbook"
TEST = HANDBOOK / "questions" / "test.jsonl"
FACTS, READER = "facts", "reader"
READERS = "everyone"
REFUSALS = {FACTS: 9, READER: 4}
"""Questions with an answer for each one without. By heart, a small model that learns more refusals refuses nearly all;
of passages it learns few whatever it is given (`ragraft.raft.recipe`)."""


def workspace_folder(taught: int | None) -> Path:
    """Return where the workspace is whose models learn from so many questions, from all if None."""
    return CACHE / ("comparing" if taught is None else f"comparing-{taught}")


@contextmanager
def handbook_workspace(root: Path) -> Iterator[Workbench]:
    """Yield the workspace with the handbook in it, made if it is not there."""
    with open_library(root) as bench:
        rules = AccessRules(by_path=read_access_file(HANDBOOK / "access.json"))
        report = bench.sync.add_path(HANDBOOK / "documents", rules=rules, caller=OWNER)
        if report.failed:
            raise RuntimeError(f"{len(report.failed)} documents were refused: {report.failed[0]}")
        calibrate(bench)
        yield bench


def asked_questions(bench: Workbench, limit: int | None) -> list[Question]:
    """Return so many of the test questions, their evidence named as the library names documents."""
    named, unknown = with_uris(spread(read_questions(TEST), limit), bench.library.names(OWNER))
    if unknown:
        raise RuntimeError(f"documents that questions name are not in the library: {unknown}")
    return named


def spread(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """Return `limit` questions from all over a list, for its end is of another kind than its beginning."""
    count = len(questions) if limit is None else min(limit, len(questions))
    return [questions[at * len(questions) // count] for at in range(count)]


def make_models(
    root: Path, *, names: Sequence[str] = (FACTS, READER), minutes: float | None, taught: int | None
) -> None:
    """Make the tuned models that are not there, each in `minutes`, or in all the time it needs.

    Each in a process of its own: OpenVINO's threads and torch's get in each other's way, and what training took of
    memory is not to be counted when answers are timed.
    """
    with handbook_workspace(root) as bench:
        known = {one.name for one in bench.adapters.adapters(OWNER)}
    for name in names:
        if name in known:
            continue
        say(f"{name}: to be made in {root}")
        wanted = json.dumps({"minutes": minutes, "taught": taught})
        command = [sys.executable, "-m", "benchmarks.comparing_workspace", str(root), name, wanted]
        if subprocess.run(command, cwd=Path(__file__).parents[1], stdout=sys.stderr).returncode:
            raise RuntimeError(f"{name} could not be made")


def recipe_of(name: str, root: Path, *, minutes: float | None = None, taught: int | None = None) -> Recipe:
    """Return how a tuned model is made; the questions it learns from are written to the workspace."""
    return Recipe(
        minutes=minutes,
        avoid=(TEST,),
        readers=READERS,
        raft=name == READER,
        questions=_train_file(root, name, taught) if name == READER else None,
    )


def make_model(root: Path, name: str, *, minutes: float | None, taught: int | None) -> None:
    """Make a tuned model and put it into the workspace's registry, as `ragraft tune` does."""
    with handbook_workspace(root) as bench:
        if name == FACTS:
            _teach(bench, _train_file(root, name, taught), whole=taught is None)
        recipe = recipe_of(name, root, minutes=minutes, taught=taught)
        given = recipe.ingredients(bench)
        data = given.built.dataset
        say(f"{name}: {len(data.train)} rows to learn, {len(data.held_out)} held out, {given.built.left_out}")
        with recipe.follow(bench, name, given, watch=_watch(name)) as made:
            adapter = bench.adapters.add(made.adapter, read_at=given.read_at, caller=OWNER, dataset=data)
    failed = [gate for gate, found in adapter.gates.items() if not found["passed"]]
    say(f"{name}: made in {told(made.seconds)}; gates not passed: {', '.join(failed) or 'none'}")


def _train_file(root: Path, name: str, taught: int | None) -> Path:
    """Return the file of the questions that a model learns from, written into the workspace."""
    file = root / f"{name}.jsonl"
    if not file.exists():
        answered: list[str] = []
        refused: list[str] = []
        for line in (HANDBOOK / "questions" / "train.jsonl").read_text(encoding="utf-8").splitlines():
            (refused if json.loads(line)["kind"] == "unanswerable" else answered).append(line)
        answered = answered[:taught]
        file.write_text("\n".join([*answered, *refused[: len(answered) // REFUSALS[name]]]) + "\n", "utf-8")
    return file


def _teach(bench: Workbench, questions: Path, *, whole: bool) -> None:
    """Put questions, and with `whole` the house terms, into the store of examples, as `ragraft examples add` does."""
    encoder = encoder_of(bench)
    intake = Intake(
        store=bench.examples,
        encoder=encoder,
        window=window_of(bench, encoder),
        open_redactor=redactor_opener(bench),
    )
    files = [questions, HANDBOOK / "glossary.jsonl"] if whole else [questions]
    report = intake.add(files, caller=OWNER, avoid=read_questions(TEST))
    say(f"{report.kept} rows of examples kept, {len(report.rejected)} rejected")


def _watch(name: str) -> Watch:
    """Return what says how a training goes."""
    pace = Pace()

    def estimated(seconds: float, training: Estimate) -> None:
        say(f"{name}: {told(seconds)} in all, {told(training.seconds)} of it for {training.steps} steps")

    def learned(now: Progress) -> None:
        pace.steps(now.step, now.steps)

    return Watch(
        stage=lambda text: pace.stage(f"{name}: {text}"),
        answers=pace.steps,
        estimate=estimated,
        progress=learned,
    )


def main() -> None:
    """Make one tuned model in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("name", choices=(FACTS, READER))
    parser.add_argument("wanted", type=json.loads)
    chosen = parser.parse_args()
    make_model(chosen.root, chosen.name, **chosen.wanted)


if __name__ == "__main__":
    main()
