"""`ragraft add`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ragraft.access.labels import AccessRules, label_of, read_access_file
from ragraft.cli.options import Session, print_json, shown, with_session
from ragraft.documents import sync
from ragraft.documents.library import require_owner
from ragraft.documents.sync import SyncReport
from ragraft.systems import Workbench
from ragraft.types import AccessLabel


@click.command()
@click.argument("places", nargs=-1, required=True, metavar="PATH|URL...")
@click.option(
    "--group",
    "label",
    metavar="GROUP",
    multiple=True,
    help="Group that may read what is added; may be given again. `everyone` is every caller.",
)
@click.option(
    "--access",
    "access_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="JSON file that gives each document its groups.",
)
@with_session
def add(session: Session, places: tuple[str, ...], label: tuple[str, ...], access_file: Path | None) -> int:
    """Add folders, files or addresses, or bring them up to date.

    A folder is synchronised: new files are added, changed ones replaced, files that are gone removed
    from every search. Without --group or --access, a document keeps the groups it has, and a new one
    gets those of [access] default_groups - none, unless you set it: then only you can read it.
    """
    with session.open(create=True) as bench:
        caller = session.caller(bench)
        require_owner(caller, "add documents")
        rules = AccessRules(
            default=AccessLabel(frozenset(bench.settings.access.default_groups)),
            groups=label_of(label) if label else None,
            by_path=read_access_file(access_file) if access_file else None,
        )
        for place in places:
            if not _is_url(place) and not Path(place).exists():
                raise click.BadParameter(f"there is no {place!r}", param_hint="PATH")
        total = SyncReport()
        try:
            with _progress(session) as show:
                for place in places:
                    _merge(total, _add_one(bench, place, rules=rules, show=show))
                _calibrate(bench, show)
        except KeyboardInterrupt:
            session.err.print("\nStopped. What was added so far stays; run the same command again to go on.")
            return 130
    if session.json:
        report = asdict(total)
        del report["relabelled"], report["skipped"]
        print_json(report)
    else:
        _print(session, total, rules, places)
    worked = total.added + total.replaced + total.unchanged + total.removed
    return 2 if total.failed and not worked else 0


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _add_one(
    bench: Workbench, place: str, *, rules: AccessRules, show: Callable[[sync.Progress], None]
) -> SyncReport:
    if _is_url(place):
        return bench.sync.add_url(place, rules=rules, caller=bench.caller(), on_progress=show)
    return bench.sync.add_path(Path(place), rules=rules, caller=bench.caller(), on_progress=show)


def _calibrate(bench: Workbench, show: Callable[[sync.Progress], None]) -> None:
    if bench.calibrator.is_due():
        show(sync.Progress(1, 1, 0, "weighing words against meaning"))
        bench.calibrator.calibrate()


def _merge(total: SyncReport, report: SyncReport) -> None:
    for name in ("added", "replaced", "relabelled", "removed", "unchanged", "chunks", "tokens", "seconds"):
        setattr(total, name, getattr(total, name) + getattr(report, name))
    total.seconds = round(total.seconds, 3)
    total.failed += report.failed
    skipped = dict(total.skipped)
    for suffix, count in report.skipped.items():
        skipped[suffix] = skipped.get(suffix, 0) + count
    total.skipped = skipped


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[sync.Progress], None]]:
    """Yield a function that draws progress: bar, rate and time left, on standard error."""
    bar = Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}", markup=False),
        console=session.err,
        transient=True,
        disable=not session.err.is_terminal,
    )
    with bar:
        task = bar.add_task("reading", total=None, rate="")

        def show(progress: sync.Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            rate = f"{progress.tokens / elapsed:,.0f} tokens/s" if progress.tokens and elapsed > 0.5 else ""
            fields: dict[str, str] = {"description": _short(progress.doing)} if progress.doing else {}
            bar.update(task, total=progress.total or None, completed=progress.done, rate=rate, **fields)  # type: ignore[arg-type]  # rich types its fields as Any

        yield show


def _short(name: str, most: int = 40) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]


def _print(session: Session, report: SyncReport, rules: AccessRules, places: tuple[str, ...]) -> None:
    parts = [
        f"{report.added} added",
        f"{report.replaced} replaced"
        + (f" ({report.relabelled} in their groups only)" if report.relabelled else ""),
        f"{report.removed} removed",
        f"{report.unchanged} unchanged",
    ]
    rate = f", {report.tokens / report.seconds:,.0f} tokens/s" if report.tokens and report.seconds else ""
    session.out.print(", ".join(parts) + f"  ({report.chunks} passages in {report.seconds:.1f} s{rate})")
    if not (report.added + report.replaced + report.removed + report.unchanged + len(report.failed)):
        session.out.print(f"no documents found in {', '.join(places)}", markup=False)
    for failure in report.failed:
        session.out.print(f"[red]not read[/] {shown(failure.uri)}: {shown(failure.reason)}")
    if report.failed:
        session.out.print("The next `ragraft add` tries these again.")
    if report.skipped:
        kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in report.skipped.items())
        session.err.print(f"left out, being no documents: {kinds}", markup=False)
    if report.added and rules.groups is None and rules.by_path is None and not rules.default.groups:
        session.err.print(
            "New documents are readable by you alone; --group or --access opens them to others."
        )
