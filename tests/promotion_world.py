"""A report of a comparison in which nothing was measured, as far as promoting a system needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ragraft.compare.cost import SystemUse, Work
from ragraft.compare.results import Arm, Report, Verdict
from ragraft.types import SystemCard


def arm(name: str, *, card: SystemCard, adapter: str = "", gates: Mapping[str, Any] | None = None) -> Arm:
    return Arm(name, card, "everyone", gates or {}, SystemUse(name, Work()), adapter)


def bare_report(arms: Sequence[Arm], *, library: str) -> Report:
    """Return a report of now, that names the last of the systems."""
    return Report(
        made_at=datetime.now(UTC),
        version="0",
        questions_file="test.jsonl",
        fingerprint="f00d",
        questions=(),
        arms=tuple(arms),
        said={},
        marks={},
        comparisons={},
        strata={},
        latencies=(),
        freshness=(),
        leakage=(),
        prices=None,
        costs=(),
        break_evens=(),
        verdict=Verdict("winner", arms[-1].name, f"Use {arms[-1].name}.", (), (), {}),
        library=library,
    )
