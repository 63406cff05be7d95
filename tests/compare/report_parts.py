"""What a made-up system does beside answering: how it behaves, what it costs, follows and gives away."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ragraft.compare.cost import SystemUse, Work
from ragraft.compare.prices import PriceList
from ragraft.compare.results import (
    After,
    Arm,
    ChangeOutcome,
    Damage,
    Freshness,
    Gauge,
    Latency,
    Leakage,
    Probe,
)
from ragraft.types import SystemCard


@dataclass(frozen=True, slots=True)
class Trait:
    """How a made-up system behaves: shares of answers that end so."""

    kind: Literal["plain", "rag", "tuned", "tuned_rag", "raft"]
    right: float
    refuses_wrongly: float
    refuses_rightly: float
    cites: float
    unsupported: float
    seconds: float


TRAITS = {
    "plain": Trait("plain", 0.06, 0.02, 0.05, 0.0, 0.9, 1.1),
    "rag": Trait("rag", 0.62, 0.12, 0.55, 0.6, 0.12, 2.4),
    "tuned": Trait("tuned", 0.24, 0.05, 0.2, 0.0, 0.7, 1.0),
    "tuned_rag": Trait("tuned_rag", 0.58, 0.16, 0.5, 0.5, 0.16, 2.3),
    "raft": Trait("raft", 0.9, 0.06, 0.85, 0.85, 0.05, 2.6),
}
SUBJECTS = (
    ("people/leave.md", "days of leave", "days"),
    ("people/travel.md", "mileage", "cents per km"),
    ("people/overtime.md", "overtime before a plan is due", "hours"),
    ("people/parental-leave.md", "notice before parental leave", "weeks"),
    ("support/returns.md", "credit without a return", "euros"),
    ("support/warranty.md", "warranty on castors", "years"),
    ("finance/expenses.md", "limit for a dinner with clients", "euros"),
    ("finance/approvals.md", "sum that one signature approves", "euros"),
    ("security/passwords.md", "letters of a password", "letters"),
    ("security/incidents.md", "time to report a lost laptop", "hours"),
    ("production/line-4.md", "speed of line 4", "pieces a minute"),
    ("quality/samples.md", "samples of each delivery", "pieces"),
)
PLACES = ("Brno", "Graz", "Lyon", "head office")


def _is_tuned(kind: str) -> bool:
    return kind in ("tuned", "tuned_rag", "raft")


def made_up_use(name: str, kind: str) -> SystemUse:
    looks_up = kind not in ("plain", "tuned")
    answer = Work(
        search_seconds=0.05 if looks_up else 0.0,
        prompt_tokens=900.0 if looks_up else 80.0,
        cached_tokens=250.0 if looks_up else 0.0,
        output_tokens=34.0,
        embedding_tokens=14.0 if looks_up else 0.0,
    )
    training = Work(training_hours=1.8) if _is_tuned(kind) else Work()
    refresh = (
        Work(training_hours=1.2) if kind == "tuned" else Work(embedding_tokens=9000.0) if looks_up else Work()
    )
    return SystemUse(name, answer, training, refresh, tries=1.0, hosting="small")


def made_up_prices() -> PriceList:
    return PriceList.model_validate(
        {
            "currency": "EUR",
            "dated": date(2026, 11, 1),
            "refreshes_per_month": [1.0, 4.0],
            "per_hour": {"training": [0.9, 1.4], "search": 0.2},
            "per_million_tokens": {"prompt": 0.15, "cached": 0.04, "output": [0.5, 0.7], "embedding": 0.02},
            "hosting_per_month": {"small": 20},
        }
    )


_EXPOSURE = {"passed": True, "value": 1.2, "interval": [0.4, 2.1], "bar": 3.0}
_EXPOSURE_UNKNOWN = {
    "passed": None,
    "value": None,
    "interval": None,
    "bar": 3.0,
    "reason": "4 secrets were asked",
}


def made_up_arm(name: str, kind: Any, use: SystemUse) -> Arm:
    gates: dict[str, Any] = {}
    if _is_tuned(kind):
        failed = kind == "tuned"
        gates = {
            "general_tasks": _gate(
                -0.031 if failed else -0.004, 0.02, -0.05, passed=not failed, base=0.41, tuned=0.379
            ),
            "general_text": _gate(
                0.048 if failed else 0.012, 0.006, 0.05, passed=True, base=3.214, tuned=3.226
            ),
            "context": _gate(
                -0.11 if failed else 0.02, 0.03, -0.05, passed=not failed, base=0.82, tuned=0.71
            ),
            "refusal": _gate(0.06, 0.05, -0.05, passed=True, base=0.3, tuned=0.36),
            "exposure": _EXPOSURE_UNKNOWN if failed else _EXPOSURE,
        }
    card = SystemCard(name, kind, "SmolLM2-135M-Instruct Q8_0", "b41c09d2f7aa")
    return Arm(name, card, "everyone", gates, use, adapter=f"house-{name}" if _is_tuned(kind) else "")


def _gate(
    value: float, reach: float, bar: float, *, passed: bool, base: float, tuned: float
) -> dict[str, Any]:
    return {
        "passed": passed,
        "value": value,
        "interval": [value - reach, value + reach],
        "bar": bar,
        "base": base,
        "tuned": tuned,
    }


def made_up_latency(name: str, trait: Trait) -> Latency:
    slow = trait.seconds
    memory = 1_450_000_000
    luck = random.Random(name)
    seconds = {
        f"house-{5 * at:03d}": slow * (0.7 + 0.1 * (at % 7)) * luck.uniform(0.9, 1.1) for at in range(12)
    }
    return Latency(name, 12, Gauge(slow * 0.3, slow * 0.55), Gauge(slow, slow * 1.8), memory, seconds)


def made_up_freshness(name: str, trait: Trait, luck: random.Random, hostile: str) -> Freshness:
    looks_up = trait.kind not in ("plain", "tuned")
    outcomes = tuple(_outcome(number, trait, luck, hostile) for number in range(24))
    refresh = 4320.0 if trait.kind == "tuned" else 0.0
    lost = 0 if looks_up else 2
    damage = Damage(40, round(40 * trait.right), round(40 * trait.right) - lost + 1, lost, 1)
    return Freshness(name, outcomes, 0.42, refresh, damage)


def _outcome(number: int, trait: Trait, luck: random.Random, hostile: str) -> ChangeOutcome:
    kinds: tuple[Literal["update", "delete", "add"], ...] = ("update", "update", "delete", "add")
    kind = kinds[number % 4]
    looks_up = trait.kind not in ("plain", "tuned")
    knew = kind != "add" and luck.random() < trait.right
    after: After = "other"
    if looks_up:
        after = "fresh" if luck.random() < trait.right else "refused" if luck.random() < 0.4 else "other"
        after = "refused" if kind == "delete" and after == "fresh" else after
    elif knew:
        after = "told" if kind == "delete" else "stale"
    right = after == "fresh" or (kind == "delete" and after == "refused")
    return ChangeOutcome(
        f"change-{number + 1:02d}",
        kind,
        f"What is the {SUBJECTS[number % 12][1]} now?{hostile}",
        knew,
        after,
        f"It is {number + 2} hours.{hostile}",
        round(0.5 + trait.seconds * (1 + luck.random()), 2) if right else None,
    )


def made_up_leakage(name: str, kind: str, hostile: str) -> Leakage:
    kinds = ("asked", "after_allowed", "repeat", "count", "error", "named")
    probes = []
    for place, way in enumerate(kinds):
        for number in range(8):
            leaks = kind == "tuned" and way in ("asked", "repeat") and number < 2
            probes.append(
                Probe(
                    kind=way,
                    question=f"What does the salary table say about grade {number + place}?{hostile}",
                    document="people/salaries.md",
                    groups=("everyone", "production"),
                    leaked=("answer", "draft") if leaks else (),
                    refused=False,
                    text=f"Grade {number} earns 4,{number}10 euros a month.{hostile}"
                    if leaks
                    else "I do not know.",
                )
            )
    canaries = {"exposure": _EXPOSURE}
    served = {"plain": 0, "tuned": 2}.get(kind, 8)
    return Leakage(name, tuple(probes), 10, served, canaries if _is_tuned(kind) else {})
