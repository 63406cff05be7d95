"""How well the systems answer, cite and refuse: each measure, pair by pair, and where the differences lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragraft.compare.clustered import Clustered
from ragraft.compare.judge import JUDGE
from ragraft.compare.marks import document_of, risk_coverage
from ragraft.compare.measures import HEADLINE
from ragraft.compare.report.charts import Axis, Curve, Dot, curves, scatter
from ragraft.compare.report.draw import interval_bar
from ragraft.compare.report.facts import (
    chance,
    difference_words,
    main_measure,
    margin,
    measures_of,
    title,
)
from ragraft.compare.report.judged import judge_figure
from ragraft.compare.report.markup import EMPTY, Markup, el, join
from ragraft.compare.report.overview import not_measured
from ragraft.compare.report.parts import (
    SHARES,
    absent,
    cell,
    figure,
    folded,
    section,
    strip,
    system_name,
    systems_of,
    table,
)
from ragraft.compare.report.scales import Scale, linear
from ragraft.compare.report.words import amount, duration, percent, percents, points
from ragraft.compare.results import Report
from ragraft.compare.statistics import Comparison, Difference

__all__ = ["abstention_section", "citations_section", "draft_section", "quality_section"]

PERCENTS = Axis(SHARES, ["0", "25", "50", "75", "100 %"], "")


def quality_section(report: Report) -> Markup:
    """Return the answers: measures, pairs, strata, and what quality takes in time and money."""
    main = main_measure(report)
    if not main:
        return section("quality", absent("Fewer than two systems answered."))
    others = [name for name in measures_of(report, "quality") if name not in (main, JUDGE)]
    comparison = report.comparisons[main]
    return section(
        "quality",
        el("p", comparison.reach.words()),
        el("div", *(strip(report, name) for name in [main, *others]), class_="grid"),
        _pairs(report, comparison),
        *(
            folded(f"Pair by pair: {title(name)}", _pairs(report, report.comparisons[name]))
            for name in others
        ),
        judge_figure(report),
        el("div", _against_time(report, comparison), _against_cost(report, comparison), class_="grid"),
        _strata(report, main),
    )


def citations_section(report: Report) -> Markup:
    """Return whether answers are held by what they cite."""
    return _measures(report, "citations")


def abstention_section(report: Report) -> Markup:
    """Return whether systems know when not to answer, and what confidence is worth."""
    lines = [_risk_curve(report, name) for name in systems_of(report)]
    return _measures(report, "abstention", _risk_figure([line for line in lines if line is not None]))


def draft_section(report: Report) -> Markup:
    """Return what the models write by themselves; empty where drafts were not marked."""
    if not measures_of(report, "draft"):
        return EMPTY
    lead = "What the models wrote before anything was checked, repaired or refused. It is not what users see."
    return _measures(report, "draft", lead=lead)


def _measures(report: Report, name: str, *more: Markup, lead: str = "") -> Markup:
    names = measures_of(report, name)
    if not names:
        return section(name, absent(not_measured(report)[name]))
    return section(
        name,
        el("p", lead) if lead else None,
        el("div", *(strip(report, measure) for measure in names), class_="grid"),
        *more,
        *(folded(f"Pair by pair: {title(one)}", _pairs(report, report.comparisons[one])) for one in names),
    )


def _pairs(report: Report, comparison: Comparison) -> Markup:
    """Return a forest plot: each pair's difference with the interval that holds for all pairs together."""
    turned = [one if one.value >= 0 else one.turned() for one in comparison.differences]
    turned.sort(key=lambda one: (not one.better, -one.value))
    ends = [end for one in turned for end in one.joint]
    scale = linear([0.0, *ends])
    rows = [_pair(report, one, scale) for one in turned]
    head = ("Pair", "Difference in points", "Points", "Won : lost", "p", "In words")
    spare = round(100 * margin(report))
    return figure(
        f"Pair by pair: {title(comparison.measure)}",
        table(
            head, rows, caption=f"Differences between systems: {title(comparison.measure)}", class_="forest"
        ),
        note=f"The first system less the second, from {points(scale.low)} to {points(scale.high)} points. Thick: the "
        f"interval of the pair by itself; thin: all pairs together. p is corrected for {len(turned)} pairs. "
        f"Shaded: the margin of {spare} points.",
        wide=True,
    )


def _pair(report: Report, one: Difference, scale: Scale) -> tuple[Markup | str, ...]:
    places, spare = systems_of(report), margin(report)
    words = difference_words(one.value, surely=one.better or one.worse)
    if not one.better and one.turned().not_worse(spare) and one.not_worse(spare):
        words = "surely about the same"
    low, high = (points(end) for end in one.joint)
    return (
        join(system_name(places[one.system], one.system), el("i", " less "), one.other),
        cell(
            interval_bar(
                places[one.system],
                one.value,
                one.joint,
                scale,
                inner=one.interval,
                zone=(-spare, spare),
                zero=0.0,
            ),
            class_="drawn",
        ),
        cell(el("b", points(one.value)), el("span", f" {low} to {high}", class_="range"), class_="figures"),
        cell(f"{one.won} : {one.lost}", class_="number", label="won : lost"),
        cell(chance(one.adjusted), class_="number", label="p"),
        cell(words, class_="surely" if one.better or one.worse else ""),
    )


