"""Whether a system of a report may be promoted: it is what was measured, and nothing found speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragraft.compare.results import Arm, Report
from ragraft.errors import NotFoundError, UserError
from ragraft.types import Adapter, SystemCard

__all__ = ["find_arm", "require_fit"]


def find_arm(report: Report, system: str) -> Arm:
    """Return a system of a report by its name. Raises: NotFoundError naming those that there are."""
    for arm in report.arms:
        if arm.name == system:
            return arm
    raise NotFoundError(
        f"the report has no system {system!r}",
        hint=f"it compares {', '.join(arm.name for arm in report.arms)}",
    )


def require_fit(
    arm: Arm, *, report: Report, library: str, card: SystemCard, adapter: Adapter | None, force: bool
) -> bool:
    """Return whether force was needed to promote a system of a report.

    `card` and `adapter` are those of the system as it is now, `library` is the one here. What was measured must be
    what will answer: that no force can change.

    Raises: UserError with all that stands against it.
    """
    if changed := _differences(arm, report=report, library=library, card=card, adapter=adapter):
        raise UserError(
            f"{arm.name} is not what was measured: {'; '.join(changed)}", hint="run `ragraft compare` again"
        )
    against = []
    failed = [name for name, gate in arm.gates.items() if not (isinstance(gate, dict) and gate.get("passed"))]
    if failed:
        against.append(f"it did not pass: {', '.join(failed)}")
    if (why := report.verdict.excluded.get(arm.name)) is not None:
        against.append(f"the report excludes it: {why}")
    if against and not force:
        raise UserError(
            f"{arm.name} is not to be promoted: {'; '.join(against)}",
            hint="--force promotes it all the same, and that goes on record",
        )
    return bool(against)


def _differences(
    arm: Arm, *, report: Report, library: str, card: SystemCard, adapter: Adapter | None
) -> list[str]:
    """Return in what a system differs from the one that a report measured."""
    found = []
    if not report.library or report.library != library:
        found.append("the report is of another library")
    if card.model != arm.card.model:
        found.append(f"its model was {arm.card.model} and is {card.model}")
    elif card != arm.card:
        found.append("the settings or the models beside it have changed since")
    if adapter is not None and (
        adapter.made_at > report.made_at or _measures(adapter.gates, arm) != _measures(arm.gates, arm)
    ):
        found.append(f"the adapter {adapter.name} has been replaced since")
    return found


def _measures(gates: Mapping[str, Any], arm: Arm) -> list[Any]:
    """Return what the gates of an arm measured, as some gates have it."""
    return [dict(gates.get(name) or {}).get("value") for name in arm.gates]
