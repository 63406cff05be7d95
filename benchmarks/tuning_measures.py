"""What base and tuned model say to the same questions, side by side: every figure with its interval of 95 %."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.figures import Figure, Report
from benchmarks.tuning_sets import MISSING, TuningSet
from ragraft.intervals import cluster_interval
from ragraft.questions import holds_answer, token_f1
from ragraft.tune.gates.gate import Ask, Gate, paired_gate
from ragraft.tune.gates.quality import HeldOut
from ragraft.tune.gates.style import Style
from ragraft.tune.gates.style_rules import word_count
from ragraft.tune.gates.terms import knows_term, term_questions
from ragraft.types import Message

__all__ = ["Pair", "add_answers", "add_gates", "add_labels", "add_terms", "add_training"]

_SOURCE = re.compile(r"^Source: (.+)$", re.MULTILINE)
FEW = 5
"""With fewer groups than this no interval is given, as the gates give none."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with what both models said to it. `listed` is the base's answer to a prompt that says more."""

    asked: HeldOut
    base: str
    tuned: str
    listed: str = ""

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer."""
        return self.asked.question.kind != "unanswerable"

    def record(self) -> dict[str, Any]:
        """Return it as it stands in the results, to be read by people."""
        told = {
            "question": self.asked.messages[-1].content,
            "expected": self.asked.question.expected,
            "base": self.base,
            "tuned": self.tuned,
        }
        return told | ({"base, told the categories": self.listed} if self.listed else {})


@dataclass(slots=True)
class Side:
    """Adds the figures of one set: a mark for each question and model, the base's beside the tuned model's."""

    report: Report
    name: str
    detail: dict[str, Any] = field(default_factory=dict)

    def add(
        self,
        name: str,
        base: Sequence[float],
        tuned: Sequence[float],
        groups: Sequence[str],
        *,
        reference: str = "base",
        less_is_better: bool = False,
    ) -> None:
        """Add one figure: means of marks from 0 to 1, and the interval of what lies between them."""
        if not tuned:
            return
        count, clusters = len(tuned), len(set(groups))
        difference = paired_gate(name, base, tuned, groups, margin=0.0)
        spread = [_interval(marks, groups) for marks in (tuned, base)]
        told = {"n": count, "groups": clusters, "tuned": spread[0], reference: spread[1]}
        self.detail[name] = told | {"difference": difference.value, "interval": difference.interval}
        note = f"{count} questions" + (" only" if count < 50 else "")
        if difference.interval:
            low, high = difference.interval
            up, down = ("WORSE", "better") if less_is_better else ("better", "WORSE")
            verdict = up if low > 0 else down if high < 0 else "no clear difference"
            note += f"; difference {low:+.2f} to {high:+.2f}: {verdict}"
        else:
            note += f" in {clusters} groups: too few for an interval"
        self.report.add(
            Figure(
                f"{self.name}: {name}",
                sum(tuned) / count,
                reference=reference,
                reference_value=sum(base) / count,
                note=note,
            )
        )


def add_answers(side: Side, pairs: Sequence[Pair], *, style: Style | None) -> None:
    """Add how well questions of documents that nothing taught is from are answered, and how briefly."""
    known = [pair for pair in pairs if pair.answerable]
    _add(
        side, "F1 over words, documents not taught", pairs, lambda said, asked: token_f1(said, asked.question)
    )
    _add(side, "right, documents not taught", known, _right)
    _add(side, f"says “{MISSING}” where it should", [pair for pair in pairs if not pair.answerable], _missing)
    _add(side, f"says “{MISSING}” where it should not", known, _missing, less_is_better=True)
    if style is not None:
        add_style(side, pairs, style)
    for model in ("base", "tuned"):
        side.detail[f"median words, {model}"] = median(word_count(getattr(pair, model)) for pair in pairs)


def add_style(side: Side, pairs: Sequence[Pair], style: Style) -> None:
    """Add the share of answers that break no rule, and how often a source that is named is the right one."""

    def kept(said: str, asked: HeldOut) -> bool:
        told = asked.question.kind != "unanswerable"
        return not style.score(said, question=asked.messages[-1].content, answerable=told).broken

    _add(side, "style, no rule broken", pairs, kept)
    _add(side, "format, ends with a source line", [pair for pair in pairs if pair.answerable], _has_source)
    named = [pair for pair in pairs if pair.answerable and _SOURCE.search(pair.tuned)]
    true = [float(_true_source(pair.tuned, pair.asked)) for pair in named]
    if true:
        note = f"of {len(true)} that it names from memory; such a line is never shown as a citation"
        side.report.add(
            Figure(f"{side.name}: the source named is the right one", sum(true) / len(true), note=note)
        )


def add_taught(side: Side, pairs: Sequence[Pair]) -> None:
    """Add how many of the facts that were taught are known, asked in the very words."""
    _add(side, "right, questions it was taught, word for word", pairs, _right)


def add_labels(side: Side, pairs: Sequence[Pair], labels: Sequence[str]) -> None:
    """Add accuracy and form of answers that must be one of the labels and nothing else."""
    allowed = frozenset(labels)

    def form(said: str, _asked: HeldOut) -> bool:
        return said.strip() in allowed

    def exact(said: str, asked: HeldOut) -> bool:
        return said.strip() == asked.question.expected

    for name, mark in (("accuracy, exact label", exact), ("format, is one of the labels", form)):
        _add(side, name, pairs, mark)
        marks = [
            [float(mark(said, pair.asked)) for pair, said in zip(pairs, told, strict=True)]
            for told in ([pair.listed for pair in pairs], [pair.tuned for pair in pairs])
        ]
        groups = [pair.asked.group for pair in pairs]
        side.add(f"{name}, base told all labels", marks[0], marks[1], groups, reference="base, told")


def add_terms(side: Side, one: TuningSet, *, base: Ask, tuned: Ask) -> None:
    """Add how many house terms are known when asked for in other words than they were taught with."""
    asked = [(term, question) for term in one.terms for question in term_questions(term)]
    before, after = ([ask((Message("user", question),)) for _, question in asked] for ask in (base, tuned))
    marks = [
        [float(knows_term(text, term)) for text, (term, _) in zip(said, asked, strict=True)]
        for said in (before, after)
    ]
    groups = [f"{term.term}\n{term.meaning}" for term, _ in asked]
    side.add("terminology, asked in other words", marks[0], marks[1], groups)
    side.detail["terms"] = [
        {"question": question, "expected": term.meaning, "base": old, "tuned": new}
        for (term, question), old, new in zip(asked, before, after, strict=True)
    ]


def add_gates(side: Side, gates: Sequence[Gate]) -> None:
    """Add what the gates found; a rise in loss and what was forgotten as figures of their own."""
    for gate in gates:
        side.detail.setdefault("gates", {})[gate.name] = gate.record()
        passed = {True: "passed", False: "NOT passed", None: "not measured"}[gate.passed]
        if gate.value is None:
            continue
        low, high = gate.interval or (gate.value, gate.value)
        both = "tuned" in gate.detail and "base" in gate.detail
        side.report.add(
            Figure(
                f"{side.name}: gate {gate.name}",
                gate.detail["tuned"] if both else gate.value,
                reference="base" if "base" in gate.detail else "",
                reference_value=gate.detail.get("base"),
                note=f"{gate.value:+.3f}, {low:+.3f} to {high:+.3f}, bar {gate.bar:+.2f}: {passed}",
            )
        )


def add_training(side: Side, course: dict[str, Any], examples: int, *, note: str = "") -> None:
    """Add what the training took, beside what it was said to take; `note` is what else its times depend on."""
    also = f"; {note}" if note else ""
    side.detail["training"] = {
        name: course[name] for name in ("steps", "looks", "best", "stopped_early", "preset")
    }
    side.report.add(
        Figure(
            f"{side.name}: training",
            course["seconds"],
            "s",
            reference="estimate",
            reference_value=course["estimate"]["seconds"],
            note=f"{examples} examples{also}",
        ),
        Figure(f"{side.name}: tokens trained", course["tokens_per_second"], "tokens/s", note=note),
        Figure(f"{side.name}: peak memory of training", course["memory"] / 1e9, "GB"),
    )


def _add(
    side: Side,
    name: str,
    pairs: Sequence[Pair],
    mark: Callable[[str, HeldOut], float],
    *,
    less_is_better: bool = False,
) -> None:
    side.add(
        name,
        [float(mark(pair.base, pair.asked)) for pair in pairs],
        [float(mark(pair.tuned, pair.asked)) for pair in pairs],
        [pair.asked.group for pair in pairs],
        less_is_better=less_is_better,
    )


def _right(said: str, asked: HeldOut) -> bool:
    return holds_answer(said, asked.question)


def _missing(said: str, _asked: HeldOut) -> bool:
    return MISSING in said.casefold()


def _has_source(said: str, _asked: HeldOut) -> bool:
    return bool(said.strip()) and _SOURCE.fullmatch(said.strip().splitlines()[-1]) is not None


def _true_source(said: str, asked: HeldOut) -> bool:
    named = {one.strip() for found in _SOURCE.findall(said) for one in found.split(";")}
    return named == {one.document for one in asked.question.evidence}


def _interval(marks: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    value = sum(marks) / len(marks)
    if len(set(groups)) < FEW:
        return {"value": value, "interval": None}
    return {"value": value, "interval": cluster_interval(marks, groups, limits=(0.0, 1.0))[1]}
