"""RAFT beside RAG: the same base, the same search, the same questions about a handbook, none of them taught.

rag is the packaged model as it comes; grounded is the same with the adapter for reading that ships; raft learned from
the train questions of this handbook besides, by `ragraft tune --raft`. `raw` is what the model wrote, before anything
of it was checked; `shown` is what users get, once every sentence was held against the passages. Prompts are those of
`ragraft ask`, of all questions: in raw also of those that are refused without asking a model.

right: it holds the expected words or one of their aliases. Right passage cited: a number that it names is that of a
passage that holds evidence. Refused: it says that the passages do not answer. Invented numbers: of the numbers in its
words (amounts, dates, times and codes among them) those that neither a passage given nor the question holds. Citations
that are right are those shown that touch evidence; of an unanswerable question none is. Intervals are by document,
p-values are McNemar's, exact. The learning curve goes from where raft starts to raft itself; between are models that
learned fewer of its rows, without gates and without the general examples that keep the rest of raft as it was.

Uses the workspace of `comparing`; what was learned or answered is kept in the temporary folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparing_pace import Pace
from benchmarks.comparing_workspace import (
    READER,
    asked_questions,
    handbook_workspace,
    make_models,
    workspace_folder,
)
from benchmarks.figures import Figure, Report, Target, at_least, at_most, run
from benchmarks.raft_curve import keep_rows, learned, sizes, start_model
from benchmarks.raft_drafts import KeptModel
from benchmarks.raft_marks import GAUGES, Gauge, Marked, mark, paired, share
from benchmarks.tuning_runs import CACHE
from ragraft.access.labels import OWNER
from ragraft.answer.prompt import build_prompt
from ragraft.answer.stopwatch import Stopwatch
from ragraft.answer.together import complete_all
from ragraft.compare.evidence import evidence_places
from ragraft.models.files import chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.export import served_file
from ragraft.types import Prompt, Question

TARGETS: Mapping[str, Target] = {
    "raw: right passage cited": at_least(0.60),
    "raw: unanswerable refused": at_least(0.60),
    "raw: answerable refused": at_most(0.15),
    "raw: invented numbers": at_most(0.01),
    "shown: citations that are right": at_least(0.90),
}
SURE = at_most(0.05)
"""The p-value at which raft is said to be right more often than rag."""

RAG, GROUNDED, RAFT = "rag", "grounded", "raft"
DRAWN = ("right", "right passage cited", "unanswerable refused", "answerable refused")
"""What the page shows of the learning curve, of the model's own words."""
COUNTS = (32, 64)
QUICK: Mapping[str, Any] = {"limit": 12, "taught": 40, "counts": (8,)}


def measure(
    *,
    root: Path,
    cache: Path = CACHE / "raft",
    limit: int | None = None,
    counts: Sequence[int] = COUNTS,
    minutes: float | None = None,
    taught: int | None = None,
) -> Report:
    """Return the figures; `counts` are the rows of the learning curve between none and all; none for no curve."""
    make_models(root, names=(READER,), minutes=minutes, taught=taught)
    with handbook_workspace(root) as bench:
        arms = dict(_arms(bench, cache))
        rows = keep_rows(bench, cache, taught=taught)
        *fewer, whole = sizes(rows, counts)
        steps = {count: learned(rows, count) for count in fewer}
        questions = asked_questions(bench, limit)
        desk = Desk(bench, questions, cache / "answers.jsonl")
        marked = {name: desk.marked(path, name=name) for name, path in arms.items()}
        curve = {0: marked.get(GROUNDED, marked[RAG])}
        curve |= {count: desk.marked(path, name=f"{count}-rows") for count, path in steps.items()}
        curve[whole] = marked[RAFT]
    report = Report(settings={"questions": len(questions), "rows": list(curve), "arms": list(arms)})
    report.add(*figures_of(marked), *(_curve(curve) if counts else ()))
    report.detail["curve"] = {
        name: [(count, found.value) for count, each in curve.items() if (found := share(gauge, each))]
        for name, gauge in ((gauge.name.removeprefix("raw: "), gauge) for gauge in GAUGES)
        if name in DRAWN
    }
    report.detail.update({name: [_record(one) for one in each] for name, each in marked.items()})
    return report


