"""The page about report.json names everything that is in it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from ragraft.compare import cost, power, results, statistics
from ragraft.compare.report.facts import SIGNS
from ragraft.types import Evidence, Question, SystemCard

DOCS = Path(__file__).parents[2] / "docs"
NAMED = set(re.findall(r"`(\w+)`", (DOCS / "reference" / "report.md").read_text(encoding="utf-8")))
PARTS = [
    *(getattr(results, name) for name in results.__all__ if dataclasses.is_dataclass(getattr(results, name))),
    *(cost.BreakEven, cost.Cost, cost.SystemUse, cost.Work, power.Reach),
    *(statistics.Comparison, statistics.Difference, statistics.Mean, Evidence, Question, SystemCard),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_of_a_report_is_named(part: type) -> None:
    keys = {field.name for field in dataclasses.fields(part)}
    assert keys
    assert keys - NAMED == set()


def test_every_outcome_of_a_change_is_named() -> None:
    assert set(results.AFTER) - NAMED == set()


@pytest.mark.parametrize("sign", [sign for sign, _ in SIGNS.values()])
def test_every_sign_is_explained_in_the_guide(sign: str) -> None:
    assert f"| {sign} |" in (DOCS / "guides" / "read-a-report.md").read_text(encoding="utf-8")
