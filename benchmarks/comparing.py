"""The comparison that decides, whole, on a handbook: memory, retrieval, tuning, both, and RAFT, with one base model.

A workspace is made of the handbook with its rights; `ragraft tune` and `ragraft tune --raft` are run in it on the train
questions; then `ragraft compare` asks all five systems the test questions, writes the changes to a copy of the library
and asks what callers may not know. The questions of the two splits are about different documents, so what a model
has learned by heart cannot answer the test questions: that is what memory is worth for what was not taught.

Everything made or answered is kept in the temporary folder, so that a run that was stopped goes on there. The report
(report.html, .md and .json) is kept beside it; the figures here are its main ones, each with its interval.
Differences are paired by question and clustered by document, with p-values after Holm.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparing_pace import Pace
from benchmarks.comparing_workspace import (
    HANDBOOK,
    TEST,
    asked_questions,
    handbook_workspace,
    make_models,
    workspace_folder,
)
from benchmarks.figures import Figure, Report, at_most, run, say
from ragraft.access.labels import OWNER
from ragraft.compare import results
from ragraft.compare.access_questions import read_access_questions
from ragraft.compare.changes import read_changes
from ragraft.compare.measures import HEADLINE, MEASURES
from ragraft.compare.report.folder import write_folder
from ragraft.comparison import Comparing, Wishes, compare
from ragraft.contestants import read_contestants

SYSTEMS = "plain,rag,tuned,tuned_rag,raft"
MAIN = ("handled", "right", "cited_right", "supported", "answered", "abstained")
"""Measures in the table; report.json has all of them."""
QUICK = {"limit": 12, "changes": 4, "secrets": 4, "taught": 40}


def measure(
    *,
    root: Path,
    limit: int | None = None,
    changes: int | None = None,
    secrets: int | None = None,
    minutes: float | None = None,
    taught: int | None = None,
    systems: str = SYSTEMS,
) -> Report:
    """Return the figures of a comparison; what the workspace `root` holds of an earlier run is not done again."""
    make_models(root, minutes=minutes, taught=taught)
    with handbook_workspace(root) as bench:
        contestants = read_contestants(systems, adapters=bench.adapters.adapters(OWNER))
        wishes = Wishes(
            questions=tuple(asked_questions(bench, limit)),
            questions_file=TEST.name,
            changes=tuple(read_changes(HANDBOOK / "changes.jsonl")[:changes]),
            access_questions=tuple(read_access_questions(HANDBOOK / "access_questions.jsonl")[:secrets]),
        )
        found = compare(
            bench, contestants, wishes, caller=OWNER, kept=bench.comparisons_folder, watch=_watch()
        )
    files = write_folder(root / "report", found)
    say(f"report: {files.page}")
    report = Report(settings={"questions": len(found.questions), "systems": systems, "minutes": minutes})
    report.add(*figures_of(found))
    report.detail.update(detail_of(found), report=str(files.page))
    return report


def figures_of(found: results.Report) -> Iterator[Figure]:
    """Yield the main figures of a comparison."""
    yield from _means(found)
    yield from _differences(found)
    for fresh in found.freshness:
        yield from _freshness(fresh)
    for leakage in found.leakage:
        yield from _leakage(leakage)
    yield from _latencies(found.latencies)


def detail_of(found: results.Report) -> dict[str, Any]:
    """Return what else is worth keeping: the verdict in words, all pairs by all measures, every kind of outcome."""
    return {
        "verdict": found.verdict.headline,
        "reasons": [claim.text for claim in found.verdict.reasons],
        "excluded": dict(found.verdict.excluded),
        "notes": list(found.notes),
        "gates": {arm.name: dict(arm.gates) for arm in found.arms if arm.gates},
        "usable by": {arm.name: arm.label for arm in found.arms},
        "means": {
            name: {one.system: [one.value, *one.interval] for one in comparison.means}
            for name, comparison in found.comparisons.items()
        },
        "differences": {
            name: {
                f"{one.system} less {one.other}": [one.value, *one.interval, one.adjusted]
                for one in comparison.differences
            }
            for name, comparison in found.comparisons.items()
        },
        "after changes": {
            one.system: Counter(f"{each.kind}: {each.after}" for each in one.outcomes)
            for one in found.freshness
        },
        "leaks by kind": {one.system: _by_kind(one.probes) for one in found.leakage},
    }


def _means(found: results.Report) -> Iterator[Figure]:
    for name in MAIN:
        if name not in found.comparisons:
            continue
        comparison = found.comparisons[name]
        means = {one.system: one for one in comparison.means}
        for arm in found.arms:
            if arm.name in means:
                mean = means[arm.name]
                low, high = mean.interval
                failed = f"; failed on {mean.failed}" if mean.failed else ""
                note = f"{low:.2f} to {high:.2f} with 95 %{failed}"
                yield Figure(f"{MEASURES[name].title}: {arm.name}", mean.value, note=note)


def _differences(found: results.Report) -> Iterator[Figure]:
    """Yield how the systems differ by the measure that the verdict rests on."""
    if HEADLINE not in found.comparisons:
        return
    for one in found.comparisons[HEADLINE].differences:
        shown = one if one.value >= 0 else one.turned()
        low, high = shown.interval
        note = f"{low:+.2f} to {high:+.2f} with 95 %; p {shown.adjusted:.2g} after Holm; {shown.won} won, {shown.lost} lost"
        yield Figure(f"{MEASURES[HEADLINE].title}: {shown.system} over {shown.other}", shown.value, note=note)


def _freshness(fresh: results.Freshness) -> Iterator[Figure]:
    told: dict[str, float | None] = {
        "right after a change": fresh.right,
        "what is new is said": fresh.share("fresh", kinds=("update", "add")),
        "what was before is still said": fresh.share("stale", kinds=("update",)),
        "deleted facts still told": fresh.share("told", kinds=("delete",)),
    }
    for name, value in told.items():
        if value is not None:
            yield Figure(f"{name}: {fresh.system}", value, note=f"{len(fresh.outcomes)} changes")
    damage = fresh.damage
    if damage.asked:
        note = f"of {damage.asked} questions, {damage.before} right before and {damage.after} after, {damage.won} won"
        yield Figure(f"right answers lost that no change touches: {fresh.system}", damage.lost, note=note)


def _leakage(leakage: results.Leakage) -> Iterator[Figure]:
    tried = ", ".join(
        f"{kind} {leaked} of {made}" for kind, (leaked, made) in _by_kind(leakage.probes).items()
    )
    yield Figure(f"leaks: {leakage.system}", leakage.leaks, target=at_most(0), note=tried)
    if leakage.allowed:
        share = leakage.served / leakage.allowed
        yield Figure(f"served who may know: {leakage.system}", share, note=f"{leakage.allowed} questions")


def _by_kind(probes: Sequence[results.Probe]) -> dict[str, tuple[int, int]]:
    """Return by kind of attempt how many brought something out, of how many."""
    made = Counter(probe.kind for probe in probes)
    leaked = Counter(probe.kind for probe in probes if probe.leaked)
    return {kind: (leaked[kind], count) for kind, count in made.items()}


def _latencies(latencies: Sequence[results.Latency]) -> Iterator[Figure]:
    for one in latencies:
        for share, value in (("p50", one.total.p50), ("p95", one.total.p95)):
            yield Figure(
                f"seconds of an answer, {share}: {one.system}", value, "s", note=f"{one.asked} asked"
            )


def _watch() -> Comparing:
    pace = Pace()
    return Comparing(stage=pace.stage, steps=pace.steps, asking=lambda now: pace.steps(now.done, now.total))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help="questions to ask; all by default")
    parser.add_argument("--changes", type=int, metavar="N", help="changes to write; all by default")
    parser.add_argument(
        "--secrets", type=int, metavar="N", help="questions about what not all may know; all by default"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="for making each tuned model; by default all it needs"
    )
    parser.add_argument("--root", type=Path, help="the workspace; by default in the temporary folder")


def _measure(chosen: argparse.Namespace) -> Report:
    given: dict[str, Any] = dict(QUICK) if chosen.quick else {}
    wanted = {name: getattr(chosen, name) for name in ("limit", "changes", "secrets")}
    given |= {name: count for name, count in wanted.items() if count is not None}
    root = chosen.root or workspace_folder(given.get("taught"))
    return measure(root=root, minutes=chosen.minutes, **given)


if __name__ == "__main__":
    sys.exit(run("comparing", _measure, about=str(__doc__), options=_options))
