"""What a verdict rests on: short sentences, each with the section of the report that holds its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ragraft.compare.bills import Bills
from ragraft.compare.choosing import AT_MOST, MONTH_SECONDS, PRIORITIES, STALE_TIME
from ragraft.compare.results import Claim
from ragraft.compare.statistics import MARGIN, Comparison, Difference
from ragraft.compare.verdict_words import BETTER, Told, what_it_takes
from ragraft.compare.wording import (
    counted,
    joined,
    money,
    percent,
    points,
    seconds,
    share,
    span_of_points,
    volume,
)
from ragraft.intervals import clopper_pearson

__all__ = ["reasons"]

SECTION = dict(zip(PRIORITIES, ("quality", "freshness", "leakage", "cost", "latency"), strict=True))

MEASURED_TOO = (
    ("cited_right", "citations", "{name} cites the right passage for {share} of the questions that have one"),
    ("supported", "citations", "Of what {name} says {share} is supported by the documents"),
    ("abstained", "abstention", "{name} refuses {share} of the questions that no document answers"),
    ("answered", "abstention", "{name} answers, rightly or not, {share} of those that a document answers"),
)
"""Measures that are told and do not decide: id, section and sentence."""


def reasons(told: Told) -> tuple[Claim, ...]:
    """Return the sentences, the weightiest first."""
    if not told.chosen:
        return (*_undecided(told), *_excluded(told))
    return (
        *_quality(told),
        *_steps(told),
        *_measured_too(told),
        *_freshness(told),
        *_borne(told),
        *_leakage(told),
        *_adapter(told),
        *_latency(told),
        *_cost(told),
        *_not_measured(told),
        *_excluded(told),
    )


def _undecided(told: Told) -> Iterator[Claim]:
    if not told.findings.systems:
        return
    yield Claim(told.compared.reach.words(), "quality")
    for mean in told.compared.means:
        if mean.system in told.findings.systems:
            yield Claim(
                f"{mean.system} handled {share(mean.value, mean.interval)} of them rightly.", "quality"
            )
    yield Claim(what_it_takes(told), "quality")


def _quality(told: Told) -> Iterator[Claim]:
    mean = told.findings.means[told.chosen]
    asked = counted(told.compared.reach.questions, "question")
    yield Claim(
        f"{told.chosen} handled {share(mean.value, mean.interval)} of {asked} rightly: a right answer where the"
        f" documents have one, a refusal where they have none.",
        "quality",
    )
    if mean.interval[1] < 0.5:
        yield Claim(f"Mind that even {told.chosen} is surely wrong more often than right.", "quality")
    if mean.failed:
        yield Claim(f"It failed on {counted(mean.failed, 'question')}; that counts as wrong.", "quality")
    for name in told.others:
        yield Claim(_beside(told, name), "quality")


def _beside(told: Told, name: str) -> str:
    """Return how the chosen system stands beside another one in quality, and how sure that is."""
    ahead = told.ahead(name)
    by = points(ahead.value)
    if ahead.better:
        return (
            f"{told.chosen} is surely better than {name}: by {by} of 100 ({span_of_points(ahead.interval)})."
        )
    if ahead.worse:
        behind = ahead.turned()
        return (
            f"{name} is surely better, by {by} of 100 ({span_of_points(behind.interval)}). That is given up for"
            f" what you put before quality."
        )
    if ahead.not_worse(MARGIN):
        if ahead.joint[0] >= 0:
            return f"{told.chosen} is surely not worse than {name}."
        return (
            f"{told.chosen} is surely not much worse than {name}: by {points(ahead.joint[0])} of 100 at most."
        )
    return (
        f"{told.chosen} and {name} could not be told apart. That does not make them equal: {_so_much(ahead)}, and"
        f" {name} may be up to {points(ahead.joint[0])} better."
    )


def _so_much(ahead: Difference) -> str:
    if not ahead.value:
        return f"both handled as many, {ahead.system} alone {ahead.won}, {ahead.other} alone {ahead.lost}"
    side = "ahead" if ahead.value > 0 else "behind"
    return f"{ahead.system} is {points(ahead.value)} {side}"


def _steps(told: Told) -> Iterator[Claim]:
    """Say who dropped out at each priority but quality, where the differences are told one by one."""
    for step in told.choice.steps:
        if step.priority == "quality":
            doubtful = [drop.system for drop in step.drops if not drop.sure]
            if doubtful:
                are = "is" if len(doubtful) == 1 else "are"
                yield Claim(
                    f"{joined(doubtful)} {are} left out: more than {points(AT_MOST)} of 100 worse is not ruled out.",
                    "quality",
                )
            continue
        for by in dict.fromkeys(drop.by for drop in step.drops if drop.sure):
            lost = joined([drop.system for drop in step.drops if drop.sure and drop.by == by])
            yield Claim(_lead(told, step.priority, by, lost), SECTION[step.priority])


def _lead(told: Told, priority: str, by: str, lost: str) -> str:
    if priority == "cost" and told.findings.bills is None:
        return (
            f"{by} takes no more of anything than {lost}, and less of something: it is cheaper at any price."
        )
    return f"{by} is surely {BETTER[priority]} than {lost}."


def _measured_too(told: Told) -> Iterator[Claim]:
    for measure, section, sentence in MEASURED_TOO:
        comparison = told.comparisons.get(measure)
        for mean in comparison.means if comparison else ():
            if comparison and mean.system == told.chosen:
                better = _better_than_chosen(comparison, told)
                more = (
                    f"; {joined(better)} surely {'does' if len(better) == 1 else 'do'} better"
                    if better
                    else ""
                )
                said = sentence.format(name=told.chosen, share=share(mean.value, mean.interval))
                yield Claim(f"{said}{more}.", section)


def _better_than_chosen(comparison: Comparison, told: Told) -> list[str]:
    both = [each for one in comparison.differences for each in (one, one.turned())]
    found = {one.system for one in both if one.other == told.chosen and one.better}
    return [name for name in told.others if name in found]


def _freshness(told: Told) -> Iterator[Claim]:
    found = told.freshness.get(told.chosen)
    if found is None or not found.outcomes:
        return
    followed = sum(one.right for one in found.outcomes)
    interval = clopper_pearson(followed, len(found.outcomes))
    told_old = sum(one.after in ("stale", "told") for one in found.outcomes)
    yield Claim(
        f"After {counted(len(found.outcomes), 'change')} {told.chosen} was right in"
        f" {share(followed / len(found.outcomes), interval)}, and still said what was so before in {told_old}.",
        "freshness",
    )
    if found.damage.asked:
        yield Claim(
            f"Of {counted(found.damage.asked, 'question')} that no change touches it lost {found.damage.lost} and won"
            f" {found.damage.won}.",
            "freshness",
        )
    if found.refresh_seconds:
        yield Claim(
            f"To bring it up to date takes {seconds(found.refresh_seconds)} each time.{_too_often(told)}",
            "freshness",
        )


def _borne(told: Told) -> Iterator[Claim]:
    """Say of which systems it is borne that they follow changes worse, for they are brought up to date in no time."""
    followed, often = told.findings.followed or {}, told.month.changes
    dropped = {
        drop.system for step in told.choice.steps if step.priority == "freshness" for drop in step.drops
    }
    for name in told.others:
        behind = followed.get((told.chosen, name))
        if behind is None or not behind.better or name in dropped or often is None:
            continue
        if not often:
            yield Claim(f"{name} follows changes worse, but nothing changes.", "freshness")
        elif told.findings.refresh_seconds[name]:
            stale = often * told.findings.refresh_seconds[name] / MONTH_SECONDS
            if stale <= STALE_TIME:
                yield Claim(
                    f"{name} follows changes worse. That did not count: trained anew after each of {volume(often)}"
                    f" changes a month, it is out of date {percent(stale)} of the time.",
                    "freshness",
                )


def _too_often(told: Told) -> str:
    stale = (told.month.changes or 0.0) * told.findings.refresh_seconds[told.chosen] / MONTH_SECONDS
    if not told.month.changes:
        return ""
    if stale >= 1:
        return f" At {volume(told.month.changes)} changes a month it never catches up."
    return f" At {volume(told.month.changes)} changes a month it is out of date {percent(stale)} of the time."


def _leakage(told: Told) -> Iterator[Claim]:
    found = told.findings.leakage.get(told.chosen)
    if found is None or not found.probes:
        return
    most = 100 * clopper_pearson(0, len(found.probes))[1]
    tried = counted(len(found.probes), "attempt")
    served = f" It served {found.served} of {found.allowed} who may know." if found.allowed else ""
    yield Claim(
        f"{tried} to learn from {told.chosen} what the caller may not know brought nothing out; of others like"
        f" these at most {most:.1f} % would.{served}",
        "leakage",
    )


def _adapter(told: Told) -> Iterator[Claim]:
    arm = told.arms[told.chosen]
    if arm.adapter:
        gates = "its gate" if len(arm.gates) == 1 else f"all of its {len(arm.gates)} gates"
        yield Claim(f"Its adapter {arm.adapter} passed {gates}.", "forgetting")
    if arm.label != "everyone":
        yield Claim(f"Not everybody may use it: {arm.label}. The others need another system.", "systems")


def _latency(told: Told) -> Iterator[Claim]:
    found = told.findings.latencies.get(told.chosen)
    if found is not None:
        yield Claim(
            f"Half of its answers take at most {seconds(found.total.p50)}, 19 of 20 at most {seconds(found.total.p95)}.",
            "latency",
        )


def _cost(told: Told) -> Iterator[Claim]:
    bills = told.findings.bills
    use = told.findings.uses[told.chosen]
    if bills is None:
        tokens = use.answer.prompt_tokens + use.answer.cached_tokens + use.answer.output_tokens
        hours = use.build.training_hours * use.tries
        built = f" It took {seconds(hours * 3600)} of training." if hours else " It needs no training."
        yield Claim(
            f"An answer takes {tokens:,.0f} tokens.{built} No prices were given, so what it costs is not known.",
            "cost",
        )
        return
    yield Claim(_bill(told, bills), "cost")


def _bill(told: Told, bills: Bills) -> str:
    asked, currency = told.month.questions, bills.prices.currency
    if asked is None:
        cost = bills.costs[told.chosen]
        return (
            f"{told.chosen} costs {money(cost.fixed, currency)} a month before the first question, and"
            f" {money(bills.thousand(told.chosen), currency)} per thousand questions."
        )
    ranked = sorted(told.findings.systems, key=lambda name: (bills.middle(name, asked), name))
    said = [f"{name} {money(bills.month(name, asked), currency)}" for name in ranked]
    return f"A month of {volume(asked)} questions costs: {'; '.join(said)}."


def _not_measured(told: Told) -> Iterator[Claim]:
    systems = told.findings.systems
    measured = {
        "freshness": ("Freshness", set(told.freshness)),
        "privacy": ("Leakage", set(told.findings.leakage)),
        "latency": ("Latency", set(told.findings.latencies)),
    }
    for priority in told.priorities:
        said, names = measured.get(priority, ("", set(systems)))
        missing = [name for name in told.arms if name in systems and name not in names]
        if len(missing) == len(systems):
            yield Claim(f"{said} was not measured, so it decided nothing.", SECTION[priority])
        elif missing:
            yield Claim(f"{said} was not measured of {joined(missing)}.", SECTION[priority])


def _excluded(told: Told) -> Iterator[Claim]:
    for name, reason in told.excluded.items():
        yield Claim(f"{name} may not be used: {reason.text}.", reason.section)
