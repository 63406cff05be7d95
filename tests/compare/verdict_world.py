"""Made-up comparisons to decide on: as much of each as a test names, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ragraft.compare.choosing import PRIORITIES, Month
from ragraft.compare.cost import SystemUse, Work
from ragraft.compare.decide import decide
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
    Verdict,
)
from ragraft.compare.statistics import Comparison, Scores, compare_scores
from ragraft.types import Evidence, Question, SystemCard

PASSED = {"quality": {"passed": True}, "general_tasks": {"passed": True}}

RAG = SystemUse("rag", Work(prompt_tokens=900, output_tokens=60))
PLAIN = SystemUse("plain", Work(prompt_tokens=40, output_tokens=80))
TUNED = SystemUse(
    "tuned",
    Work(prompt_tokens=40, output_tokens=40),
    build=Work(training_hours=1),
    refresh=Work(training_hours=1),
)
RAFT = SystemUse(
    "raft",
    Work(prompt_tokens=900, output_tokens=60),
    build=Work(training_hours=1),
    refresh=Work(training_hours=1),
)


def arm(use: SystemUse, *, gates: Mapping[str, Any] | None = None, label: str = "everyone") -> Arm:
    """Return an arm; one that needs training is tuned."""
    tuned = use.build.training_hours > 0
    card = SystemCard(use.system, "tuned" if tuned else "rag", "model", "hash")
    return Arm(
        use.system,
        card,
        label,
        (PASSED if gates is None else gates) if tuned else {},
        use,
        adapter="house" if tuned else "",
    )


def right(count: int, of: int = 200) -> list[bool]:
    """Return marks of which the first `count` are right: of two systems, one is right wherever the other is."""
    return [at < count for at in range(of)]


def mixed(count: int, of: int = 200, *, shift: int = 0) -> list[bool]:
    """Return marks of which `count` are right, here and there; another shift has others right."""
    return [(at * 7919 + shift) % of < count for at in range(of)]


def compared(marks: Mapping[str, Sequence[bool]], measure: str = "handled") -> Comparison:
    """Return how systems compare, each question from a document of its own."""
    count = len(next(iter(marks.values())))
    return compare_scores(Scores(measure, [f"d{at}" for at in range(count)], marks))


def fresh(system: str, followed: int, of: int = 40, *, refresh_seconds: float = 0.0) -> Freshness:
    """Return a system that follows the first so many changes and tells what was so before for the others."""
    after: Sequence[After] = ["fresh" if at < followed else "stale" for at in range(of)]
    outcomes = tuple(
        ChangeOutcome(f"c{at}", "update", "?", knew=True, after=one, text="", seconds=1.0)
        for at, one in enumerate(after)
    )
    return Freshness(system, outcomes, 0.1, refresh_seconds, Damage(0, 0, 0, 0, 0))


def tried(system: str, *, leaks: int = 0, of: int = 100, served: int = 20) -> Leakage:
    """Return so many attempts of which the first ones brought something out."""
    probes = tuple(
        Probe("asked", "?", "d", ("staff",), ("answer",) if at < leaks else (), refused=False, text="")
        for at in range(of)
    )
    return Leakage(system, probes, 20, served, {})


def took(system: str, p50: float, p95: float | None = None) -> Latency:
    """Return how long answers take."""
    p95 = p95 or 2 * p50
    # Nineteen of twenty take as long as the middle one.
    seconds = {f"q{at}": p95 if at == 19 else p50 for at in range(20)}
    return Latency(system, 20, None, Gauge(p50, p95), 0, seconds)


def question(name: str, text: str, expected: str) -> Question:
    """Return a question with its evidence, or without an answer if none is expected."""
    evidence = (Evidence("leave.md", f"You can carry over {expected}."),) if expected else ()
    return Question(name, text, expected, (), evidence, "fact" if expected else "unanswerable")


def prices(**other: Any) -> PriceList:
    """Return prices at which an hour of training is worth some thousand answers."""
    values = {
        "currency": "EUR",
        "dated": date(2026, 11, 1),
        "per_hour": {"training": [1, 2]},
        "per_million_tokens": {"prompt": 0.5, "output": [1, 2]},
    }
    return PriceList.model_validate({**values, **other})


@dataclass
class World:
    """A comparison; `decide` is given all of it."""

    marks: Mapping[str, Sequence[bool]]
    uses: Sequence[SystemUse] = (PLAIN, RAG, TUNED, RAFT)
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)
    also: Mapping[str, Mapping[str, Sequence[bool]]] = field(default_factory=dict)

    def decide(self, *priorities: str, month: Month | None = None, **other: Any) -> Verdict:
        """Return the verdict on the systems that have marks."""
        arms = [
            arm(use, gates=self.gates.get(use.system), label=self.labels.get(use.system, "everyone"))
            for use in self.uses
            if use.system in self.marks
        ]
        comparisons = {"handled": compared(self.marks)}
        comparisons.update({name: compared(marks, name) for name, marks in self.also.items()})
        return decide(
            arms=arms,
            comparisons=comparisons,
            priorities=priorities or PRIORITIES,
            month=month or Month(),
            **{**self.other, **other},
        )


def read_aloud(verdict: Verdict) -> str:
    """Return a verdict as a person reads it."""
    lines = [
        f"[{verdict.kind}] {verdict.headline}",
        *(f"- {one.text} ({one.section})" for one in verdict.reasons),
    ]
    return "\n".join(lines)
