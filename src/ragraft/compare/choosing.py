"""Which system is left when those that are surely worse drop out, one priority after the other.

The rules are stated in docs/concepts/verdict.md. Nothing here knows what kind of system it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragraft.compare.bills import Bills, effort, uses_less
from ragraft.compare.cost import SystemUse
from ragraft.compare.pace import noticed
from ragraft.compare.results import Freshness, Latency, Leakage
from ragraft.compare.statistics import Comparison, Difference, Mean, Scores, compare_scores
from ragraft.errors import UserError
from ragraft.intervals import clopper_pearson

__all__ = [
    "AT_MOST",
    "PRIORITIES",
    "Choice",
    "Drop",
    "Findings",
    "Month",
    "Step",
    "beats",
    "choose",
    "following",
    "pairs_of",
    "read_priorities",
    "serves_more",
]

PRIORITIES = ("quality", "freshness", "privacy", "cost", "latency")

AT_MOST = 0.15
"""A system of which it is not sure that it is less than so much worse in quality than another is not chosen."""

STALE_TIME = 0.01
"""Share of the time that a system may be out of date: seven hours a month."""

MONTH_SECONDS = 365.25 / 12 * 86400

Pairs = Mapping[tuple[str, str], Difference]


@dataclass(frozen=True, slots=True)
class Month:
    """How much a system is used: questions per month, and changes of documents per month. None: not known."""

    questions: float | None = None
    changes: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of the systems that may be used; what was not measured is None or has no entry.

    `quality` and `followed` are differences by (system, other), `faster` the pairs of which the first is surely faster,
    be it by little. `refresh_seconds` is how long it takes to bring a system up to date, 0 for one that cannot be or
    need not be.
    """

    systems: tuple[str, ...]
    means: Mapping[str, Mean]
    quality: Pairs
    followed: Pairs | None
    refresh_seconds: Mapping[str, float]
    leakage: Mapping[str, Leakage]
    latencies: Mapping[str, Latency]
    faster: frozenset[tuple[str, str]]
    uses: Mapping[str, SystemUse]
    bills: Bills | None


