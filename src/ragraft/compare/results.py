"""What a comparison found: everything that a report shows, as `report.json` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ragraft.compare.cost import BreakEven, Cost, SystemUse
from ragraft.compare.prices import PriceList
from ragraft.compare.statistics import Comparison
from ragraft.types import Question, SystemCard

__all__ = [
    "AFTER",
    "Arm",
    "ChangeOutcome",
    "Cited",
    "Claim",
    "Damage",
    "Freshness",
    "Gauge",
    "Given",
    "Latency",
    "Leakage",
    "Probe",
    "Report",
    "Said",
    "Sensitivity",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation shown: text[start:end] of a document's revision; `supported` None where it was not checked."""

    marker: int
    document: str
    revision: int
    start: int
    end: int
    quote: str
    supported: bool | None


@dataclass(frozen=True, slots=True)
class Given:
    """A passage that a model was given: text[start:end] of a document's revision."""

    document: str
    revision: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a system said to a question. `failure` says why it said nothing; the rest is then empty.

    `sentences` counts those of `text` that claim something, `unsupported` those that nothing the search finds for
    the question supports; None where that was not checked. `cached_tokens` are those of `prompt_tokens` that came from
    a cache, `embedding_tokens` those of the question as it was looked up. `seconds` are by step; those of answers that
    were made several at once are shares of the whole and tell nothing of how long one takes.
    """

    question: str
    text: str = ""
    refused: bool = False
    reason: str = ""
    origin: str = ""
    draft: str = ""
    citations: tuple[Cited, ...] = ()
    given: tuple[Given, ...] = ()
    invented: int = 0
    confidence: float | None = None
    sentences: int | None = None
    unsupported: int | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    embedding_tokens: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """A system in a comparison. `use` is what it takes to be built, asked and kept up to date.

    `label` is who may use it, in words. `gates` are those of its adapter, by name, each with passed, value, interval
    and bar; empty for a system without one.
    """

    name: str
    card: SystemCard
    label: str
    gates: Mapping[str, Any]
    use: SystemUse
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """The middle and the slow end of something measured, in seconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers take, asked one at a time, and the peak memory of the whole program meanwhile, in bytes.

    `seconds` has the whole answer to each question that was timed, by its id.
    """

    system: str
    asked: int
    first_text: Gauge | None
    total: Gauge
    memory: int
    seconds: Mapping[str, float] = field(default_factory=dict)


After = Literal["fresh", "stale", "told", "refused", "other", "failed"]
AFTER: tuple[After, ...] = ("fresh", "stale", "told", "refused", "other", "failed")
"""What a system says once a document has changed: what is so now; what was so before; what is in no document any
more; that it does not know; something else; nothing, for it failed."""


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """What came of one change in one system. `knew` is whether it answered rightly before it.

    `seconds` is from the start of the write to the end of the first right answer; None if there was none. `text` is
    what was said with all changes in, or why the system failed.
    """

    change: str
    kind: Literal["update", "delete", "add"]
    question: str
    knew: bool
    after: After
    text: str
    seconds: float | None

    @property
    def right(self) -> bool:
        """Whether the system says what is so now: that it does not know, where the fact was deleted."""
        return self.after == ("refused" if self.kind == "delete" else "fresh")


@dataclass(frozen=True, slots=True)
class Damage:
    """Questions that no change touches: how many were asked, right before, right after, lost and won."""

    asked: int
    before: int
    after: int
    lost: int
    won: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a system follows changes of the documents.

    `write_seconds` is what bringing one change into the library takes, `refresh_seconds` what bringing the system up
    to date takes on top: nothing for one that looks things up, its training for one that remembers. `not_applied` says
    of each change that could not be written why; it has no outcome.
    """

    system: str
    outcomes: tuple[ChangeOutcome, ...]
    write_seconds: float
    refresh_seconds: float
    damage: Damage
    not_applied: Mapping[str, str] = field(default_factory=dict)

    @property
    def right(self) -> float | None:
        """The share of changes after which the system says what is so now; None if there was none."""
        return sum(one.right for one in self.outcomes) / len(self.outcomes) if self.outcomes else None

    def share(self, after: After, *, kinds: tuple[str, ...] = ("update", "delete", "add")) -> float | None:
        """Return the share of changes of some kinds that ended so; None if there was none."""
        chosen = [one for one in self.outcomes if one.kind in kinds]
        return sum(one.after == after for one in chosen) / len(chosen) if chosen else None


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to learn what the caller may not know, and where it came out.

    `kind` is the way it was tried; `leaked` names the places where something showed: answer, draft, passage,
    citation, count, error. `refused` is whether the system would not answer this caller at all.
    """

    kind: str
    question: str
    document: str
    groups: tuple[str, ...]
    leaked: tuple[str, ...]
    refused: bool
    text: str


@dataclass(frozen=True, slots=True)
class Leakage:
    """What a system gives away to those who may not know, and whether it still serves those who may.

    Of `allowed` questions by callers who may know, `served` had the right answer. `canaries` are the memory gates of its
    adapter (exposure, extraction), empty for a system without one.
    """

    system: str
    probes: tuple[Probe, ...]
    allowed: int
    served: int
    canaries: Mapping[str, Any]

    @property
    def leaks(self) -> int:
        """How many attempts brought something out."""
        return sum(bool(probe.leaked) for probe in self.probes)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the verdict, and the part of the report that holds its numbers (the id of a heading)."""

    text: str
    section: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Which system the verdict would name at other numbers of questions and changes per month.

    choices[row][column] is for changes[row] and questions[column]; "" where no system may be used.
    """

    questions: tuple[float, ...]
    changes: tuple[float, ...]
    choices: tuple[tuple[str, ...], ...]
    today: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which system to use, and why.

    `kind`: one is surely best in what comes first; no clear winner, and the cheapest of those that are left, or the
    one that another priority prefers; no fine-tuning; nothing can be said.
    `system` is empty only for the last. `excluded` says for each system that may not be used why.
    """

    kind: Literal["winner", "cheapest", "preferred", "do_not_tune", "no_verdict"]
    system: str
    headline: str
    reasons: tuple[Claim, ...]
    priorities: tuple[str, ...]
    excluded: Mapping[str, str]
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole comparison. What is by system is in the order of `arms`; what was not asked for is empty or None.

    marks[system][measure][question id] is None where the measure does not apply to the question; a failed answer has
    the worst mark. `comparisons` are by measure, over the questions that it applies to. `judge` says how far the marks
    of the measure of that name can be believed. `strata` are names of groups of questions with their ids. `notes` are
    what a reader must know: what was cut short or not measured. `library` names the library that was asked
    (promotion.py), so that a report of another is known for one.
    """

    made_at: datetime
    version: str
    questions_file: str
    fingerprint: str
    questions: tuple[Question, ...]
    arms: tuple[Arm, ...]
    said: Mapping[str, tuple[Said, ...]]
    marks: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    comparisons: Mapping[str, Comparison]
    strata: Mapping[str, tuple[str, ...]]
    latencies: tuple[Latency, ...]
    freshness: tuple[Freshness, ...]
    leakage: tuple[Leakage, ...]
    prices: PriceList | None
    costs: tuple[Cost, ...]
    break_evens: tuple[BreakEven, ...]
    verdict: Verdict
    settings: Mapping[str, Any] = field(default_factory=dict)
    judge: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    library: str = ""
