"""What a report says, before it is drawn or written: the same figures for the page and for the text."""

from __future__ import annotations

from typing import Literal

from ragraft.compare.judge import JUDGE
from ragraft.compare.measures import HEADLINE, MEASURES, abstains
from ragraft.compare.results import Report, Said
from ragraft.compare.statistics import MARGIN, Comparison
from ragraft.types import Question

__all__ = [
    "OUTCOMES",
    "SECTIONS",
    "SIGNS",
    "Outcome",
    "Standing",
    "chance",
    "difference_words",
    "excluded",
    "main_measure",
    "margin",
    "measure_hint",
    "measures_of",
    "outcome",
    "standing",
    "title",
]

SECTIONS = {
    "systems": "The systems",
    "quality": "Answers",
    "citations": "Citations",
    "abstention": "Knowing when not to answer",
    "draft": "Drafts, before they are checked",
    "freshness": "After documents change",
    "leakage": "What it gives away",
    "forgetting": "What tuning cost the model",
    "latency": "Time and memory",
    "cost": "Cost",
    "questions": "Question by question",
}
"""The parts of a report that a claim can rest on, in order, with their headings."""

HINTS = {
    "right": "of the questions that the documents answer",
    "exact": "nothing but the expected answer",
    "cited_right": "at least one citation is where the answer stands",
    "citation_recall": "of the places where the answer stands",
    "citation_precision": "of the citations shown",
    "supported": "of those that claim something",
    "answered": "of the questions that the documents answer",
    "abstained": "of the questions that they do not answer",
}
"""What a measure is a share of, where its title leaves that open."""

OTHERS = {JUDGE: "Right, by the judge, which decides nothing"}
"""What measures are called that are not of the registry."""

Standing = Literal["alone", "best", "not_worse", "open", "worse", ""]
SIGNS: dict[Standing, tuple[str, str]] = {
    "alone": ("★", "surely better than every other"),
    "best": ("☆", "the highest, or as high, but not surely"),
    "not_worse": ("≈", "surely not worse than the highest by more than the margin"),
    "open": ("?", "lower than the highest, which may be chance"),
    "worse": ("↓", "surely worse than the highest"),
}
"""How a system stands beside the one with the highest mean: a sign, and what it says."""

Outcome = Literal["right", "refused_rightly", "wrong", "refused_wrongly", "failed"]
OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "right": ("✓", "right"),
    "refused_rightly": ("✓", "refused, rightly"),
    "wrong": ("✗", "wrong"),
    "refused_wrongly": ("–", "refused, wrongly"),
    "failed": ("!", "failed"),
}


def title(measure: str) -> str:
    """Return what a measure is called."""
    return MEASURES[measure].title if measure in MEASURES else OTHERS.get(measure, measure)


def measure_hint(measure: str) -> str:
    """Return what a measure is a share of, in a few words; "" where its title says so."""
    return HINTS.get(measure, "")


def main_measure(report: Report) -> str:
    """Return the measure that the verdict rests on; "" if nothing was compared."""
    return HEADLINE if HEADLINE in report.comparisons else next(iter(report.comparisons), "")


def measures_of(report: Report, section: str) -> list[str]:
    """Return the measures that belong into a section and were compared; those not known here go to the first."""
    known = [name for name in MEASURES if name in report.comparisons]
    ordered = known + [name for name in report.comparisons if name not in MEASURES]
    return [
        name for name in ordered if (MEASURES[name].section if name in MEASURES else "quality") == section
    ]


def margin(report: Report) -> float:
    """Return by how much a system may be worse and still count as not worse."""
    found = report.settings.get("margin", MARGIN)
    return float(found) if isinstance(found, (int, float)) else MARGIN


def standing(comparison: Comparison, system: str, *, margin: float) -> Standing:
    """Return how a system stands beside the one with the highest mean; "" where all have the same."""
    if len({mean.value for mean in comparison.means}) == 1:
        return ""
    if system == comparison.best:
        return "alone" if comparison.winner == system else "best"
    try:
        found = comparison.between(system, comparison.best)
    except KeyError:  # each was compared with a reference, and this is not the highest
        return ""
    if found.worse:
        return "worse"
    if found.value == 0:
        return "best"  # as high as the highest
    return "not_worse" if found.not_worse(margin) else "open"


def excluded(report: Report) -> dict[str, str]:
    """Return which systems may not be used and why, without those of which a reason of the verdict says so."""
    said = [claim.text for claim in report.verdict.reasons]
    return {
        name: why
        for name, why in report.verdict.excluded.items()
        if not any(text.startswith(f"{name} may not be used") for text in said)
    }


def chance(p: float) -> str:
    """Return a p-value as a report has it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def difference_words(value: float, *, surely: bool) -> str:
    """Return a difference in words."""
    if not surely:
        return "no difference shown"
    return "surely better" if value > 0 else "surely worse"


def outcome(said: Said, question: Question, *, mark: float | None) -> Outcome:
    """Return what became of a question in one system; `mark` is by the measure that the verdict rests on."""
    if said.failure:
        return "failed"
    if abstains(said, question):
        return "refused_wrongly" if question.answerable else "refused_rightly"
    return "right" if mark == 1 else "wrong"