@dataclass(frozen=True, slots=True)
class Drop:
    """A system that dropped out, and to which other one it lost.

    `sure` is False where it was not shown to be worse, but not either that it is not.
    """

    system: str
    by: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One priority: who came to it, who dropped out, and whether it was measured at all."""

    priority: str
    left: tuple[str, ...]
    drops: tuple[Drop, ...]
    measured: bool

    @property
    def kept(self) -> tuple[str, ...]:
        """Those that go on to the next priority."""
        dropped = {drop.system for drop in self.drops}
        return tuple(name for name in self.left if name not in dropped)


@dataclass(frozen=True, slots=True)
class Choice:
    """The system that is left, "" if too little is known; `tied` are all that were left at the end."""

    system: str
    steps: tuple[Step, ...]
    tied: tuple[str, ...]

    @property
    def decided_by(self) -> str:
        """The priority at which the last other system dropped out; "" if several were left, or there was but one."""
        last = next((step for step in reversed(self.steps) if step.drops), None)
        return last.priority if last and len(self.tied) == 1 else ""


def read_priorities(text: str) -> tuple[str, ...]:
    """Return the order of priorities from names with commas between them; those not named come after, as usual.

    Raises: UserError for a name that is none, or is there twice.
    """
    named = [name.strip().lower() for name in text.split(",") if name.strip()]
    wrong = [name for name in named if name not in PRIORITIES or named.count(name) > 1]
    if wrong:
        raise UserError(
            f"{wrong[0]!r} is no priority or is named twice", hint=f"name some of {','.join(PRIORITIES)}"
        )
    return (*named, *(name for name in PRIORITIES if name not in named))


def choose(findings: Findings, priorities: Sequence[str], month: Month) -> Choice:
    """Return which system is left, and how the others dropped out.

    The order in which the systems are given makes no difference.
    """
    left = tuple(sorted(findings.systems))
    steps: list[Step] = []
    for priority in priorities:
        if len(left) < 2:
            break
        step = _step(priority, left, findings, month)
        steps.append(step)
        left = step.kept
    ranked = sorted(left, key=lambda name: _rank(name, findings, month))
    return Choice(ranked[0] if ranked else "", tuple(steps), tuple(ranked))


def beats(priority: str, findings: Findings, month: Month) -> Callable[[str, str], bool] | None:
    """Return what says whether one system is surely better than another on a priority; None: not measured."""
    return _RULES[priority](findings, month)


def pairs_of(comparison: Comparison) -> Pairs:
    """Return the differences of a comparison by (system, other), both ways."""
    return {(each.system, each.other): each for one in comparison.differences for each in (one, one.turned())}


def following(freshness: Sequence[Freshness]) -> Comparison | None:
    """Return how systems that met the same changes compare; None for fewer than two, or no change in common."""
    told = {one.system: {each.change: each.right for each in one.outcomes} for one in freshness}
    shared = [
        change for change in next(iter(told.values()), {}) if all(change in each for each in told.values())
    ]
    if len(told) < 2 or not shared:
        return None
    marks = {system: [each[change] for change in shared] for system, each in told.items()}
    return compare_scores(Scores("followed", shared, marks))


def _step(priority: str, left: tuple[str, ...], findings: Findings, month: Month) -> Step:
    better = beats(priority, findings, month)
    if better is None:
        return Step(priority, left, (), measured=False)
    drops = []
    unbeaten = [name for name in left if not any(better(other, name) for other in left)]
    for name in left:
        if name not in unbeaten:
            by = next(other for other in (*unbeaten, *left) if better(other, name))
            drops.append(Drop(name, by, sure=priority != "privacy" or serves_more(findings, by, name)))
    if priority == "quality":
        drops += _doubtful(unbeaten, findings.quality)
    return Step(priority, left, tuple(drops), measured=True)


def _doubtful(unbeaten: Sequence[str], quality: Pairs) -> list[Drop]:
    """Return those that may be worse than another unbeaten one by more than AT_MOST."""
    found = []
    for name in unbeaten:
        ahead = [other for other in unbeaten if other != name and _may_be_far_behind(quality, name, other)]
        if ahead:
            by = min(ahead, key=lambda other: quality[name, other].joint[0])
            found.append(Drop(name, by, sure=False))
    return found


def _may_be_far_behind(quality: Pairs, name: str, other: str) -> bool:
    return not quality[name, other].not_worse(AT_MOST)


def _rank(name: str, findings: Findings, month: Month) -> tuple[object, ...]:
    """Return the order among systems that cannot be told apart: the cheaper, the better, the name."""
    bill = 0.0
    if findings.bills is not None and month.questions is not None:
        bill = findings.bills.middle(name, month.questions)
    return bill, effort(findings.uses[name]), -findings.means[name].value, name


def _by_quality(findings: Findings, month: Month) -> Callable[[str, str], bool]:
    return lambda one, other: one != other and findings.quality[one, other].better


def _by_freshness(findings: Findings, month: Month) -> Callable[[str, str], bool] | None:
    followed = findings.followed
    if followed is None:
        return None
    return lambda one, other: (
        (one, other) in followed
        and followed[one, other].better
        and _out_of_date(findings.refresh_seconds[other], month)
    )


def _out_of_date(refresh_seconds: float, month: Month) -> bool:
    """Return whether a system that does not follow changes is out of date for too long.

    It is taken to be brought up to date at once after each change; one that cannot be stays out of date.
    """
    if month.changes is None or not refresh_seconds:
        return month.changes is None or month.changes > 0
    return month.changes * refresh_seconds > STALE_TIME * MONTH_SECONDS


def _by_privacy(findings: Findings, month: Month) -> Callable[[str, str], bool] | None:
    """Those whose leaks were not looked for lose to those that were found to have none."""
    if not findings.leakage:
        return None
    return lambda one, other: (
        one in findings.leakage and (other not in findings.leakage or serves_more(findings, one, other))
    )


def serves_more(findings: Findings, one: str, other: str) -> bool:
    """Return whether one surely serves more of those who may know: their intervals do not meet."""
    tried = [findings.leakage.get(name) for name in (one, other)]
    shares = [clopper_pearson(each.served, each.allowed) for each in tried if each and each.allowed]
    return len(shares) == 2 and shares[0][0] > shares[1][1]


def _by_cost(findings: Findings, month: Month) -> Callable[[str, str], bool]:
    bills = findings.bills
    if bills is None:
        return lambda one, other: one != other and uses_less(findings.uses[one], findings.uses[other])
    return lambda one, other: one != other and bills.cheaper(one, other, month.questions)


def _by_latency(findings: Findings, month: Month) -> Callable[[str, str], bool] | None:
    if not findings.latencies:
        return None

    def faster(one: str, other: str) -> bool:
        if (one, other) not in findings.faster:
            return False
        return noticed(findings.latencies[one], findings.latencies[other])

    return faster


_RULES: Mapping[str, Callable[[Findings, Month], Callable[[str, str], bool] | None]] = {
    "quality": _by_quality,
    "freshness": _by_freshness,
    "privacy": _by_privacy,
    "cost": _by_cost,
    "latency": _by_latency,
}
