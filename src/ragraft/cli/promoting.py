"""`ragraft promote` and `rollback`: which system answers unless another is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from rich.table import Table

from ragraft.answering import Answering
from ragraft.cli.options import Session, print_json, printable, shown, with_session
from ragraft.compare.promotable import find_arm, require_fit
from ragraft.compare.report_file import read_report
from ragraft.compare.results import Arm
from ragraft.documents.library import require_owner
from ragraft.errors import UserError
from ragraft.promotion import Promotion, Promotions, Standing, standing
from ragraft.systems import SystemKind, Workbench
from ragraft.types import Caller


@click.command()
@click.argument("system", required=False)
@click.option(
    "--from",
    "report_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="REPORT",
    help="The report.json of the comparison that measured it.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Promote it although it failed gates or the report excludes it. This goes on record.",
)
@with_session
def promote(session: Session, system: str | None, *, report_file: Path | None, force: bool) -> None:
    """Make a system of a report the one that `ask` and `chat` use, for callers who may use it.

    Who may not use it is answered by `rag`, as is everybody while it is out of service. Without SYSTEM: show what
    answers now, and what was promoted before.
    """
    if (system is None) != (report_file is None):
        raise click.UsageError("SYSTEM and --from REPORT go together")
    with session.open() as bench:
        caller = session.caller(bench)
        promotions = Promotions(database=bench.database, audit=bench.audit)
        if system is None or report_file is None:
            _show(session, standing(promotions.current(), bench.adapters), promotions.history(caller=caller))
            return
        require_owner(caller, "promote systems")
        before = standing(promotions.current(), bench.adapters)
        report = read_report(report_file)
        arm = find_arm(report, system)
        forced = require_fit(
            arm, report=report, library=promotions.library(), force=force, **_as_it_is(bench, arm, caller)
        )
        fingerprint = hashlib.sha256(report_file.read_bytes()).hexdigest()
        made = promotions.promote(arm, report=fingerprint, forced=forced, caller=caller)
        now = standing(made, bench.adapters)
    _tell(session, before, now)
    if not session.json and report.verdict.system != system:
        session.err.print(f"The report says: {printable(report.verdict.headline)}", markup=False)


@click.command()
@with_session
def rollback(session: Session) -> None:
    """Take the last promotion back: what was promoted before it answers again, or `rag`."""
    with session.open() as bench:
        promotions = Promotions(database=bench.database, audit=bench.audit)
        last, current = promotions.roll_back(caller=session.caller(bench))
        before, now = standing(last, bench.adapters), standing(current, bench.adapters)
    _tell(session, before, now)


def _as_it_is(bench: Workbench, arm: Arm, caller: Caller) -> dict[str, Any]:
    """Return the card and the adapter that a system of a report has today.

    Raises: UserError if `ask` cannot use such a system; NotFoundError if its adapter is gone; NotAllowedError if that
    is out of service.
    """
    kind = next((one for one in get_args(SystemKind) if one == arm.card.kind), None)
    if kind is None or kind == "stranger":
        raise UserError(
            f"{arm.name} is a model at an address, so it cannot be promoted",
            hint="to answer with it, name its address in [model] url of ragraft.toml, and compare again",
        )
    system = Answering(bench).system(kind, adapter=arm.adapter or None, caller=caller)
    adapter = bench.adapters.find(arm.adapter, caller=caller) if arm.adapter else None
    return {"card": system.card, "adapter": adapter}


def _tell(session: Session, before: Standing, now: Standing) -> None:
    if session.json:
        print_json({"before": _standing_json(before), "now": _standing_json(now)})
        return
    session.out.print(f"answers from now on: {printable(now.words())}", markup=False)
    if now.promotion is not None and now.usable_by != "everyone":
        session.err.print("Callers who may not use it are answered by rag.", markup=False)
    if now.promotion is not None:
        session.err.print("`ragraft rollback` takes this back; `--system` asks another.", markup=False)


def _show(session: Session, now: Standing, history: list[Promotion]) -> None:
    if session.json:
        print_json({"now": _standing_json(now), "history": [_promotion_json(one) for one in history]})
        return
    session.out.print(f"answers: {printable(now.words())}", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("promoted", "system", "adapter", "by", "report", "taken back"):
        table.add_column(name, overflow="fold")
    for one in history:
        table.add_row(
            f"{one.promoted_at:%Y-%m-%d %H:%M}{' (forced)' * one.forced}",
            shown(one.system),
            shown(one.adapter),
            shown(one.promoted_by),
            one.report[:12],
            f"{one.back_at:%Y-%m-%d %H:%M} by {shown(one.back_by or '')}" if one.back_at else "",
        )
    if history:
        session.out.print(table)


def _standing_json(now: Standing) -> dict[str, Any]:
    """Return what answers now as JSON gives it."""
    made = now.promotion
    return {
        "system": now.system,
        "kind": now.kind,
        "adapter": now.adapter,
        "usable_by": now.usable_by,
        "in_service": now.in_service,
        "reason": now.reason,
        "retrained": now.retrained,
        "report": made.report if made else "",
        "forced": made.forced if made else False,
        "promoted_by": made.promoted_by if made else "",
        "promoted_at": made.promoted_at.isoformat() if made else None,
    }


def _promotion_json(one: Promotion) -> dict[str, Any]:
    return {
        **asdict(one),
        "promoted_at": one.promoted_at.isoformat(),
        "back_at": one.back_at.isoformat() if one.back_at else None,
    }
