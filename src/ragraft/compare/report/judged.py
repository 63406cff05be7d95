"""What a judge model says of the answers: beside the marks by rule, and never without how far it can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragraft.compare.clustered import Clustered
from ragraft.compare.cost import SystemUse, Work, system_cost
from ragraft.compare.judge import JUDGE
from ragraft.compare.marks import document_of
from ragraft.compare.report.draw import interval_bar
from ragraft.compare.report.markup import EMPTY, Markup, el
from ragraft.compare.report.parts import SHARES, cell, figure, system_name, systems_of, table
from ragraft.compare.report.words import percent, percents
from ragraft.compare.results import Report
from ragraft.compare.wording import counted, money

__all__ = ["Opinion", "judge_figure", "judge_work", "judge_worth", "opinions"]

BY_RULE = "right"
NOTE = (
    "Of the questions that the documents answer; a refusal and a failure are wrong unasked. Where only the judge finds an "
    "answer right, an alias may be missing: “Judge disagrees”, in the list of questions, shows them."
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the judge makes of one system, over the `judged` questions; `none` are those of which it said nothing.

    `share` of the answers is right by the judge, `by_rule` by the rule. `only_judge` and `only_rule` are questions on
    which but one of the two finds the answer right.
    """

    system: str
    share: float
    interval: tuple[float, float]
    by_rule: float
    judged: int
    none: int
    only_judge: int
    only_rule: int


def opinions(report: Report) -> list[Opinion]:
    """Return what the judge makes of the systems, in their order; without a judge, nothing."""
    documents = {one.id: document_of(one) for one in report.questions if one.answerable}
    found = (_opinion(arm.name, report.marks.get(arm.name, {}), documents) for arm in report.arms)
    return [one for one in found if one is not None]


def _opinion(
    system: str, marks: Mapping[str, Mapping[str, float | None]], documents: Mapping[str, str]
) -> Opinion | None:
    said = {name: mark for name, mark in marks.get(JUDGE, {}).items() if name in documents}
    judged = {name: mark for name, mark in said.items() if mark is not None}
    if not judged:
        return None
    rule = {name: marks.get(BY_RULE, {}).get(name) or 0.0 for name in judged}
    values = Clustered.of(list(judged.values()), [documents[name] for name in judged])
    return Opinion(
        system=system,
        share=values.mean,
        interval=values.interval(limits=(0.0, 1.0)),
        by_rule=sum(rule.values()) / len(rule),
        judged=len(judged),
        none=len(said) - len(judged),
        only_judge=sum(mark > rule[name] for name, mark in judged.items()),
        only_rule=sum(mark < rule[name] for name, mark in judged.items()),
    )


def judge_worth(report: Report) -> str:
    """Return how far the judge agrees with the user's labels, in a few words; "" without a judge."""
    kappa = (report.judge or {}).get("kappa")
    return f"kappa {kappa:.2f} with your labels" if isinstance(kappa, float) else ""


def judge_figure(report: Report) -> Markup:
    """Return the judge's marks of all systems beside those by rule; empty without a judge."""
    found, places = opinions(report), systems_of(report)
    if report.judge is None or not found:
        return EMPTY
    rows = [
        (
            system_name(places[one.system], one.system),
            cell(interval_bar(places[one.system], one.share, one.interval, SHARES), class_="drawn"),
            cell(
                el("b", percent(one.share)),
                el("span", f" {percents(one.interval)}", class_="range"),
                class_="figures",
            ),
            cell(percent(one.by_rule), class_="number", label="by rule"),
            cell(one.only_judge, class_="number", label="only the judge"),
            cell(one.only_rule, class_="number", label="only the rule"),
            cell(f"{one.judged}, {one.none}", class_="number", label="judged, no judgement"),
        )
        for one in found
    ]
    head = (
        "System", "From 0 to 100 %", "Right, by the judge", "By rule", "Only the judge", "Only the rule",
        "Judged, no judgement",
    )  # fmt: skip
    return figure(
        "What the judge says",
        el("p", str(report.judge.get("words", ""))),
        table(head, rows, caption="Right answers by the judge and by rule", class_="forest"),
        note=NOTE,
        wide=True,
    )


def judge_work(report: Report) -> str:
    """Return what the judge took, which no system is charged with; "" if that is not on record."""
    judge = report.judge or {}
    usage = judge.get("usage")
    if not isinstance(usage, Mapping):
        return ""
    prompt, output = (int(usage.get(f"{part}_tokens", 0)) for part in ("prompt", "completion"))
    asked = counted(int(judge.get("asked", 0)), "time")
    cached = int(usage.get("cached_tokens", 0))
    of_them = f" ({cached:,} of them from a cache)" if cached else ""
    price = _price(report, prompt, output)
    return (
        f"The judge was asked {asked}: {counted(prompt, 'prompt token')}{of_them},"
        f" {counted(output, 'output token')}{price}."
        " That is part of what this comparison took, and no system is charged with it."
    )


def _price(report: Report, prompt: int, output: int) -> str:
    prices = report.prices
    if prices is None:
        return ""
    tokens = prices.per_million_tokens
    if tokens.judge_prompt is None or tokens.judge_output is None:
        return ""
    work = Work(judge_prompt_tokens=prompt, judge_output_tokens=output)
    return f", {money(system_cost(SystemUse('judge', work), prices).answer, prices.currency)}"
