"""The comparison of a workspace's systems from end to end: who takes part, what is measured, what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

from ragraft.access.labels import OWNER
from ragraft.answer.cite import read_claims
from ragraft.answering import Answering
from ragraft.compare.access_questions import AccessQuestion, require_labels
from ragraft.compare.asking import Asking, ask_all
from ragraft.compare.changes import Change, changes_with_uris, untouched
from ragraft.compare.choosing import PRIORITIES, Month
from ragraft.compare.cost import SystemUse, Work, break_even, system_cost
from ragraft.compare.decide import decide
from ragraft.compare.disclosure import holdings_of
from ragraft.compare.evidence import evidence_places
from ragraft.compare.freshness import apply_change, measure_freshness
from ragraft.compare.judge import JUDGE, Judge, Judged, judge_answers, try_judge
from ragraft.compare.labels import Label, labelled
from ragraft.compare.latency import measure_latency
from ragraft.compare.leakage import measure_leakage
from ragraft.compare.marks import Marks, compare_marks, mark_answers, with_marks
from ragraft.compare.prices import PriceList
from ragraft.compare.results import Arm, Freshness, Latency, Leakage, Report, Said
from ragraft.compare.strata import strata_of
from ragraft.compare.work import answer_work, tries_of, with_embedding
from ragraft.contestants import CONTROLS, Contestant
from ragraft.documents.library import require_owner
from ragraft.errors import NotFoundError, UserError
from ragraft.promotion import Promotions
from ragraft.protocols import ChatModel, System
from ragraft.questions import with_uris
from ragraft.systems import Workbench
from ragraft.types import Adapter, Caller, Question

__all__ = ["Comparing", "Wishes", "compare"]

TIMED = 12
"""Questions that are asked one at a time: enough for a middle and a slow end, and no more, for nothing is shared."""

CHECKED_WITH = 10
"""Passages that a sentence may rest on, whichever system said it: twice as many as an answer is made from."""

UNTOUCHED = 40
"""Questions asked before and after the changes that no change touches."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is compared, beside the systems. What is None, empty or 0 is not measured, and the report says so."""

    questions: tuple[Question, ...]
    questions_file: str
    changes: tuple[Change, ...] = ()
    access_questions: tuple[AccessQuestion, ...] = ()
    prices: PriceList | None = None
    priorities: tuple[str, ...] = PRIORITIES
    month: Month = field(default_factory=Month)
    labels: tuple[Label, ...] = ()
    timed: int = TIMED


@dataclass(frozen=True, slots=True)
class Comparing:
    """Who is told how a comparison goes: what is measured now, and how many steps of how many are done.

    `asking` is told besides how many answers failed and how long is left.
    """

    stage: Callable[[str], None] = lambda _: None
    steps: Callable[[int, int], None] = lambda _done, _total: None
    asking: Callable[[Asking], None] = lambda _: None


