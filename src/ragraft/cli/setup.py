"""`ragraft init`, `status` and `doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from ragraft.cli.options import Session, print_json, with_session
from ragraft.config import Settings, describe_settings
from ragraft.doctor import examine
from ragraft.documents.library import require_owner
from ragraft.promotion import Promotions, standing
from ragraft.systems import Workbench
from ragraft.types import Caller
from ragraft.workspace import create_workspace


@click.command()
@click.argument("place", metavar="[FOLDER]", required=False, type=click.Path(file_okay=False, path_type=Path))
@with_session
def init(session: Session, place: Path | None) -> None:
    """Make a workspace in FOLDER, or in the current one: a ragraft.toml and a folder .ragraft."""
    workspace, made = create_workspace(place or session.folder or Path.cwd())
    if session.json:
        print_json({"workspace": str(workspace.root), "made": made})
        return
    session.out.print(f"{'made a' if made else 'there is a'} workspace in {workspace.root}", markup=False)
    if made:
        session.out.print("next: ragraft add FOLDER")


@click.command()
@with_session
def status(session: Session) -> None:
    """Show how much is in the library, as far as you may read it."""
    with session.open() as bench:
        caller = session.caller(bench)
        found = bench.library.status(caller)
        root = bench.workspace.root
        answers = _answers(bench, caller)
    if session.json:
        print_json({"workspace": str(root), **asdict(found), "answers": answers})
        return
    rows: list[tuple[str, Any]] = [
        ("workspace", root),
        ("documents", f"{found.documents:,}"),
        ("passages", f"{found.chunks:,}"),
        ("tokens", f"{found.tokens:,}"),
        ("languages", ", ".join(f"{name or 'unknown'} {count:,}" for name, count in found.languages.items())),
        ("embedder", found.embedder or "none yet"),
    ]
    if answers:
        rows.append(("answers", answers))
    if found.removed or found.archived_chunks:
        rows.append(
            (
                "kept",
                f"{found.removed:,} removed documents, {found.archived_chunks:,} passages of old revisions",
            )
        )
    if found.unfinished_erasures:
        rows.append(("erasures", f"{found.unfinished_erasures} unfinished: run `ragraft erase --finish`"))
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(str(value)))
    session.out.print(table)


def _answers(bench: Workbench, caller: Caller) -> str:
    """Return which system answers, for the owner; others may not know what is promoted."""
    if not caller.owner:
        return ""
    return standing(Promotions(database=bench.database, audit=bench.audit).current(), bench.adapters).words()


@click.command()
@click.option("--settings", "with_settings", is_flag=True, help="Also list every setting with its value.")
@with_session
def doctor(session: Session, *, with_settings: bool) -> int:
    """Check the installation, the settings, the database and the models. Exits with 1 if something is wrong."""
    with session.open() as bench:
        require_owner(session.caller(bench), "examine the workspace")
        checks = []
        for check in examine(bench):
            checks.append(check)
            if not session.json:
                mark = "[green]ok[/]   " if check.ok else "[red]fault[/]"
                session.out.print(f"{mark} [bold]{check.name}[/]: {escape(check.detail)}")
                if check.hint:
                    session.out.print(f"      hint: {check.hint}", markup=False)
        values = bench.settings.model_dump(mode="json")
    good = all(check.ok for check in checks)
    if session.json:
        print_json({"ok": good, "checks": [asdict(check) for check in checks], "settings": values})
    elif with_settings:
        _print_settings(session, values)
    return 0 if good else 1


def _print_settings(session: Session, values: dict[str, Any]) -> None:
    usual = Settings().model_dump(mode="json")
    for section, key, _, description in describe_settings():
        value, default = values[section], usual[section]
        if section != "callers":
            value, default = value[key], default[key]
        changed = "" if value == default else " [changed]"
        session.out.print(f"{section}.{key} = {value}{changed}  # {description}", markup=False)