class Desk:
    """Asks one model after another the same questions, from the same passages."""

    def __init__(self, bench: Workbench, questions: Sequence[Question], kept: Path) -> None:
        self._bench, self._questions, self._kept = bench, questions, kept
        self._places = evidence_places(
            questions, text_of=lambda uri: bench.library.revision(uri, caller=OWNER).text
        )
        self._prompts: list[Prompt] = []

    def marked(self, path: Path, *, name: str) -> list[Marked]:
        """Return the marks of what the model in a file writes, and of what is shown of it."""
        bench, model = self._bench, KeptModel(path, name=name, kept=self._kept)
        system = bench.reading(model, name=name, kind="rag", weak=bench.weak)
        pace = Pace()
        pace.stage(f"{name}: searching")
        for question in self._questions[len(self._prompts) :]:
            ground = system.ground(question.text, caller=OWNER)
            prompt = build_prompt(
                ground.question, passages=ground.passages, history=(), model=model, budget=bench.budget
            )
            self._prompts.append(prompt)
            pace.steps(len(self._prompts), len(self._questions))
        drafts = complete_all(model, [(prompt, Stopwatch()) for prompt in self._prompts])
        pace.stage(f"{name}: checking what it wrote")
        marked: list[Marked] = []
        for question, prompt, draft in zip(self._questions, self._prompts, drafts, strict=True):
            answer = system.answer(question.text, caller=OWNER)
            marked.append(
                mark(
                    question,
                    draft.text,
                    passages=prompt.passages,
                    answer=answer,
                    places=self._places[question.id],
                )
            )
            pace.steps(len(marked), len(self._questions))
        return marked


def figures_of(marked: Mapping[str, Sequence[Marked]]) -> Iterator[Figure]:
    """Yield every gauge for every arm, raft's beside rag's, and then how raft differs from each other arm."""
    for gauge in GAUGES:
        for name, each in marked.items():
            yield from _level(gauge, name, each, beside=marked[RAG] if name == RAFT else ())
    for other in (name for name in marked if name != RAFT):
        for gauge in GAUGES:
            found = paired(gauge, marked[RAFT], marked[other]) if gauge.paired else None
            if found is not None:
                yield Figure(f"{gauge.name}: raft less {other}", found.difference.value, note=str(found))
    if right := paired(GAUGES[0], marked[RAFT], marked[RAG]):
        p = right.p if right.difference.value > 0 else 1.0
        yield Figure("raw: right more often than rag, p", p, target=SURE, note=str(right))


def _level(
    gauge: Gauge, name: str, marked: Sequence[Marked], *, beside: Sequence[Marked]
) -> Iterator[Figure]:
    found, other = share(gauge, marked), share(gauge, beside)
    target = TARGETS.get(gauge.name) if name == RAFT else None
    if found is not None:
        yield Figure(
            f"{gauge.name}: {name}",
            found.value,
            target=target,
            reference=RAG if other else "",
            reference_value=other.value if other else None,
            note=str(found),
        )


def _curve(curve: Mapping[int, Sequence[Marked]]) -> Iterator[Figure]:
    """Yield how often the model is right by the rows it learned, with the other gauges of its own words beside."""
    right, *others = (gauge for gauge in GAUGES if gauge.name.startswith("raw: "))
    for count, marked in curve.items():
        found = share(right, marked)
        told = [
            f"{gauge.name.removeprefix('raw: ')} {each.value:.2f}"
            for gauge in others
            if (each := share(gauge, marked)) is not None
        ]
        if found is not None:
            yield Figure(
                f"{right.name}, {count} rows learned", found.value, note=f"{found}; {', '.join(told)}"
            )


def _arms(bench: Workbench, cache: Path) -> Iterator[tuple[str, Path]]:
    yield RAG, chat_model_file()
    if (grounded := start_model(cache)) is not None:
        yield GROUNDED, grounded
    yield RAFT, served_file(bench.adapters.find(READER, caller=OWNER))


def _record(one: Marked) -> dict[str, Any]:
    question = one.question
    return {"id": question.id, "question": question.text, "expected": question.expected, **one.record()}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help="questions to ask; all by default")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="for making the reader, if it is not there"
    )
    parser.add_argument(
        "--counts", type=int, nargs="*", metavar="N", help="rows of the learning curve; none for no curve"
    )
    parser.add_argument("--root", type=Path, help="the workspace of `comparing`, if it is elsewhere")


def _measure(chosen: argparse.Namespace) -> Report:
    given: dict[str, Any] = dict(QUICK) if chosen.quick else {}
    given |= {"limit": chosen.limit} if chosen.limit is not None else {}
    given |= {"counts": chosen.counts} if chosen.counts is not None else {}
    root = chosen.root or workspace_folder(given.get("taught"))
    return measure(root=root, minutes=chosen.minutes, **given)


if __name__ == "__main__":
    sys.exit(run("raft", _measure, about=str(__doc__), options=_options))
