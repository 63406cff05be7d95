"""The verdict: which system to use, by rules that were stated before anything was measured.

First what may not be used is left out, whatever it scores. Then, one priority after the other, what is surely worse
drops out (`choosing.py`). The rules and their reasons are in docs/concepts/verdict.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from ragraft.compare.bills import effort
from ragraft.compare.choosing import (
    PRIORITIES,
    Choice,
    Findings,
    Month,
    beats,
    choose,
    following,
    pairs_of,
    serves_more,
)
from ragraft.compare.pace import paces
from ragraft.compare.prices import PriceList
from ragraft.compare.results import Arm, Claim, Freshness, Latency, Leakage, Sensitivity, Verdict
from ragraft.compare.sensitivity import Chooser, what_would_change
from ragraft.compare.statistics import Comparison
from ragraft.compare.verdict_reasons import reasons
from ragraft.compare.verdict_words import MEASURE, Kind, Told, headline
from ragraft.compare.wording import counted
from ragraft.types import Question

__all__ = ["decide", "excluded"]

NOT_KNOWN = Month()


def decide(
    *,
    arms: Sequence[Arm],
    comparisons: Mapping[str, Comparison],
    freshness: Sequence[Freshness] = (),
    leakage: Sequence[Leakage] = (),
    latencies: Sequence[Latency] = (),
    questions: Sequence[Question] = (),
    prices: PriceList | None = None,
    priorities: Sequence[str] = PRIORITIES,
    barred: Mapping[str, str] | None = None,
    month: Month = NOT_KNOWN,
) -> Verdict:
    """Return which system to use, why, and what would change it.

    `comparisons` are by measure; "handled" must be among them and alone decides, others are told. `priorities` are
    all five, in order (`read_priorities`). `questions` tell from which documents those come that were timed. `barred`
    says why a system may not be used where that is not measured here: it is withdrawn, or a mere control. `month` is how
    much the chosen one will be used.

    Raises: UserError naming every price that is needed and not given; ValueError if not every system was compared
    with every other.
    """
    out = excluded(arms, leakage, barred or {})
    usable = [arm for arm in arms if arm.name not in out]
    findings = _findings(usable, comparisons[MEASURE], freshness, leakage, latencies)
    findings = replace(findings, faster=_faster(latencies, questions))
    chooser = Chooser(findings, prices, tuple(priorities))
    findings = replace(findings, bills=chooser.at(month.changes))
    choice = choose(findings, priorities, month)
    against = {arm.name: _against(arm, choice.system, findings, month) for arm in usable}
    told = Told(
        kind=_kind(choice, findings, usable, against, month),
        choice=choice,
        findings=findings,
        arms={arm.name: arm for arm in arms},
        comparisons=comparisons,
        freshness={one.system: one for one in freshness},
        month=month,
        priorities=tuple(priorities),
        excluded=out,
        against=against,
    )
    drawn, elsewhere = _elsewhere(chooser, choice, month)
    return Verdict(
        kind=told.kind,
        system=choice.system,
        headline=headline(told),
        reasons=(*reasons(told), *elsewhere),
        priorities=tuple(priorities),
        excluded={name: reason.text for name, reason in out.items()},
        sensitivity=drawn,
    )


def _elsewhere(
    chooser: Chooser, choice: Choice, month: Month
) -> tuple[Sensitivity | None, tuple[Claim, ...]]:
    """Return the map of choices and its words; nothing where nothing that is on the map can change the choice."""
    found = chooser.findings
    if not choice.system or len(found.systems) < 2 or (chooser.prices is None and found.followed is None):
        return None, ()
    drawn = chooser.map(month)
    return drawn, tuple(what_would_change(chooser, drawn, month, choice.system))


def excluded(arms: Sequence[Arm], leakage: Sequence[Leakage], barred: Mapping[str, str]) -> dict[str, Claim]:
    """Return for each system that may not be used why, whatever it scored, and the section that shows it.

    An adapter whose gates did not pass is out even if its use was forced: force is for trying, not for choosing.
    """
    leaky = {one.system: one for one in leakage}
    found: dict[str, Claim] = {}
    for arm in arms:
        leak = leaky.get(arm.name)
        gates = {**(leak.canaries if leak else {}), **arm.gates}
        reasons = (
            Claim(barred.get(arm.name, ""), "systems"),
            Claim(_leak(leak) if leak else "", "leakage"),
            Claim(_gates(gates) if arm.adapter else "", "forgetting"),
        )
        if reason := next((each for each in reasons if each.text), None):
            found[arm.name] = reason
    return found


def _leak(found: Leakage) -> str:
    if not found.leaks:
        return ""
    return f"it gave away what the caller may not know in {found.leaks} of {counted(len(found.probes), 'attempt')}"


def _gates(gates: Mapping[str, Any]) -> str:
    if not gates:
        return "its gates were not run"
    failed = [name for name, gate in gates.items() if not (isinstance(gate, Mapping) and gate.get("passed"))]
    return f"it did not pass: {', '.join(failed)}" if failed else ""


def _findings(
    arms: Sequence[Arm],
    compared: Comparison,
    freshness: Sequence[Freshness],
    leakage: Sequence[Leakage],
    latencies: Sequence[Latency],
) -> Findings:
    """Return what was measured of the systems that may be used, without what is worked out from it."""
    names = tuple(arm.name for arm in arms)
    pairs = pairs_of(compared)
    if missing := [pair for pair in permutations(names, 2) if pair not in pairs]:
        raise ValueError(f"{missing[0][0]} and {missing[0][1]} were not compared")
    followed = following(freshness)
    return Findings(
        systems=names,
        means={mean.system: mean for mean in compared.means},
        quality=pairs,
        followed=pairs_of(followed) if followed else None,
        refresh_seconds=dict.fromkeys(names, 0.0) | {one.system: one.refresh_seconds for one in freshness},
        leakage={one.system: one for one in leakage if one.probes},
        latencies={one.system: one for one in latencies},
        faster=frozenset(),
        uses={arm.name: arm.use for arm in arms},
        bills=None,
    )


def _faster(latencies: Sequence[Latency], questions: Sequence[Question]) -> frozenset[tuple[str, str]]:
    """Return the pairs of which the first is surely faster, among all that were timed, as the report shows them."""
    return frozenset((one.system, one.other) for one in paces(latencies, questions) if one.faster)


def _against(arm: Arm, chosen: str, findings: Findings, month: Month) -> str:
    """Return what surely speaks against a tuned system beside the chosen one, "" if it is better or nothing does."""
    if not (arm.adapter and chosen) or arm.name == chosen or findings.quality[arm.name, chosen].better:
        return ""
    said = {"quality": "is surely worse", "freshness": "follows changes worse", "cost": "costs more"}
    for priority, words in said.items():
        better = beats(priority, findings, month)
        if better and better(chosen, arm.name):
            return words
    return ""


def _kind(
    choice: Choice, findings: Findings, arms: Sequence[Arm], told: Mapping[str, str], month: Month
) -> Kind:
    """Return what kind of verdict a choice makes; `told` is what speaks against each arm."""
    if not choice.system:
        return "no_verdict"
    others = [arm for arm in arms if arm.name != choice.system]
    first = next((step.priority for step in choice.steps if step.measured), "")
    if first and all(_surely(first, choice.system, arm.name, findings, month) for arm in others):
        return "winner"
    tuned = {arm.name for arm in arms if arm.adapter}
    if tuned and choice.system not in tuned and all(told[name] for name in tuned):
        return "do_not_tune"
    return "cheapest" if choice.decided_by == "cost" or _costs_less(choice, findings, month) else "preferred"


def _costs_less(choice: Choice, findings: Findings, month: Month) -> bool:
    """Return whether the chosen one of several that are left is the cheapest by the middle of the prices, or by effort."""
    if len(choice.tied) < 2:
        return False
    one, other = choice.tied[:2]
    if findings.bills is None:
        return effort(findings.uses[one]) < effort(findings.uses[other])
    asked = month.questions
    return asked is not None and findings.bills.middle(one, asked) < findings.bills.middle(other, asked)


def _surely(priority: str, one: str, other: str, findings: Findings, month: Month) -> bool:
    if priority == "privacy":
        return serves_more(findings, one, other)
    better = beats(priority, findings, month)
    return better is not None and better(one, other)
