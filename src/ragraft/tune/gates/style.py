"""House style: a file of rules that the user writes, and whether answers keep them."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ragraft.errors import UserError
from ragraft.tune.gates.gate import Ask, Gate, gate_above
from ragraft.tune.gates.style_rules import Pattern, Rule, Said
from ragraft.types import Message

__all__ = ["Breach", "Style", "StyleCase", "StyleScore", "read_style", "style_gate"]

HINT = "see docs/reference/style-rules.md"
MISSING = "missing"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that an answer breaks, and how."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class StyleScore:
    """How an answer stands to the rules. `applied` are the names of the rules that say something about it."""

    applied: tuple[str, ...]
    broken: tuple[Breach, ...]

    @property
    def kept(self) -> float:
        """The share of the rules that apply and are kept; 1 if none applies."""
        return 1.0 - len(self.broken) / len(self.applied) if self.applied else 1.0


class Style(BaseModel):
    """The rules of a file.

    `apart` is a pattern of whole lines, such as a source line, that do not count as words or sentences.
    `missing` is the whole answer where the documents do not hold one; no other rule applies to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: list[Rule] = Field(min_length=1)
    apart: Pattern | None = None
    missing: str = ""

    @model_validator(mode="after")
    def _names_differ(self) -> Style:
        names = [rule.name for rule in self.rules] + ([MISSING] if self.missing else [])
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"more than one rule has the name {twice[0]!r}")
        return self

    def score(self, answer: str, *, question: str = "", answerable: bool | None = None) -> StyleScore:
        """Return which rules apply to an answer, and which it breaks.

        `answerable` says whether the documents hold an answer, None if that is not known. Saying that they
        do not, where they do, breaks the rule of `missing`: else silence would be the best style.
        """
        if self.missing and (answerable is False or self.missing.casefold() in answer.casefold()):
            alone = answer.strip() == self.missing
            if not alone:
                return _one(MISSING, f"is more or other than “{self.missing}”")
            return _one(MISSING, "the documents hold the answer" if answerable else None)
        lines = answer.split("\n")
        prose = "\n".join(line for line in lines if not (self.apart and re.fullmatch(self.apart, line)))
        said = Said(answer, prose, question)
        applied = [rule for rule in self.rules if rule.applies(said)]
        faults = [(rule.name, rule.fault(said)) for rule in applied]
        broken = tuple(Breach(name, fault) for name, fault in faults if fault is not None)
        return StyleScore(tuple(rule.name for rule in applied), broken)


@dataclass(frozen=True, slots=True)
class StyleCase:
    """A question to ask for the style of its answer; cases of one `group` stand or fall together."""

    messages: tuple[Message, ...]
    question: str
    group: str
    answerable: bool | None = None


def read_style(path: Path) -> Style:
    """Return the rules of a TOML or JSON file.

    Raises: UserError naming every fault by its rule.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint=HINT) from error
    try:
        return Style.model_validate(found)
    except ValidationError as error:
        faults = "; ".join(_told(item["loc"], item["msg"], found) for item in error.errors(include_url=False))
        raise UserError(f"{path} is wrong: {faults}", hint=HINT) from error


def style_gate(
    cases: Sequence[StyleCase], style: Style, *, base: Ask, tuned: Ask, bar: float = 0.8, seed: int = 0
) -> Gate:
    """Return whether the tuned model's answers keep the house style.

    The value is the share of answers that break no rule. The detail has the same share of the base, and how many
    answers break each rule before and after; the quotes are some of the faults.
    """
    before, after = (
        [style.score(ask(one.messages), question=one.question, answerable=one.answerable) for one in cases]
        for ask in (base, tuned)
    )
    count = max(1, len(cases))
    gate = gate_above(
        "style",
        [float(not score.broken) for score in after],
        [one.group for one in cases],
        bar=bar,
        limits=(0.0, 1.0),
        seed=seed,
        questions=len(cases),
        base=sum(not score.broken for score in before) / count,
        rules_kept={
            "base": sum(score.kept for score in before) / count,
            "tuned": sum(score.kept for score in after) / count,
        },
        rules=_by_rule(before, after),
    )
    faults = [
        f"{one.question} {fault.rule}: {fault.reason}"
        for one, score in zip(cases, after, strict=True)
        for fault in score.broken
    ]
    return replace(gate, quotes=tuple(faults[:SHOWN]))


def _one(name: str, fault: str | None) -> StyleScore:
    return StyleScore((name,), () if fault is None else (Breach(name, fault),))


def _by_rule(before: Sequence[StyleScore], after: Sequence[StyleScore]) -> dict[str, dict[str, int]]:
    told: dict[str, dict[str, int]] = {}
    for model, scores in (("base", before), ("tuned", after)):
        applied = Counter(name for score in scores for name in score.applied)
        broken = Counter(fault.rule for score in scores for fault in score.broken)
        for name in applied:
            told.setdefault(name, {})[f"{model}_applied"] = applied[name]
            told[name][f"{model}_broken"] = broken[name]
    return told


def _told(place: Sequence[int | str], fault: str, found: dict[str, Any]) -> str:
    """Return a fault with the rule that it is in, by name if it has one."""
    if len(place) < 2 or place[0] != "rules":
        return f"{'.'.join(map(str, place))}: {fault}" if place else fault
    number = int(place[1])
    rule = found["rules"][number]
    name = f" ({rule['name']})" if isinstance(rule, dict) and rule.get("name") else ""
    key = f", {place[-1]}" if len(place) > 3 else ""
    return f"rule {number + 1}{name}{key}: {fault}"
