"""From the cases of a claim to one finding: rules before weights, support only where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragraft.types import Finding, Support
from ragraft.verify.binding import Binding
from ragraft.verify.features import Case
from ragraft.verify.matching import Window
from ragraft.verify.weights import Weights

__all__ = ["Judged", "judge", "settle"]

ON_TOPIC = 0.3
"""Share of the claim's wording that a window must have for its contradicting to be one."""

MOST_OF_IT = 0.55
"""Share of the claim's wording that one window must have to support all of it."""

MORE = 0.02
"""By how much more of the wording a window must have to be heard against another one."""


@dataclass(frozen=True)
class Judged:
    """One case with its score and what was made of it."""

    case: Case
    score: float
    support: Support
    reason: str


def judge(case: Case, score: float, weights: Weights) -> Judged:
    """Return what one window says of the claim."""
    objection = case.objections[0] if case.objections else None
    enough = (
        score >= weights.supported
        and case.window.headed_cover(case.topic) >= MOST_OF_IT
        and all(_near(binding, case.window) for binding in case.bindings)
    )
    if objection is None and (case.is_quotation or case.is_complete or enough):
        return Judged(case, max(score, weights.supported), "supported", "the passage says so")
    if objection is None:
        return Judged(case, score, "partly" if score >= weights.partly else "not_found", _lacking(case))
    capped = min(score, 0.49)
    if objection.support == "contradicted" and _on_topic(case):
        return Judged(case, min(capped, 0.1), "contradicted", objection.reason)
    if objection.support == "partly" and (
        case.is_quotation or score >= weights.partly or case.wording.changes
    ):
        return Judged(case, capped, "partly", objection.reason)
    reason = objection.reason if _on_topic(case) or objection.support == "not_found" else _lacking(case)
    return Judged(case, min(capped, 0.2), "not_found", reason)


def settle(judged: Sequence[Judged]) -> Finding:
    """Return the finding: the best support that nothing speaks against, else what speaks against it.

    A window that tells more of the claim than the supporting one, or tells of the same sentence, is heard.
    """
    supporting = [one for one in judged if one.support == "supported"]
    against = [one for one in judged if one.support in ("contradicted", "partly") and one.case.objections]
    free = [
        one for one in supporting if one.case.verbatim or not any(_outweighs(two, one) for two in against)
    ]
    if free:
        return _finding(max(free, key=lambda one: one.score))
    for kind in ("contradicted", "partly"):
        nearest = [one for one in judged if one.support == kind]
        if nearest:
            return _finding(max(nearest, key=lambda one: one.case.window.rank))
    return _finding(judged[0])


def _near(binding: Binding, window: Window) -> bool:
    """Return whether a quantity was found in a window or within two sentences of it."""
    unit = binding.unit
    if unit is None:
        return True
    return unit.source is window.source and any(abs(unit.number - one.number) <= 2 for one in window.units)


def _outweighs(objecting: Judged, supporting: Judged) -> bool:
    """Return whether an objection in one window counts against the support that another one gives."""
    here, there = objecting.case.window, supporting.case.window
    if not set(here.units).isdisjoint(there.units):
        # What fewer sentences deny, more of them cannot support by what stands in the others.
        return len(here.units) <= len(there.units)
    topic = objecting.case.topic
    return here.headed_cover(topic) > there.headed_cover(topic) + MORE


def _finding(judged: Judged) -> Finding:
    window = judged.case.window
    if judged.support == "not_found" and not (window.own.any() or judged.case.bindings):
        return Finding("not_found", judged.score, None, 0, 0, judged.reason)
    # A heading speaks for what stands below it, and is nothing to quote.
    units = [unit for unit in window.units if not unit.is_heading] or window.units
    return Finding(
        judged.support, judged.score, units[0].source.number, units[0].start, units[-1].end, judged.reason
    )


def _on_topic(case: Case) -> bool:
    return case.window.headed_cover(case.topic) >= ON_TOPIC


def _lacking(case: Case) -> str:
    """Say which of the claim's words the window has not, the rarest first."""
    window, topic = case.window, case.topic
    absent = [
        (float(weight), word.text)
        for word, weight, own, above in zip(topic.words, topic.weights, window.own, window.scope, strict=True)
        if not (own or above)
    ]
    words = list(dict.fromkeys(word for _, word in sorted(absent, key=lambda pair: -pair[0])))[:3]
    if not words:
        return "the passage has the words, but does not say this"
    return f"the nearest passage does not mention {_listed(words)}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
