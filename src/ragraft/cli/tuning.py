"""`ragraft tune`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from ragraft.cli.due import retrain_due, retrain_every, show_due
from ragraft.cli.options import Session, print_json, printable, with_session
from ragraft.cli.retuning import retriever
from ragraft.cli.training_view import announce_teacher, duration, gate_table, print_built, watching
from ragraft.documents.library import require_owner
from ragraft.raft.recipe import Trial, best_trial
from ragraft.recipe import PARAPHRASES, Recipe
from ragraft.systems import Workbench
from ragraft.tune.curves import sparkline
from ragraft.tune.gates.gate import Gate
from ragraft.tune.making import Made
from ragraft.tune.presets import Method
from ragraft.tune.registry import withdrawn
from ragraft.tune.retrain import read_interval

NOT_USABLE = 3
"""What `ragraft tune` exits with if a model was made and its gates do not let it be used."""


@click.group(invoke_without_command=True)
@click.option(
    "--name",
    "called",
    metavar="NAME",
    help="What the tuned model is called; else tuned, or the first of tuned-2 …",
)
@click.option(
    "--method",
    type=click.Choice(["lora", "qlora", "full"]),
    default="lora",
    show_default=True,
    help="lora: small matrices beside the weights; qlora: the same over 4-bit weights, on a GPU; full: all weights.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="M",
    help="Fit the whole run, its gates included, into so many minutes.",
)
@click.option(
    "--style",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="RULES",
    help="Rules of house style to hold answers to (docs/reference/style-rules.md); else [tune] style.",
)
@click.option(
    "--avoid",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="QUESTIONS",
    help="A file of evaluation questions that may not be trained on.",
)
@click.option(
    "--base",
    type=click.Path(exists=True, path_type=Path),
    metavar="MODEL",
    help="The model to tune, a GGUF file or Hugging Face folder; else that of ragraft.toml.",
)
@click.option(
    "--for",
    "readers",
    metavar="GROUP",
    help="Train only on what this group may read, so that it may use the model.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws what is held out, and the order.")
@click.option(
    "--raft",
    is_flag=True,
    help="Teach it to answer from the passages that the search finds, and to say when they do not answer.",
)
@click.option(
    "--sweep",
    is_flag=True,
    help="With --raft: first find out on held-out questions how many refusals to learn; five more trainings.",
)
@click.option(
    "--paraphrases",
    type=click.IntRange(0, 10),
    metavar="N",
    help="With --raft and a [teacher]: answers are learned in so many other wordings of it; 2 unless told.",
)
@click.option("--due", is_flag=True, help="Say which tuned models are stale, and why; train nothing.")
@click.option(
    "--retrain",
    is_flag=True,
    help="With --due: train those again; each is replaced if the new one is not worse.",
)
@click.option(
    "--every",
    "interval",
    metavar="TIME",
    help="With --retrain: again after 24h, 7d and so on, until stopped.",
)
@click.option(
    "--questions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="QUESTIONS",
    help="With --raft: questions with evidence, else those of your examples. With --due: what is asked today.",
)
@click.option(
    "--no-twin",
    is_flag=True,
    help="Leave out the twin that shows what could be got out of the model: half the time, for trying things out."
    " Without it the model is used only by --force.",
)
@click.option(
    "--force", is_flag=True, help="Let the model be used whatever its gates say. This goes on record."
)
@with_session
@click.pass_context
def tune(
    context: click.Context,
    session: Session,
    *,
    called: str | None,
    method: Method,
    minutes: float | None,
    style: Path | None,
    avoid: tuple[Path, ...],
    base: Path | None,
    readers: str | None,
    seed: int,
    raft: bool,
    sweep: bool,
    paraphrases: int | None,
    due: bool,
    retrain: bool,
    interval: str | None,
    questions: Path | None,
    no_twin: bool,
    force: bool,
) -> int:
    """Train a model on the examples that you may read, and let it be used if it passes its gates.

    Examples come from `ragraft examples add`. Ctrl-C stops the run; the same command takes it up again.
    """
    if context.invoked_subcommand is not None:
        return 0
    if due or retrain or interval or (questions and not raft):
        return _care(session, due=due, retrain=retrain, interval=interval, questions=questions)
    if (sweep or paraphrases is not None) and not raft:
        raise click.UsageError("--sweep and --paraphrases go with --raft")
    if sweep and minutes:
        raise click.UsageError("--minutes are of one training, and --sweep makes six: give one of them")
    recipe = Recipe(method, minutes, style, avoid, base, readers, seed, raft, questions, twin=not no_twin)
    trials: tuple[Trial, ...] = ()
    with session.open() as bench, watching(session) as watch, ExitStack() as held:
        caller = session.caller(bench)
        require_owner(caller, "tune models")
        name = called or _free_name(bench)
        bench.adapters.require_free(name, caller=caller)
        if raft and (paraphrases or (paraphrases is None and bench.settings.teacher.url)):
            recipe = replace(recipe, paraphrases=paraphrases or PARAPHRASES)
        announce_teacher(session, bench.settings.teacher, recipe.paraphrases)
        given = recipe.ingredients(bench, watch=watch)
        print_built(session, given.built)
        if sweep:
            recipe, given, trials = held.enter_context(recipe.swept(bench, name, given, watch=watch))
            _print_trials(session, trials)
        made = held.enter_context(recipe.follow(bench, name, given, force=force, watch=watch))
        adapter = bench.adapters.add(
            made.adapter, read_at=given.read_at, caller=caller, dataset=given.built.dataset
        )
    made = replace(made, adapter=adapter)
    if session.json:
        shares = {"shares": [asdict(trial) for trial in trials]} if sweep else {}
        print_json(_made_json(made) | shares)
    else:
        _print(session, made)
    return 0 if withdrawn(adapter) is None else NOT_USABLE


tune.add_command(retriever)


def _care(session: Session, *, due: bool, retrain: bool, interval: str | None, questions: Path | None) -> int:
    """Show what is due, or train it again once or every so often."""
    if not due or (interval and not retrain):
        raise click.UsageError(
            "--retrain goes with --due, --every with --due --retrain, and --questions with --due or --raft"
        )
    if interval:
        retrain_every(session, read_interval(interval), questions=questions)
    elif retrain:
        return retrain_due(session, questions=questions)
    else:
        show_due(session, questions=questions)
    return 0


def _print_trials(session: Session, trials: Sequence[Trial]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rows with answers", "rows", "refusals", "right", "wrongly refused", "rightly refused"):
        table.add_column(column, justify="right")
    best = best_trial(trials).success
    for trial in trials:
        made = trial.outcome
        table.add_row(
            f"{trial.success:.0%}",
            str(trial.rows),
            str(trial.refusals),
            f"{made.right} of {made.answerable}",
            f"{made.wrongly_refused} of {made.answerable}",
            f"{made.refused} of {made.unanswerable}",
            style="bold" if trial.success == best else "",
        )
    session.err.print(table)


def _free_name(bench: Workbench) -> str:
    """Return the first free name of tuned, tuned-2 and so on."""
    taken = {one.name for one in bench.adapters.adapters(bench.caller())}
    number = 1
    while (name := "tuned" if number == 1 else f"tuned-{number}") in taken:
        number += 1
    return name


def _made_json(made: Made) -> dict[str, Any]:
    return {
        "name": made.adapter.name,
        "path": made.adapter.path,
        "method": made.adapter.method,
        "seconds": round(made.seconds, 1),
        "estimate_seconds": round(made.estimate_seconds, 1),
        "tokens_per_second": round(made.trained.tokens_per_second, 1),
        "gates": {
            gate.name: {
                "passed": gate.passed,
                "value": gate.value,
                "interval": gate.interval and list(gate.interval),
                "bar": gate.bar,
            }
            for gate in made.gates
        },
    }


def _print(session: Session, made: Made) -> None:
    out, adapter = session.out, made.adapter
    out.print(
        f"{adapter.name}: {adapter.base_model} tuned in {duration(made.seconds)}"
        f" (said {duration(made.estimate_seconds)}), {made.trained.tokens_per_second:,.0f} tokens/s",
        markup=False,
    )
    out.print(
        f"loss {sparkline(made.trained.losses)}  picture: {Path(adapter.path) / 'course.svg'}", markup=False
    )
    out.print(gate_table(made.gates))
    for gate in made.gates:
        for quote in () if gate.passed else gate.quotes:
            out.print(f"{gate.name}: {printable(quote)}", markup=False)
    if reason := withdrawn(adapter):
        out.print(f"It is not in service: {printable(reason)}.", markup=False)
        session.err.print(
            f"`ragraft adapters show {adapter.name}` has the details; --force lets the next one be used all the same.",
            markup=False,
        )
        return
    forced = " although it failed gates, for you forced it" if adapter.forced and _failed(made.gates) else ""
    out.print(f"It is in service{forced}, usable by: {adapter.label}.", markup=False)
    session.err.print(f'Ask it: ragraft ask "…" --adapter {adapter.name}', markup=False)


def _failed(gates: Sequence[Gate]) -> bool:
    return not all(gate.passed for gate in gates)
