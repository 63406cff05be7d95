"""Freshness: what systems say after documents have changed, how soon, and what else that breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ragraft.compare.asking import ask_all, said_of
from ragraft.compare.changes import Change, changed_text
from ragraft.compare.measures import HEADLINE, MEASURES, Asked
from ragraft.compare.results import ChangeOutcome, Damage, Freshness, Said
from ragraft.compare.telling import after_change, told_by
from ragraft.documents.editing import TextWriter
from ragraft.documents.library import Library
from ragraft.errors import NotFoundError, RagraftError, UserError
from ragraft.protocols import System
from ragraft.types import Caller, Question

__all__ = ["apply_change", "measure_freshness"]

OnProgress = Callable[[int, int], None]
"""Told how many of how many steps are through: answers and writes."""


def apply_change(change: Change, *, library: Library, writer: TextWriter, caller: Caller) -> None:
    """Write a change into a library; meant for a copy of it.

    Raises: UserError that says why it cannot be applied, and then nothing is changed.
    """
    if change.kind == "delete" and not change.old:
        library.remove(change.document, caller=caller)
        return
    try:
        text = library.revision(change.document, caller=caller).text
    except NotFoundError:
        if change.kind != "add" or change.place:
            raise
        writer.write(change.document, change.new, caller=caller, label=change.label)
        return
    writer.write(change.document, changed_text(text, change), caller=caller)


def measure_freshness(
    systems: Mapping[str, System],
    changes: Sequence[Change],
    *,
    apply: Callable[[Change], None],
    untouched: Sequence[Question],
    caller: Caller,
    revision: Callable[[], str],
    refresh_seconds: Mapping[str, float],
    said: Mapping[str, Sequence[Said]] | None = None,
    kept: Path | None = None,
    on_progress: OnProgress = lambda _done, _total: None,
) -> tuple[Freshness, ...]:
    """Return how each system follows changes, in the order of `systems`.

    All questions are asked before; those untouched are not where `said` has by system what was said to them. Then one
    change after another is written by `apply`, and each system asked what has changed; then all questions are asked
    again. What a system says at the end, with all changes in, is what counts; `seconds` are to its first right answer.
    `refresh_seconds` is what each must be given to follow at all, such as its training; a system that is not named
    there needs none. A change that `apply` refuses with a UserError is kept with the reason in `not_applied`. A failed
    answer is kept as one. `revision` and `kept` are as for `ask_all`.
    """
    answers = len(systems) * (2 * len(changes) + (1 if said else 2) * len(untouched))
    steps = _Steps(answers + len(changes) * (1 + len(systems)), on_progress)
    rounds = _Rounds(systems, caller, revision, kept, steps)
    known = rounds.ask([change.before for change in changes])
    was = said or rounds.ask(untouched)
    written = rounds.follow(changes, apply)
    applied = [change for change in changes if change.id in written.writes]
    steps.add(len(systems) * (len(changes) - len(applied)))
    after = rounds.ask([change.now for change in applied])
    ended = time.monotonic()
    now = rounds.ask(untouched)
    return tuple(
        Freshness(
            system=name,
            outcomes=_outcomes(applied, known[name], after[name], written, written.seconds[name], ended),
            write_seconds=median([write.seconds for write in written.writes.values()] or [0.0]),
            refresh_seconds=refresh_seconds.get(name, 0.0),
            damage=_damage(untouched, was[name], now[name]),
            not_applied=written.not_applied,
        )
        for name in systems
    )


@dataclass(frozen=True, slots=True)
class _Write:
    """When the write of a change began and how long it took, in seconds."""

    began: float
    seconds: float


@dataclass(slots=True)
class _Written:
    """What was written, and how soon each system was right about it.

    `seconds` has by system and change the time from the start of the write to the end of the answer, if it was right.
    """

    writes: dict[str, _Write] = field(default_factory=dict)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    not_applied: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Steps:
    total: int
    on_progress: OnProgress
    done: int = 0

    def add(self, steps: int) -> None:
        self.done += steps
        self.on_progress(self.done, self.total)


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Asks all systems: all questions of a round, or one after each change."""

    systems: Mapping[str, System]
    caller: Caller
    revision: Callable[[], str]
    kept: Path | None
    steps: _Steps

    def ask(self, questions: Sequence[Question]) -> dict[str, tuple[Said, ...]]:
        """Return what each system says to each question."""
        before = self.steps.done

        def show(done: int) -> None:
            self.steps.add(before + done - self.steps.done)

        return ask_all(
            self.systems,
            questions,
            caller=self.caller,
            revision=self.revision,
            kept=self.kept,
            on_progress=lambda asking: show(asking.done),
        )

    def follow(self, changes: Sequence[Change], apply: Callable[[Change], None]) -> _Written:
        """Write the changes one by one, and ask each system after each."""
        written = _Written(seconds={system: {} for system in self.systems})
        for change in changes:
            began = time.monotonic()
            try:
                apply(change)
            except UserError as error:
                written.not_applied[change.id] = str(error)
                self.steps.add(1 + len(self.systems))
                continue
            write = written.writes[change.id] = _Write(began, time.monotonic() - began)
            self.steps.add(1)
            for name, system in self.systems.items():
                asked = time.monotonic()
                said = self._ask(system, change.now)
                if _is_right(said, change):
                    # What the systems before it took is not this one's time.
                    written.seconds[name][change.id] = write.seconds + time.monotonic() - asked
                self.steps.add(1)
        return written

    def _ask(self, system: System, question: Question) -> Said:
        try:
            return said_of(question, system.answer(question.text, caller=self.caller))
        except RagraftError as error:
            return said_of(question, error)


def _outcomes(
    applied: Sequence[Change],
    known: Sequence[Said],
    after: Sequence[Said],
    written: _Written,
    seconds: Mapping[str, float],
    ended: float,
) -> tuple[ChangeOutcome, ...]:
    """Return what came of each change in one system, whose first right answers took `seconds`."""
    before = {said.question: said for said in known}
    found = []
    for change, said in zip(applied, after, strict=True):
        waited = ended - written.writes[change.id].began if _is_right(said, change) else None
        outcome = ChangeOutcome(
            change=change.id,
            kind=change.kind,
            question=change.question,
            knew=_knew(before[change.id], change),
            after=after_change(said, change),
            text=said.failure or said.text,
            seconds=seconds.get(change.id, waited),
        )
        found.append(outcome)
    return tuple(found)


def _knew(said: Said, change: Change) -> bool:
    return not said.failure and told_by(said, change) == ("nothing" if change.kind == "add" else "before")


def _is_right(said: Said, change: Change) -> bool:
    return after_change(said, change) == ("refused" if change.kind == "delete" else "fresh")


def _damage(untouched: Sequence[Question], before: Sequence[Said], after: Sequence[Said]) -> Damage:
    was, now = (
        [_handled(question, one) for question, one in zip(untouched, said, strict=True)]
        for said in (before, after)
    )
    pairs = list(zip(was, now, strict=True))
    return Damage(len(untouched), sum(was), sum(now), pairs.count((True, False)), pairs.count((False, True)))


def _handled(question: Question, said: Said) -> bool:
    return not said.failure and MEASURES[HEADLINE].mark(Asked(question, ()), said) == 1.0
