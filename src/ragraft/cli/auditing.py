"""`ragraft audit show` and `ragraft audit verify`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.table import Table

from ragraft.cli.options import Session, print_json, with_session
from ragraft.documents.library import require_owner


@click.group()
def audit() -> None:
    """Show or verify the record of writes, reads and erasures."""


@audit.command()
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Last entries to show.")
@with_session
def show(session: Session, limit: int) -> None:
    """Show the last entries. Documents stand by number: what is erased must not live on here."""
    with session.open() as bench:
        require_owner(session.caller(bench), "read the audit")
        entries = bench.audit.entries(limit=limit)
    if session.json:
        print_json([asdict(entry) for entry in entries])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("number", "time", "caller", "action", "detail"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        at = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(entry.number), at, entry.caller, entry.action, json.dumps(entry.detail))
    session.out.print(table)


@audit.command()
@with_session
def verify(session: Session) -> int:
    """Check that no entry was changed, inserted or cut. Exits with 1 if one was."""
    with session.open() as bench:
        require_owner(session.caller(bench), "verify the audit")
        report = bench.audit.verify()
    if session.json:
        print_json({"entries": report.entries, "intact": not report.faults, "faults": list(report.faults)})
    else:
        session.out.print(f"{report.entries} entries, {'intact' if not report.faults else 'NOT intact:'}")
        for fault in report.faults:
            session.out.print(f"  {fault}", markup=False)
    return 1 if report.faults else 0
