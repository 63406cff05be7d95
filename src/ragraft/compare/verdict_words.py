"""The headline of a verdict, and what it is said of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ragraft.compare.bills import effort
from ragraft.compare.choosing import AT_MOST, Choice, Findings, Month, Step
from ragraft.compare.results import Arm, Claim, Freshness
from ragraft.compare.statistics import MARGIN, Comparison, Difference
from ragraft.compare.wording import counted, joined, points

__all__ = ["BETTER", "MEASURE", "Kind", "Told", "given_up", "headline", "what_it_takes"]

Kind = Literal["winner", "cheapest", "preferred", "do_not_tune", "no_verdict"]

MEASURE = "handled"
"""What quality is: right where the documents answer, refused where they do not."""

BETTER = {
    "quality": "better in quality",
    "freshness": "better at following changes",
    "privacy": "better at serving those who may know",
    "cost": "cheaper",
    "latency": "faster",
}


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the verdict speaks of: what was measured, who was chosen, and how the others dropped out.

    `excluded` holds why systems may not be used; `against` what speaks against tuned ones beside the chosen one, ""
    where nothing does.
    """

    kind: Kind
    choice: Choice
    findings: Findings
    arms: Mapping[str, Arm]
    comparisons: Mapping[str, Comparison]
    freshness: Mapping[str, Freshness]
    month: Month
    priorities: tuple[str, ...]
    excluded: Mapping[str, Claim]
    against: Mapping[str, str]

    @property
    def chosen(self) -> str:
        """The system that is left; "" if there is none."""
        return self.choice.system

    @property
    def compared(self) -> Comparison:
        """The comparison that decides on quality."""
        return self.comparisons[MEASURE]

    @property
    def others(self) -> tuple[str, ...]:
        """The other systems that may be used, in the order of the arms."""
        return tuple(
            name for name in self.arms if name in self.findings.systems and name != self.choice.system
        )

    @property
    def tuned(self) -> tuple[str, ...]:
        """The others that are tuned."""
        return tuple(name for name in self.others if self.arms[name].adapter)

    @property
    def first(self) -> str:
        """The first priority that was measured."""
        return next((step.priority for step in self.choice.steps if step.measured), self.priorities[0])

    @property
    def last(self) -> Step | None:
        """The last priority at which a system dropped out."""
        return next((step for step in reversed(self.choice.steps) if step.drops), None)

    def ahead(self, other: str) -> Difference:
        """Return how much better in quality the chosen system is than another."""
        return self.findings.quality[self.chosen, other]

    def rivals(self) -> tuple[str, ...]:
        """Return the others that the chosen system is not surely better than in quality."""
        return tuple(name for name in self.others if not self.ahead(name).better)

    def not_worse(self) -> bool:
        """Return whether the chosen system is surely not worse than any rival by more than the margin."""
        return all(self.ahead(name).not_worse(MARGIN) for name in self.rivals())


def headline(told: Told) -> str:
    """Return the verdict in one or two sentences."""
    return {
        "winner": _winner,
        "cheapest": _cheapest,
        "preferred": _preferred,
        "do_not_tune": _do_not_tune,
        "no_verdict": _no_verdict,
    }[told.kind](told)


def what_it_takes(told: Told) -> str:
    """Return how many questions would tell the systems apart that are left, as a sentence."""
    left = _left(told)
    pairs = [told.findings.quality[one, other] for one in left for other in left if one < other]
    reaches = [pair.reach for pair in pairs]
    hardest = max(reaches, key=lambda one: math.inf if one.smallest is None else one.smallest)
    if hardest.smallest is None:
        return (
            f"Take questions from more documents: {hardest.fewest} are the fewest that could show anything,"
            f" and some tens of them are better."
        )
    grown = max(1.5, (hardest.smallest / AT_MOST) ** 2)
    questions = math.ceil(hardest.questions * grown / 10) * 10
    documents = min(questions, math.ceil(hardest.documents * grown / 10) * 10)
    return (
        f"About {counted(questions, 'question')} like these, from about {counted(documents, 'document')}, would show"
        f" a difference of {points(AT_MOST)} of 100; or compare fewer systems."
    )


def _left(told: Told) -> tuple[str, ...]:
    """Return the systems that the last priority could not choose from."""
    last = told.last
    return last.left if last else told.findings.systems


