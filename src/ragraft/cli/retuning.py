"""`ragraft tune retriever`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, TaskID

from ragraft.chosen import open_tuned_embedder
from ragraft.cli.options import Session, print_json, shown, with_session
from ragraft.errors import UserError
from ragraft.questions import read_questions
from ragraft.systems import Workbench
from ragraft.tune.retriever_mining import Unplaced, questions_of
from ragraft.tune.retriever_run import Outcome, RetrieverTuning, Watcher
from ragraft.types import Caller, Question

__all__ = ["retriever"]

MOST_SHOWN = 5


@click.command()
@click.argument("questions", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Most minutes of training; making the index takes what it takes.",
)
@click.option("--force", is_flag=True, help="Take the new index into service though it does not find more.")
@click.option("--back", is_flag=True, help="Take the index into service again that was before.")
@click.option("--forget-old", is_flag=True, help="Delete every index and embedder that is out of service.")
@with_session
def retriever(
    session: Session, questions: Path | None, minutes: float, *, force: bool, back: bool, forget_old: bool
) -> None:
    """Tune the embedder on questions and the passages that answer them.

    QUESTIONS is a file of questions with evidence (docs/reference/questions.md); without it, the stored examples
    that were made from documents are used. A new index is made beside the old one while searches go on, and taken
    into service at one moment if it finds more on questions that were kept out. The same command goes on with a run
    that was stopped.
    """
    if back + forget_old + (questions is not None) > 1:
        raise UserError(
            "QUESTIONS, --back and --forget-old do not go together", hint="give one of them at a time"
        )
    with session.open() as bench:
        caller, tuning = session.caller(bench), tuning_of(bench)
        if forget_old:
            _print_forgotten(session, tuning.forget(caller=caller))
            return
        with _watched(session) as watcher:
            if back:
                outcome = tuning.back(caller=caller, watcher=watcher)
            else:
                outcome = tuning.tune(
                    _questions(bench, questions, caller),
                    caller=caller,
                    minutes=minutes,
                    force=force,
                    watcher=watcher,
                )
    if session.json:
        print_json(_told(outcome))
    else:
        _print_outcome(session, outcome)


def tuning_of(bench: Workbench) -> RetrieverTuning:
    """Return what tunes the retriever of a workspace.

    Raises: UserError where the embedder is an endpoint's, whose weights are not ours.
    """
    from ragraft.models.files import embedder_folder

    settings = bench.settings.embedder
    if settings.url:
        raise UserError(
            f"the embedder is an endpoint, {settings.name}, and cannot be tuned here",
            hint="take [embedder] url out of ragraft.toml to use the embedded one, in a new workspace",
        )
    folder = bench.workspace.state / "embedders"
    return RetrieverTuning(
        database=bench.database,
        audit=bench.audit,
        embedder=bench.embedder,
        base=embedder_folder(),
        folder=folder,
        tuned=partial(open_tuned_embedder, settings=settings, folder=folder),
        threads=settings.threads,
    )


def _questions(bench: Workbench, path: Path | None, caller: Caller) -> list[Question]:
    if path is not None:
        return [question for question in read_questions(path) if question.answerable]
    found = questions_of(bench.examples.trainable(caller))
    if not found:
        raise UserError(
            "there is no example that was made from a document",
            hint="name a file of questions with evidence, or make some: ragraft examples from-documents",
        )
    return found


@contextmanager
def _watched(session: Session) -> Iterator[Watcher]:
    """Show how far a run is, one bar for each thing that is done, on standard error."""
    with Progress(console=session.err, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        def tell(seconds: float) -> None:
            session.err.print(f"will take about {seconds / 60:.1f} minutes in all, less if it stops early")

        yield Watcher(on_doing=show, on_estimate=tell)


def _told(outcome: Outcome) -> dict[str, Any]:
    gain = outcome.ndcg
    return {
        "name": outcome.name,
        "seconds": outcome.seconds,
        "estimate_seconds": outcome.estimate_seconds,
        "pairs": outcome.pairs,
        "unplaced": [{"question": one.question, "reason": one.reason} for one in outcome.unplaced],
        "ndcg": None
        if gain is None
        else {
            "before": gain.before,
            "after": gain.after,
            "difference": gain.difference,
            "interval": list(gain.interval),
        },
        "switched": outcome.switched,
        "reason": outcome.reason,
        "erased": outcome.erased,
    }


def _print_outcome(session: Session, outcome: Outcome) -> None:
    out = session.out
    if outcome.pairs:
        out.print(
            f"{outcome.pairs} questions with their passages, {len(outcome.unplaced)} that could not be used"
        )
        _print_unplaced(session, outcome.unplaced)
    said = "in service" if outcome.switched else "not taken into service"
    out.print(f"{outcome.name}: {said}; {outcome.reason}", markup=False)
    if outcome.erased:
        out.print(f"it learned from {outcome.erased} documents that have been erased since: tune again")


def _print_unplaced(session: Session, unplaced: tuple[Unplaced, ...]) -> None:
    for one in unplaced[:MOST_SHOWN]:
        session.out.print(f"  {shown(one.question)}: {shown(one.reason)}")
    if len(unplaced) > MOST_SHOWN:
        session.out.print(f"  and {len(unplaced) - MOST_SHOWN} more; --json lists them")


def _print_forgotten(session: Session, names: list[str]) -> None:
    if session.json:
        print_json({"forgotten": names})
    else:
        session.out.print("forgotten: " + (", ".join(names) or "nothing"), markup=False)