def _against_time(report: Report, comparison: Comparison) -> Markup:
    found = {one.system: one.total for one in report.latencies}
    ends = {name: (gauge.p50, gauge.p50, gauge.p95) for name, gauge in found.items()}
    if not ends:
        return EMPTY
    scale = linear([end[2] for end in ends.values()], low=0.0)
    across = Axis(scale, _said(scale, duration), "Time to the whole answer")
    note = "Up is better, left is faster. Across: from the middle answer to the slowest of twenty."
    heading = f"{title(comparison.measure)} against time"
    return _scatter(report, comparison, ends, across, duration, heading, note)


def _against_cost(report: Report, comparison: Comparison) -> Markup:
    """Return quality against the price of answers, or against their tokens where there are no prices."""
    if report.costs and report.prices:
        ends = {
            one.system: (
                1000 * one.answer.low,
                500 * (one.answer.low + one.answer.high),
                1000 * one.answer.high,
            )
            for one in report.costs
        }
        heading, name, told = (
            "against the price of answers",
            f"{report.prices.currency} for 1,000 answers",
            amount,
        )
        note = "Up is better, left is cheaper. Building, hosting and refreshes come on top."
    else:
        ends = {name: _tokens(report, name) for name in systems_of(report) if report.said.get(name)}
        heading, name, told = "against tokens", "Tokens of prompt and answer, mean", "{:,.0f}".format
        note = "Up is better, left is less work. Without prices this is the nearest to cost."
    if not ends:
        return EMPTY
    scale = linear([end[2] for end in ends.values()], low=0.0)
    across = Axis(scale, _said(scale, told), name)
    return _scatter(report, comparison, ends, across, told, f"{title(comparison.measure)} {heading}", note)


def _said(scale: Scale, told: Callable[[float], str]) -> list[str]:
    """Return the ticks of a scale in words."""
    return [told(tick) if tick else "0" for tick in scale.ticks]


def _tokens(report: Report, system: str) -> tuple[float, float, float]:
    counts = [one.prompt_tokens + one.completion_tokens for one in report.said[system] if not one.failure]
    mean = sum(counts) / max(1, len(counts))
    return mean, mean, mean


def _scatter(
    report: Report,
    comparison: Comparison,
    ends: dict[str, tuple[float, float, float]],
    across: Axis,
    told: Callable[[float], str],
    heading: str,
    note: str,
) -> Markup:
    places = systems_of(report)
    means = {mean.system: mean for mean in comparison.means}
    dots = [
        Dot(places[name], name, end, (means[name].interval[0], means[name].value, means[name].interval[1]))
        for name, end in ends.items()
        if name in means
    ]
    said = "; ".join(f"{dot.name}: {percent(dot.up[1])} at {told(dot.across[1])}" for dot in dots)
    up = Axis(SHARES, PERCENTS.said, title(comparison.measure))
    chart = scatter(dots, across=across, up=up, label=f"{heading}, {across.name}. {said}")
    return figure(heading, chart, note=note)


def _strata(report: Report, measure: str) -> Markup:
    """Return the main measure in groups of questions."""
    if not report.strata:
        return EMPTY
    places = systems_of(report)
    documents = {one.id: document_of(one) for one in report.questions}
    rows = []
    for name, chosen in report.strata.items():
        cells = [_share(report, system, measure, chosen, documents) for system in places]
        rows.append((join(name, el("small", f"{len(chosen)} questions")), *cells))
    head = ["Questions", *(system_name(place, name) for name, place in places.items())]
    return figure(
        f"Where the differences lie: {title(measure)}",
        table(head, rows, caption=f"{title(measure)}, by kinds of questions", class_="overview"),
        note="Under each share stands its 95 % interval. Small groups show little, and nothing here is corrected for "
        "looking at many.",
        wide=True,
    )


def _share(
    report: Report, system: str, measure: str, chosen: Sequence[str], documents: dict[str, str]
) -> Markup:
    marks = report.marks.get(system, {}).get(measure, {})
    known = [(mark, documents.get(name, name)) for name in chosen if (mark := marks.get(name)) is not None]
    if not known:
        return cell("–", class_="none")
    found = Clustered.of([mark for mark, _ in known], [document for _, document in known])
    return cell(el("b", percent(found.mean)), el("small", percents(found.interval(limits=(0.0, 1.0)))))


def _risk_curve(report: Report, system: str) -> Curve | None:
    """Return how many of the surest answers are wrong, from the surest one to all that were given."""
    marks, said = report.marks.get(system, {}).get(HEADLINE), report.said.get(system, ())
    if not marks or len(said) != len(report.questions):
        return None
    points = risk_coverage(said, report.questions, handled=marks)
    return Curve(systems_of(report)[system], system, points) if len(points) > 1 else None


def _risk_figure(lines: Sequence[Curve]) -> Markup:
    heading = "What its confidence is worth"
    if not lines:
        return figure(heading, absent("No system says how sure it is. Systems that search do."), wide=True)
    said = "; ".join(
        f"{line.name}: {percent(line.points[-1][1])} wrong of {percent(line.points[-1][0])} answered"
        for line in lines
    )
    across = Axis(SHARES, PERCENTS.said, "Questions answered, surest first")
    chart = curves(
        lines, across=across, up=Axis(SHARES, PERCENTS.said, "Wrong answers among them"), label=said
    )
    return figure(
        heading,
        chart,
        note="Low and far to the right is good. A line that rises to the right belongs to a system that knows when it is "
        "unsure: refusing more would make fewer answers wrong. Each line ends at what the system did answer.",
        wide=True,
    )
