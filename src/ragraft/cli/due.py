"""`ragraft tune --due`: which tuned models are stale, and training them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from ragraft.chosen import open_tuned_model
from ragraft.cli.options import Session, print_json, printable
from ragraft.cli.training_view import announce_teacher, print_built, watching
from ragraft.errors import RagraftError
from ragraft.questions import read_questions
from ragraft.recipe import recipe_from
from ragraft.systems import Workbench
from ragraft.tune.due import Bars, Measure, Staleness, find_stale
from ragraft.tune.export import served_file
from ragraft.tune.gates.gate import Ask, Gate
from ragraft.tune.registry import withdrawn
from ragraft.tune.retrain import Candidate, Outcome, against_old, every, require_news, retrain_round
from ragraft.types import Adapter, Caller, Dataset, Message

__all__ = ["retrain_due", "retrain_every", "show_due"]

ANSWER_TOKENS = 200


def show_due(session: Session, *, questions: Path | None) -> None:
    """Print how old every adapter is."""
    with session.open() as bench:
        found = _find(session, bench, questions)
    if session.json:
        print_json([_staleness_json(one) for one in found])
    else:
        _print_found(session, found)


def retrain_due(session: Session, *, questions: Path | None) -> int:
    """Train every adapter that is due again; return 1 if one could not be trained."""
    with session.open() as bench:
        found = _find(session, bench, questions)
        outcomes = _retrained(session, bench, found)
    if session.json:
        print_json({"adapters": [_staleness_json(one) for one in found], "outcomes": outcomes})
    else:
        _print_found(session, found)
        _print_outcomes(session, outcomes)
    return int(any(outcome.became == "failed" for outcome in outcomes))


def retrain_every(session: Session, seconds: float, *, questions: Path | None) -> None:
    """Train what is due now and again so many seconds later, until Ctrl-C or SIGTERM; the workspace is opened each time."""

    def turn() -> None:
        session.err.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: looking for adapters that are due")
        retrain_due(session, questions=questions)

    def failed(error: RagraftError) -> None:
        session.err.print(
            f"this round failed: {error}; {error.hint or 'the next one tries again'}", markup=False
        )

    every(seconds, turn, on_failure=failed)


def _find(session: Session, bench: Workbench, questions: Path | None) -> list[Staleness]:
    settings = bench.settings.tune
    return find_stale(
        registry=bench.adapters,
        store=bench.examples,
        embed=lambda texts: bench.embedder.embed(list(texts)),
        bars=Bars(settings.due_changed, settings.due_new, settings.due_days, settings.due_drift),
        now=datetime.now(UTC),
        caller=session.caller(bench),
        reader_of=lambda adapter: recipe_from(adapter.card.get("recipe") or {}).reader(bench),
        asked=[question.text for question in read_questions(questions)] if questions else (),
    )


def _retrained(session: Session, bench: Workbench, found: Sequence[Staleness]) -> list[Outcome]:
    caller = session.caller(bench)
    stale = [bench.adapters.find(one.adapter, caller=caller) for one in found if one.reasons]

    def put(candidate: Candidate) -> Adapter:
        return bench.adapters.replace(
            candidate.adapter, read_at=candidate.read_at, caller=caller, dataset=candidate.dataset
        )

    return retrain_round(stale, train=partial(_candidate, session, bench, caller), put=put)


@contextmanager
def _candidate(session: Session, bench: Workbench, caller: Caller, old: Adapter) -> Iterator[Candidate]:
    """Make an adapter again as its card says it was made, and hold it against the old one."""
    session.err.print(f"{old.name} is trained again", markup=False)
    recipe = recipe_from(old.card.get("recipe") or {})
    announce_teacher(session, bench.settings.teacher, recipe.paraphrases)
    with ExitStack() as held:
        watch = held.enter_context(watching(session))
        given = recipe.ingredients(bench, watch=watch)
        require_news(old, given.built.dataset)
        print_built(session, given.built)
        made = held.enter_context(recipe.follow(bench, old.name, given, watch=watch))
        watch.stage("asking the old one and the new one")
        gate = None if withdrawn(old) else _against_old(bench, caller, old, made.adapter, given.built.dataset)
        yield Candidate(made.adapter, given.built.dataset, given.read_at, gate)


def _against_old(bench: Workbench, caller: Caller, old: Adapter, new: Adapter, dataset: Dataset) -> Gate:
    learned = bench.adapters.learned(old.name, caller=caller)
    return against_old(dataset, old=_asking(bench, old), new=_asking(bench, new), learned=learned)


def _asking(bench: Workbench, adapter: Adapter) -> Ask:
    model = open_tuned_model(served_file(adapter), name=adapter.name, threads=bench.settings.embedder.threads)

    def ask(messages: Sequence[Message]) -> str:
        return model.generate(messages, max_tokens=ANSWER_TOKENS).text

    return ask


def _staleness_json(one: Staleness) -> dict[str, Any]:
    return {
        "adapter": one.adapter,
        "due": bool(one.reasons),
        "measures": [
            {
                "kind": measure.kind,
                "value": measure.value,
                "bar": measure.bar,
                "due": measure.due,
                "told": measure.told,
                "documents": list(measure.documents),
            }
            for measure in one.measures
        ],
    }


def _print_found(session: Session, found: Sequence[Staleness]) -> None:
    if not found:
        session.out.print("There are no tuned models.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("adapter", "due", "what", "value", "bar", "why"):
        table.add_column(column, overflow="fold")
    for one in found:
        for number, measure in enumerate(one.measures):
            table.add_row(
                "" if number else one.adapter,
                "" if number else ("yes" if one.reasons else "no"),
                ("! " if measure.due else "  ") + measure.kind,
                _value(measure),
                f"{measure.bar:g}",
                printable(_why(measure)),
            )
    session.out.print(table)
    if any(one.reasons for one in found):
        session.err.print("train them again: ragraft tune --due --retrain", style="dim")


def _why(measure: Measure) -> str:
    named = measure.kind != "tainted" and measure.documents
    return f"{measure.told}: {', '.join(measure.documents)}" if named else measure.told


def _value(measure: Measure) -> str:
    if measure.value is None:
        return "not measured"
    return f"{measure.value:.0f}" if measure.kind in ("age", "tainted") else f"{measure.value:.0%}"


def _print_outcomes(session: Session, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        session.out.print(f"{outcome.adapter}: {outcome.became}, {printable(outcome.reason)}", markup=False)