def _winner(told: Told) -> str:
    others = "every other system that may be used" if told.excluded else "every other system"
    if len(told.others) == 1:
        others = told.others[0] + (", the only other one that may be used" if told.excluded else "")
    in_vain = told.tuned and not told.arms[told.chosen].adapter and not given_up(told)
    tuned = " Do not fine-tune." if in_vain else ""
    return f"{_order(told)}Use {told.chosen}: it is surely {BETTER[told.first]} than {others}.{tuned}"


def _cheapest(told: Told) -> str:
    if better := given_up(told):
        are = "is" if len(better) == 1 else "are"
        return (
            f"{_order(told)}No clear winner. Use {told.chosen}, the cheapest; {joined(better)} {are} surely better in"
            f" quality."
        )
    by = _cheapest_by(told)
    if told.not_worse():
        return f"{_order(told)}No clear winner. The cheapest that is not worse is {told.chosen}{by}."
    return f"{_order(told)}No clear winner. Use {told.chosen}, the cheapest of those that could not be told apart{by}."


def _cheapest_by(told: Told) -> str:
    """Return how far that a system is the cheapest can be relied on, where it is not surely so."""
    if len(told.choice.tied) < 2:
        return ""
    return ", at the middle of your prices" if told.findings.bills else ", by hours of training and tokens"


def _preferred(told: Told) -> str:
    if not told.others:
        return f"Use {told.chosen}: it is the only system that may be used."
    lead = f"{_order(told)}No clear winner. Use {told.chosen}"
    last = told.last
    if len(told.choice.tied) > 1 or last is None:
        tied = joined(sorted(told.choice.tied))
        why = _why_of_equals(told)
        return f"{_order(told)}No clear winner: {tied} could not be told apart. Use {told.chosen}: {why}."
    lost = joined([drop.system for drop in last.drops])
    if all(drop.sure for drop in last.drops):
        if all(drop.by == told.chosen for drop in last.drops):
            return f"{lead}: it is surely {BETTER[last.priority]} than {lost}."
        return f"{lead}: none of the others is surely {BETTER[last.priority]}, and each is surely worse than another."
    if last.priority == "privacy":
        return f"{lead}: whether {lost} let anything out was not measured."
    return f"{lead}: {lost} may be more than {points(AT_MOST)} of 100 worse."


def _why_of_equals(told: Told) -> str:
    """Return what speaks for the chosen one of systems that could not be told apart; it is not much."""
    one, other = told.choice.tied[:2]
    mine, theirs = effort(told.findings.uses[one]), effort(told.findings.uses[other])
    said = ("it takes less training", "its answers take fewer tokens", "its search takes less time")
    for less, more, words in zip(mine, theirs, said, strict=True):
        if less != more:
            return words
    if told.findings.means[one].value > told.findings.means[other].value:
        return "it was right more often, if not surely so"
    return "any of them would do"


def _do_not_tune(told: Told) -> str:
    tuned = told.tuned
    if all(told.ahead(name).better for name in tuned):
        worse = f"{tuned[0]} is surely worse" if len(tuned) == 1 else "each tuned system is surely worse"
        return f"Do not fine-tune: {worse} in quality. Use {told.chosen}."
    sure = all(told.ahead(name).not_worse(MARGIN) for name in tuned)
    if len(tuned) == 1:
        better = "is surely not much better" if sure else "was not shown to be better"
        return f"Do not fine-tune: {tuned[0]} {better} in quality, and it {_costs(told)}. Use {told.chosen}."
    better = "can be much better" if sure else "was shown to be better"
    return (
        f"Do not fine-tune: no tuned system {better} in quality, and each of them {_costs(told)}."
        f" Use {told.chosen}."
    )


def _no_verdict(told: Told) -> str:
    if not told.findings.systems:
        return "No verdict: none of the systems may be used."
    reach = told.compared.reach
    asked = f"{counted(reach.questions, 'question')} from {counted(reach.documents, 'document')}"
    few = "is too little" if reach.questions == 1 else "are too few"
    return f"No verdict: {asked} {few} to tell {joined(_left(told))} apart."


def given_up(told: Told) -> tuple[str, ...]:
    """Return the systems that are surely better in quality and lost on what comes before it."""
    return tuple(name for name in told.others if told.ahead(name).worse)


def _order(told: Told) -> str:
    """Return a word on the order of priorities where it is not the usual one."""
    return "" if told.first == "quality" else f"You put {told.first} first. "


def _costs(told: Told) -> str:
    """Return what speaks against the tuned systems."""
    return joined(sorted({told.against[name] for name in told.tuned}), last="or")
