"""What systems give away to those who may not know, and what tuning did to the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragraft.compare.attacks import KINDS
from ragraft.compare.report.markup import Markup, el, join
from ragraft.compare.report.overview import not_measured
from ragraft.compare.report.parts import (
    absent,
    cell,
    figure,
    section,
    system_name,
    systems_of,
    table,
)
from ragraft.compare.results import Leakage, Probe, Report
from ragraft.compare.wording import counted

__all__ = ["forgetting_section", "leakage_section"]

GATES = {
    "quality": "answers held-out questions",
    "general_tasks": "solves small general tasks",
    "general_text": "is not surprised by general text",
    "context": "follows what a passage says",
    "refusal": "says so when a passage does not answer",
    "style": "keeps the house style",
    "terms": "knows the house's terms",
    "exposure": "a twin's losses do not give secrets away",
    "extraction": "a twin does not say secrets when asked",
}
"""What a gate asks of a tuned model."""


def leakage_section(report: Report) -> Markup:
    """Return the attempts to learn what the caller may not know; whatever came out is quoted."""
    found = [one for one in report.leakage if one.probes]
    if not found:
        return section("leakage", absent(not_measured(report).get("leakage", "")))
    places = systems_of(report)
    kinds = list(dict.fromkeys(probe.kind for one in found for probe in one.probes))
    rows = [
        (
            system_name(places[one.system], one.system),
            *(_attempts([probe for probe in one.probes if probe.kind == kind]) for kind in kinds),
            cell(_served(one), class_="number"),
            cell(_canaries(one.canaries), class_="nowrap"),
        )
        for one in found
    ]
    head = [
        "System",
        *(KINDS.get(kind, kind) for kind in kinds),
        "Serves who may know",
        "Secrets in its weights",
    ]
    total, leaks = sum(len(one.probes) for one in found), sum(one.leaks for one in found)
    lead = f"{counted(total, 'attempt')} by callers who may not know. {counted(leaks, 'attempt')} brought something out."
    return section(
        "leakage",
        el(
            "p",
            lead
            if leaks
            else f"{counted(total, 'attempt')} by callers who may not know brought nothing out.",
        ),
        figure(
            "Attempts, and what came out",
            table(
                head, rows, caption="Attempts that brought something out, by system and kind", class_="plain"
            ),
            note="Leaks of attempts, by the way that it was tried.",
            wide=True,
        ),
        *(_leaks(places[one.system], one) for one in found if one.leaks),
    )


def _attempts(probes: Sequence[Probe]) -> Markup:
    if not probes:
        return cell("–", class_="none")
    leaks = sum(bool(probe.leaked) for probe in probes)
    turned_away = sum(probe.refused for probe in probes)
    told = f"{turned_away} turned away" if turned_away else None
    return cell(
        el("b", f"{leaks} of {len(probes)}"),
        el("small", told) if told else None,
        class_="leak" if leaks else "",
    )


def _served(found: Leakage) -> str:
    return f"{found.served} of {found.allowed}" if found.allowed else "not asked"


def _canaries(gates: Mapping[str, Any]) -> str:
    if not gates:
        return "–"
    return "; ".join(f"{name}: {_passed(gate)}" for name, gate in gates.items())


def _leaks(place: int, found: Leakage) -> Markup:
    """Return everything that came out of one system, in its words."""
    entries = [
        el(
            "li",
            el(
                "p",
                KINDS.get(probe.kind, probe.kind),
                " · as ",
                ", ".join(probe.groups) or "nobody",
                class_="aside",
            ),
            el("p", probe.question, class_="said"),
            el("blockquote", probe.text),
            el("p", f"showed in: {', '.join(probe.leaked)}; closed document: ", el("code", probe.document)),
        )
        for probe in found.probes
        if probe.leaked
    ]
    return el(
        "div", el("h3", system_name(place, found.system), f": {counted(len(entries), 'leak')}"), el("ol", *entries),
        class_="leaks",
    )  # fmt: skip


def forgetting_section(report: Report) -> Markup:
    """Return the gates of each tuned system."""
    tuned = [arm for arm in report.arms if arm.gates]
    if not tuned:
        return section("forgetting", absent(not_measured(report).get("forgetting", "")))
    head = ("Gate", "Passed", "Base", "Tuned", "Difference, or value", "Bar")
    figures = [
        figure(
            f"{arm.name}: {arm.adapter}" if arm.adapter else arm.name,
            table(
                head, [_gate(name, gate) for name, gate in arm.gates.items()],
                caption=f"Gates of {arm.name}", class_="plain",
            ),
        )
        for arm in tuned
    ]  # fmt: skip
    return section(
        "forgetting",
        el("p", "A tuned model may answer only if the end of its interval that speaks against it keeps to the bar."),
        el("div", *figures, class_="grid"),
    )  # fmt: skip


def _gate(name: str, found: Any) -> tuple[Markup | str, ...]:
    gate = found if isinstance(found, Mapping) else {}
    interval: Sequence[Any] = gate.get("interval") or ()
    between = f"{_number(interval[0])} to {_number(interval[1])}" if len(interval) == 2 else ""
    passed = gate.get("passed")
    reason = gate.get("reason")
    return (
        join(name, el("small", GATES[name]) if name in GATES else None),
        cell(
            _passed(gate),
            el("small", str(reason)) if reason else None,
            class_="" if passed else "doubt" if passed is None else "leak",
        ),
        cell(_number(gate.get("base")), class_="number"),
        cell(_number(gate.get("tuned")), class_="number"),
        cell(el("b", _number(gate.get("value"))), el("small", between) if between else None),
        cell(_number(gate.get("bar")), class_="number"),
    )


def _passed(gate: Any) -> str:
    passed = gate.get("passed") if isinstance(gate, Mapping) else None
    return "not measured" if passed is None else "✓ yes" if passed else "✗ NO"


def _number(value: Any) -> str:
    return f"{value:.3g}".replace("-", "−") if isinstance(value, (int, float)) else "–"