def compare(
    bench: Workbench,
    contestants: Mapping[str, Contestant],
    wishes: Wishes,
    *,
    caller: Caller,
    kept: Path,
    judge: ChatModel | None = None,
    watch: Comparing | None = None,
) -> Report:
    """Ask systems the same questions, mark what they say, and say which to use.

    `contestants` are by the name that the report gives them. Answers are kept in the folder `kept`: the same comparison
    asks nothing twice, and one that was stopped goes on.

    Raises: NotAllowedError unless the caller is the owner; UserError if none of the documents that questions name is
    there, the documents change meanwhile, or a price is missing (known once all are asked).
    """
    require_owner(caller, "compare systems")
    watch = watch or Comparing()
    wishes = _with_uris(bench, wishes)
    answering = Answering(bench, measuring=True, together=True)
    systems = {name: one.open(answering, caller=caller) for name, one in contestants.items()}
    adapters = {
        name: bench.adapters.find(one.adapter, caller=caller)
        for name, one in contestants.items()
        if one.adapter
    }
    watch.stage("asking all systems")
    state = bench.library.state()
    said = ask_all(
        systems,
        wishes.questions,
        caller=caller,
        revision=bench.library.state,
        check=_sentence_check(bench, caller),
        kept=kept / "answers.jsonl",
        on_progress=watch.asking,
    )
    said = with_embedding(said, wishes.questions, count=bench.embedder.count_tokens)
    known = bench.adapters.adapters(caller)
    arms = tuple(
        _arm(name, one, systems[name], adapters.get(name), said[name], known)
        for name, one in contestants.items()
    )
    uses, prices = [arm.use for arm in arms], wishes.prices
    # Before anything else is measured, so that a price that is missing shows now.
    costs = tuple(system_cost(use, prices) for use in uses) if prices else ()
    places = evidence_places(wishes.questions, text_of=_text_of(bench, caller))
    freshness = _freshness(
        bench, answering, contestants, adapters, wishes, (state, said), caller, kept, watch
    )
    leakage = _leakage(bench, answering, systems, adapters, wishes, kept, watch)
    judged = _judged(judge, wishes, said, watch)
    marks: Marks = mark_answers(said, wishes.questions, places=places)
    if judged:
        marks = with_marks(marks, JUDGE, judged.marks, wishes.questions)
    comparisons = compare_marks(marks, answers=said, questions=wishes.questions)
    del answering, systems  # their models are not those that serve, and take as much memory again
    latencies = _latencies(bench, contestants, wishes, caller, watch)
    watch.stage("deciding")
    return Report(
        made_at=datetime.now(UTC),
        version=version("ragraft"),
        questions_file=wishes.questions_file,
        fingerprint=_fingerprint(wishes, arms, bench.library.state()),
        library=Promotions(database=bench.database, audit=bench.audit).library(),
        questions=wishes.questions,
        arms=arms,
        said=said,
        marks=marks,
        comparisons=comparisons,
        strata=strata_of(said, wishes.questions, places=places),
        latencies=latencies,
        freshness=freshness,
        leakage=leakage,
        prices=prices,
        costs=costs,
        break_evens=tuple(break_even(*pair, prices) for pair in combinations(uses, 2)) if prices else (),
        verdict=decide(
            arms=arms,
            comparisons=comparisons,
            freshness=freshness,
            leakage=leakage,
            latencies=latencies,
            questions=wishes.questions,
            prices=prices,
            priorities=wishes.priorities,
            barred={name: CONTROLS[one.kind] for name, one in contestants.items() if one.kind in CONTROLS},
            month=wishes.month,
        ),
        settings=bench.settings.model_dump(mode="json", include={"answer", "search"}),
        judge=judged.record() if judged else None,
        notes=_notes(said, places, wishes),
    )


def _with_uris(bench: Workbench, wishes: Wishes) -> Wishes:
    """Return the wishes with documents named as the library does."""
    uris = bench.library.names(OWNER)
    questions, unknown = with_uris(wishes.questions, uris)
    named = {one.document for question in wishes.questions for one in question.evidence}
    if unknown and len(unknown) == len(named):
        raise UserError(
            f"{wishes.questions_file}: none of the documents it names is in the library, such as {unknown[0]}",
            hint="`ragraft list` shows how documents are named; add those that are missing",
        )
    access = [replace(one, document=uris.get(one.document, one.document)) for one in wishes.access_questions]
    documents = {one.uri: one for one in bench.library.documents(OWNER)}
    require_labels(access, documents, caller_of=lambda groups: bench.caller(groups=groups))
    return replace(
        wishes,
        questions=tuple(questions),
        changes=tuple(changes_with_uris(wishes.changes, uris)),
        access_questions=tuple(access),
    )


def _text_of(bench: Workbench, caller: Caller) -> Callable[[str], str | None]:
    def text_of(uri: str) -> str | None:
        try:
            return bench.library.revision(uri, caller=caller).text
        except NotFoundError:
            return None

    return text_of


def _sentence_check(bench: Workbench, caller: Caller) -> Callable[[str, str], tuple[int, int]]:
    """Return what counts the sentences of a text that claim something, and those that no passage found supports."""
    find = cache(lambda question: bench.search.retrieve(question, limit=CHECKED_WITH, caller=caller))

    def check(question: str, text: str) -> tuple[int, int]:
        sentences = [claim.text for claim in read_claims(text, passages=CHECKED_WITH) if claim.text.strip()]
        found = bench.verifier.check(sentences, passages=find(question), question=question)
        claims = [one for one in found if one.support != "no_claim"]
        return len(claims), sum(one.support != "supported" for one in claims)

    return check


