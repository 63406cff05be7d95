"""`ragraft compare`: all the ways of teaching a model your documents, held side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from ragraft.chosen import open_helper
from ragraft.cli.options import Session, print_json, printable, with_session
from ragraft.cli.progress import stage_bar
from ragraft.cli.training_view import duration
from ragraft.compare.access_questions import read_access_questions
from ragraft.compare.asking import Asking
from ragraft.compare.changes import read_changes
from ragraft.compare.choosing import PRIORITIES, Month, read_priorities
from ragraft.compare.labels import read_labels
from ragraft.compare.measures import MEASURES
from ragraft.compare.prices import read_prices
from ragraft.compare.report.folder import ReportFiles, write_folder
from ragraft.compare.results import Report
from ragraft.comparison import TIMED, Comparing, Wishes
from ragraft.comparison import compare as compare_systems
from ragraft.contestants import read_contestants
from ragraft.errors import SettingsError
from ragraft.protocols import ChatModel
from ragraft.questions import read_questions
from ragraft.systems import Workbench

SHOWN = ("handled", "right", "cited_right", "supported", "answered", "abstained")
"""Measures in the table on the terminal; the report has all of them."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("questions", type=_FILE)
@click.option(
    "--systems",
    "named",
    metavar="LIST",
    default="",
    help="Such as plain,rag,tuned:house,raft; also long_context and stranger:NAME. Without it, all that there are.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the report goes; else the folder comparison of the workspace.",
)
@click.option(
    "--changes", type=_FILE, help="Changes of documents, to see who follows them (reference/changes.md)."
)
@click.option(
    "--access", type=_FILE, help="Questions with the groups that may know the answer, to see what leaks."
)
@click.option("--prices", type=_FILE, help="Your prices, to see what each costs (concepts/comparing.md).")
@click.option(
    "--priority",
    default=",".join(PRIORITIES),
    show_default=True,
    metavar="LIST",
    help="What counts first, second and so on.",
)
@click.option(
    "--per-month", type=click.FloatRange(min=0), metavar="N", help="Questions that you expect per month."
)
@click.option(
    "--changes-per-month", type=click.FloatRange(min=0), metavar="N", help="Changes of documents per month."
)
@click.option(
    "--labels",
    type=_FILE,
    help="Answers that you have marked, to see whether the judge of ragraft.toml can be believed.",
)
@click.option(
    "--timed",
    type=click.IntRange(min=0),
    default=TIMED,
    show_default=True,
    metavar="N",
    help="Questions that are asked one at a time, to see how long answers take; 0: none.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only the first N questions.")
@with_session
def compare(
    session: Session, questions: Path, *, named: str, out: Path | None, limit: int | None, **given: Any
) -> None:
    """Ask systems the same QUESTIONS, measure what they say, and say which to use.

    Answers are kept: the same comparison again asks nothing twice, and one that was stopped goes on.
    """
    wishes = _wishes(questions, limit, **given)
    with session.open() as bench:
        caller = session.caller(bench)
        contestants = read_contestants(named, adapters=bench.adapters.adapters(caller))
        folder = out or bench.workspace.root / "comparison"
        with _watching(session) as watch:
            report = compare_systems(
                bench,
                contestants,
                wishes,
                caller=caller,
                kept=bench.comparisons_folder,
                judge=_judge(bench, wishes),
                watch=watch,
            )
            files = write_folder(folder, report)
    if session.json:
        print_json(_json(report, files))
    else:
        _print(session, report, files)


def _wishes(questions: Path, limit: int | None, **given: Any) -> Wishes:
    read = read_questions(questions)
    return Wishes(
        questions=tuple(read[:limit]),
        questions_file=questions.name,
        changes=tuple(read_changes(given["changes"])) if given["changes"] else (),
        access_questions=tuple(read_access_questions(given["access"])) if given["access"] else (),
        prices=read_prices(given["prices"]) if given["prices"] else None,
        priorities=read_priorities(given["priority"]),
        month=Month(given["per_month"], given["changes_per_month"]),
        labels=tuple(read_labels(given["labels"])) if given["labels"] else (),
        timed=given["timed"],
    )


def _judge(bench: Workbench, wishes: Wishes) -> ChatModel | None:
    """Return the judge of the settings, which takes part only beside labels. Raises: SettingsError without one."""
    settings = bench.settings.judge
    if not wishes.labels:
        return None
    if not settings.url:
        raise SettingsError(
            "labels are for a judge, and ragraft.toml names none",
            hint="set [judge] url and name; or leave out --labels",
        )
    return open_helper(settings, section="judge")


@contextmanager
def _watching(session: Session) -> Iterator[Comparing]:
    """Yield what shows the comparison on standard error: what is measured, how far it is, how long is left."""
    with stage_bar(session.err) as bar:

        def asking(now: Asking) -> None:
            left = "" if now.seconds_left is None else f", {duration(now.seconds_left)} left"
            failed = f", {now.failed} failed" if now.failed else ""
            bar.show(now.done, now.total, f"{now.done} of {now.total}{failed}{left}")

        def steps(done: int, total: int) -> None:
            bar.show(done, total, f"{done} of {total}")

        yield Comparing(stage=bar.begin, steps=steps, asking=asking)


def _print(session: Session, report: Report, files: ReportFiles) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("system", overflow="fold")
    shown = [name for name in SHOWN if name in report.comparisons]
    for name in shown:
        table.add_column(MEASURES[name].title, justify="right")
    for arm in report.arms:
        means = {name: {one.system: one for one in report.comparisons[name].means} for name in shown}
        cells = [
            f"{mean.value:.0%} ({mean.interval[0]:.0%} to {mean.interval[1]:.0%})" if mean else ""
            for mean in (means[name].get(arm.name) for name in shown)
        ]
        table.add_row(printable(arm.name), *cells)
    session.out.print(table)
    session.out.print()
    session.out.print(printable(report.verdict.headline), markup=False, style="bold")
    for claim in report.verdict.reasons:
        session.out.print(f"- {printable(claim.text)}", markup=False)
    for note in report.notes:
        session.err.print(printable(note), markup=False)
    session.out.print(f"report: {files.page}", markup=False)
    if report.verdict.system:
        session.err.print(
            f"use it: ragraft promote {report.verdict.system} --from {files.json}", markup=False, style="dim"
        )


def _json(report: Report, files: ReportFiles) -> dict[str, Any]:
    return {
        "verdict": {
            "kind": report.verdict.kind,
            "system": report.verdict.system,
            "headline": report.verdict.headline,
            "reasons": [claim.text for claim in report.verdict.reasons],
            "excluded": dict(report.verdict.excluded),
        },
        "measures": {
            name: {
                mean.system: {"value": mean.value, "interval": list(mean.interval), "failed": mean.failed}
                for mean in found.means
            }
            for name, found in report.comparisons.items()
        },
        "report": {"html": str(files.page), "markdown": str(files.text), "json": str(files.json)},
    }
