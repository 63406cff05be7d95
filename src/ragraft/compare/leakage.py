"""What systems give away to callers who may not know, and whether they still serve those who may."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ragraft.compare.access_questions import AccessQuestion, require_labels
from ragraft.compare.answers_kept import AnswersKept, answer_key
from ragraft.compare.attacks import ALLOWED, Attempt, attempts
from ragraft.compare.disclosure import Disclosure, Holdings, Shown, tells
from ragraft.compare.results import Leakage, Probe, Said
from ragraft.errors import NotAllowedError, RagraftError
from ragraft.protocols import System
from ragraft.types import Answer, Caller, SystemCard

__all__ = ["measure_leakage"]

CANARY_GATES = ("exposure", "extraction")
"""The gates of an adapter that say what can be got out of its weights."""
LONGEST_TEXT = 400

CallerOf = Callable[[tuple[str, ...]], Caller]


def measure_leakage(
    systems: Mapping[str, System],
    questions: Sequence[AccessQuestion],
    *,
    holdings: Holdings,
    caller_of: CallerOf,
    gates: Mapping[str, Mapping[str, Any]],
    unaided: Callable[[str], str] | None = None,
    revision: Callable[[], str] = lambda: "",
    kept: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[Leakage, ...]:
    """Return what each system gave away, in the order given.

    `caller_of` makes a caller of groups, `gates` are those of the systems' adapters, and `unaided` returns what a
    model that has read no document says to a question: who says the same has guessed. `revision` tells one state of
    the documents from another; what came of each attempt is in the file `kept` as soon as it is made, and not made
    again in that state. `on_progress` is told how many answers of how many there are. What the library tells beside
    any system (counts, errors) stands with each of them.

    Raises: UserError if the labels of the library are not those that the questions say, before anything is asked.
    """
    questions = [replace(one, document=holdings.names.get(one.document, one.document)) for one in questions]
    documents = {document.uri: document for document in holdings.documents}
    require_labels(questions, documents, caller_of=caller_of)
    watch = Disclosure(
        holdings,
        watched=[case.document for case in questions],
        unaided=None if unaided is None else _guesses(unaided),
    )
    now = revision()
    trying = Trying(watch, caller_of, AnswersKept(kept, revision=now), now)
    blocks = list(attempts(questions, documents))
    beside = _library_probes(questions, watch=watch, caller_of=caller_of)
    total, done, found = len(systems) * sum(map(len, blocks)), 0, []
    for name, system in systems.items():
        tried: list[tuple[Attempt, Said]] = []
        for block in blocks:
            tried += zip(block, trying.block(system, block), strict=True)
            done += len(block)
            on_progress(done, total)
        served = [not (said.refused or said.failure) for one, said in tried if one.kind == ALLOWED]
        probes = [_probe(one, said) for one, said in tried if one.kind != ALLOWED]
        canaries = {gate: one for gate, one in gates.get(name, {}).items() if gate in CANARY_GATES}
        found.append(Leakage(name, (*probes, *beside), len(served), sum(served), canaries))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Trying:
    """Makes attempts and keeps what came of them, in the form of answers.

    Of an attempt, `text` is what was answered, or what showed; `reason` names the places where it did, and `refused`
    says that the system would not answer this caller. Of a question by who may know, `refused` says that he did not
    get the right answer.
    """

    watch: Disclosure
    caller_of: CallerOf
    answers: AnswersKept
    revision: str

    def block(self, system: System, block: Sequence[Attempt]) -> list[Said]:
        """Return what comes of attempts that belong together; unless all are kept, all are made."""
        keys = [self._key(system.card, one) for one in block]
        known = [self.answers.find(key, one.case.question) for key, one in zip(keys, block, strict=True)]
        found = [said for said in known if said is not None]
        if len(found) == len(block):
            return found
        made = [self._try(system, one) for one in block]
        for key, said in zip(keys, made, strict=True):
            self.answers.keep(key, said)
        return made

    def _try(self, system: System, attempt: Attempt) -> Said:
        caller, question = self.caller_of((attempt.group,)), attempt.case.question
        try:
            answer = system.answer(attempt.text, caller=caller, as_of=attempt.as_of)
        except RagraftError as error:
            refused = isinstance(error, NotAllowedError)
            shown = self.watch.in_error(error, asked=attempt.text, caller=caller)
            said = _said(question.id, shown, str(error), refused=refused)
            return said if refused else replace(said, failure=str(error))
        if attempt.kind == ALLOWED:
            right = not answer.refused and tells(answer.text, question)
            return _said(question.id, (), answer.text, refused=not right)
        return _said(question.id, self._shown(attempt, answer, caller), answer.text)

    def _shown(self, attempt: Attempt, answer: Answer, caller: Caller) -> list[Shown]:
        return self.watch.in_answer(answer, asked=attempt.text, caller=caller, question=attempt.case.question)

    def _key(self, card: SystemCard, attempt: Attempt) -> str:
        case, at = attempt.case, attempt.as_of and attempt.as_of.isoformat()
        told = [attempt.kind, attempt.text, at, case.question.expected, *case.question.aliases, case.document]
        return answer_key(
            card,
            replace(case.question, text=json.dumps(told)),
            caller=self.caller_of((attempt.group,)),
            revision=self.revision,
        )


def _said(question: str, shown: Sequence[Shown], text: str, *, refused: bool = False) -> Said:
    if shown:
        text = "; ".join(f"{one.place}: {one.quote}" for one in shown)
    places = ",".join(dict.fromkeys(one.place for one in shown))
    return Said(question, text=text[:LONGEST_TEXT], reason=places, refused=refused)


def _probe(attempt: Attempt, said: Said) -> Probe:
    """Return an attempt with what came of it, as the report has it."""
    return Probe(
        kind=attempt.kind,
        question=attempt.text[:LONGEST_TEXT],
        document=attempt.case.document,
        groups=(attempt.group,),
        leaked=tuple(filter(None, said.reason.split(","))),
        refused=said.refused,
        text=f"failed: {said.failure}" if said.failure and not said.reason else said.text,
    )


def _library_probes(
    questions: Sequence[AccessQuestion], *, watch: Disclosure, caller_of: CallerOf
) -> list[Probe]:
    """Return what the library tells without any system: to who opens closed documents, and to who counts."""
    closed = {(case.document, group): case for case in questions for group in case.denied}
    probes = []
    for (document, group), case in closed.items():
        shown = watch.in_reading(document, caller=caller_of((group,)))
        said = _said(case.question.id, shown, "as if it were not there")
        probes.append(_probe(Attempt("opened", case, group, f"show {document}"), said))
    for group, case in {group: case for (_, group), case in closed.items()}.items():
        said = _said(case.question.id, watch.in_counts(caller_of((group,))), "what is open to him")
        probes.append(replace(_probe(Attempt("count", case, group, "status, list"), said), document=""))
    return probes


def _guesses(unaided: Callable[[str], str]) -> Callable[[str], str]:
    """Return what guesses, each question once; where it fails, nothing shows that an answer was a guess."""

    @cache
    def guess(question: str) -> str:
        try:
            return unaided(question)
        except RagraftError:
            return ""

    return guess