def _latencies(
    bench: Workbench,
    contestants: Mapping[str, Contestant],
    wishes: Wishes,
    caller: Caller,
    watch: Comparing,
) -> tuple[Latency, ...]:
    """Return how long answers take of the systems as they serve: each question by itself, nothing remembered."""
    if not wishes.timed:
        return ()
    watch.stage("timing answers, one at a time")
    serving = Answering(bench, measuring=True)
    systems = {name: one.open(serving, caller=caller) for name, one in contestants.items()}
    every = max(1, len(wishes.questions) // (wishes.timed + 1))
    timed = wishes.questions[::every][: wishes.timed + 1]  # the first is asked to warm up
    return measure_latency(systems, timed, caller=caller, on_progress=watch.steps)


def _freshness(
    bench: Workbench,
    answering: Answering,
    contestants: Mapping[str, Contestant],
    adapters: Mapping[str, Adapter],
    wishes: Wishes,
    known: tuple[str, Mapping[str, Sequence[Said]]],
    caller: Caller,
    kept: Path,
    watch: Comparing,
) -> tuple[Freshness, ...]:
    """Return how systems follow the changes, which are written to a copy of the library.

    `known` is a state of the documents and what the systems said of it.
    """
    if not wishes.changes:
        return ()
    (state, said), asked = known, untouched(wishes.questions, wishes.changes)[:UNTOUCHED]
    wanted = {one.id for one in asked}
    watch.stage("changing documents in a copy of the library")
    with bench.copy() as copy:
        over = answering.over(copy)
        return measure_freshness(
            {name: one.open(over, caller=caller) for name, one in contestants.items()},
            wishes.changes,
            apply=lambda change: apply_change(
                change, library=copy.library, writer=copy.writer, caller=caller
            ),
            untouched=asked,
            said={name: [one for one in each if one.question in wanted] for name, each in said.items()}
            if copy.library.state() == state
            else None,
            caller=caller,
            revision=copy.library.state,
            refresh_seconds={
                name: seconds_of(one) for name, one in adapters.items() if contestants[name].remembers
            },
            kept=kept / "fresh.jsonl",
            on_progress=watch.steps,
        )


def _leakage(
    bench: Workbench,
    answering: Answering,
    systems: Mapping[str, System],
    adapters: Mapping[str, Adapter],
    wishes: Wishes,
    kept: Path,
    watch: Comparing,
) -> tuple[Leakage, ...]:
    if not wishes.access_questions:
        return ()
    watch.stage("asking what callers may not know")
    plain = answering.plain()
    return measure_leakage(
        systems,
        wishes.access_questions,
        holdings=holdings_of(bench.library),
        caller_of=lambda groups: bench.caller(groups=groups),
        gates={name: one.gates for name, one in adapters.items()},
        unaided=lambda question: plain.answer(question, caller=OWNER).text,
        revision=bench.library.state,
        kept=kept / "leakage.jsonl",
        on_progress=watch.steps,
    )


def _judged(
    model: ChatModel | None, wishes: Wishes, said: Mapping[str, Sequence[Said]], watch: Comparing
) -> Judged | None:
    if model is None:
        return None
    watch.stage("trying the judge on your labels")
    judge, labels = Judge(model), labelled(wishes.labels, wishes.questions)
    agreement = try_judge(judge, labels, on_label=lambda done: watch.steps(done, len(labels)))
    watch.stage("asking the judge")
    total, done = len(said) * sum(one.answerable for one in wishes.questions), 0

    def on_answer() -> None:
        nonlocal done
        done += 1
        watch.steps(done, total)

    return judge_answers(judge, wishes.questions, said, agreement=agreement, on_answer=on_answer)


def _arm(
    name: str,
    one: Contestant,
    system: System,
    adapter: Adapter | None,
    said: Sequence[Said],
    known: Sequence[Adapter],
) -> Arm:
    """Return a system with what it takes; `known` are all adapters, among which those are that failed before it."""
    built = Work(training_hours=seconds_of(adapter) / 3600) if adapter else Work()
    return Arm(
        name=name,
        card=system.card,
        label=str(adapter.label) if adapter else "everyone",
        gates=dict(adapter.gates) if adapter else {},
        use=SystemUse(
            name,
            answer_work(said),
            build=built,
            refresh=built if one.remembers else Work(),
            tries=tries_of(adapter, known) if adapter else 1,
        ),
        adapter=one.adapter,
    )


def seconds_of(adapter: Adapter) -> float:
    """Return how long a tuned model took to make, gates and twin included."""
    return float(adapter.card.get("seconds") or 0.0)


def _fingerprint(wishes: Wishes, arms: Sequence[Arm], library: str) -> str:
    """Return what tells one comparison from another: the questions, the systems and the documents."""
    told: list[Any] = [[asdict(one) for one in wishes.questions], [asdict(arm.card) for arm in arms], library]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _notes(said: Mapping[str, Sequence[Said]], places: Mapping[str, Any], wishes: Wishes) -> tuple[str, ...]:
    """Return what a reader must know beside the figures."""
    notes = []
    lost = [one.id for one in wishes.questions if one.evidence and not places.get(one.id)]
    if lost:
        notes.append(
            f"The evidence of {len(lost)} questions is not in the documents word for word, so citations of their answers"
            f" could not be judged: {', '.join(lost[:5])}{' …' * (len(lost) > 5)}"
        )
    for name, each in said.items():
        if failed := [one for one in each if one.failure]:
            notes.append(
                f"{name} failed on {len(failed)} questions, which count as wrong: {failed[0].failure}"
            )
    return tuple(notes)
