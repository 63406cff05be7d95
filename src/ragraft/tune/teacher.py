"""Questions with answers from documents: a teacher writes them, and each is held against its document.

Kept is only what the document says in the words that the teacher quoted, what our own search finds again, and
what was not asked before. What a document orders the teacher to write must pass the same checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from ragraft.access.audit import AuditLog
from ragraft.documents.library import require_owner
from ragraft.errors import ModelError, NotFoundError
from ragraft.protocols import ChatModel, Reader, Retriever, Verifier
from ragraft.tune.asked import Asked
from ragraft.tune.likeness import NearText
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.reading import Rejected
from ragraft.tune.redact import Redactor
from ragraft.tune.rows import fault_of
from ragraft.tune.store import Candidate, ExampleStore, example_id
from ragraft.tune.teacher_plan import Lesson, Plan
from ragraft.tune.teacher_prompt import Pair, ask_about, orders_teacher, read_reply
from ragraft.tune.validate import (
    evaluation_questions,
    fault_of_conversation,
    fault_of_tokens,
    near_question,
)
from ragraft.types import Caller, Chunk, Message, Passage, Question, Source
from ragraft.verify.quotes import find_span
from ragraft.verify.sentences import sentence_spans

__all__ = ["GIVEN_UP_AFTER", "Lessons", "TeacherReport"]

PAIR_TOKENS = 400
"""Most tokens that one pair may take in a reply."""

FIRST_FOUND = 5
"""The evidence must be among as many passages as an answer is made from."""

ANSWERABLE = 0.5

GIVEN_UP_AFTER = 5
"""Failures one after another from which on the teacher is taken to be out of service."""

CHANGED = "its document changed while the teacher wrote"


@dataclass
class TeacherReport:
    """What became of every passage and every pair.

    Passages = asked + `not_asked`, and of those asked `failed` gave no list. Pairs = `kept` + `rejected`, of
    which `duplicates` were asked before; where the run was stopped amid a passage, some of its pairs are neither.
    """

    passages: int
    asked: int = 0
    failed: list[Rejected] = field(default_factory=list)
    pairs: int = 0
    kept: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    duplicates: int = 0
    interrupted: bool = False
    redacted: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def not_asked(self) -> int:
        """Passages left because the run was stopped, or the teacher out of service."""
        return self.passages - self.asked


class Lessons:
    """Has a teacher write examples about passages.

    `retriever` is the search that must find the evidence again; `reader` may be None, then whether a question
    is answerable is left to the verifier alone. `open_redactor` and `window` as for files.
    """

    def __init__(
        self,
        *,
        teacher: ChatModel,
        audit: AuditLog,
        store: ExampleStore,
        retriever: Retriever,
        verifier: Verifier,
        reader: Reader | None,
        encoder: ChatEncoder,
        window: int,
        open_redactor: Callable[[Iterable[str]], Redactor] | None,
    ) -> None:
        self._teacher = teacher
        self._audit = audit
        self._store = store
        self._retriever = retriever
        self._verifier = verifier
        self._reader = reader
        self._encoder = encoder
        self._window = window
        self._open_redactor = open_redactor

    def hold(
        self,
        plan: Plan,
        *,
        caller: Caller,
        keeper: Caller,
        per_passage: int,
        avoid: Sequence[Question] = (),
        on_passage: Callable[[int], None] = lambda _done: None,
    ) -> TeacherReport:
        """Ask about every passage of a plan and keep what stands up; interrupted, what is done stays.

        `caller` is who reads, `keeper` the owner who keeps the examples. `on_passage` is told how many
        passages are done.

        Raises: NotAllowedError unless the keeper is the owner; then nothing was sent.
        """
        require_owner(keeper, "have examples written")
        redactor = self._open_redactor(self._store.house_words(keeper)) if self._open_redactor else None
        report = TeacherReport(len(plan.lessons))
        asked = Asked(self._store.examples(keeper))
        run = _Run(asked, evaluation_questions(avoid), redactor, caller, keeper, report)
        if plan.lessons:
            sent = {"passages": len(plan.lessons), "documents": plan.documents}
            self._audit.record(caller, "sent to teacher", sent)
        failures = 0
        try:
            for lesson in plan.lessons:
                if failures == GIVEN_UP_AFTER:
                    break
                failures = 0 if self._teach(lesson, per_passage, run) else failures + 1
                on_passage(report.asked)
        except KeyboardInterrupt:
            report.interrupted = True
        report.redacted = dict(sorted(redactor.counts.items())) if redactor else {}
        report.fingerprint = self._store.fingerprint(keeper)
        return report

    def _teach(self, lesson: Lesson, most: int, run: _Run) -> bool:
        """Ask about one passage and note what became of it; return whether the teacher gave a list."""
        report = run.report
        asked = ask_about(lesson.passage, most=most)
        try:
            reply = self._teacher.generate(asked, max_tokens=PAIR_TOKENS * (most + 1))
            if reply.finish == "length":
                raise ValueError("the reply was cut off")
            pairs = read_reply(reply.text)
        except (ModelError, ValueError) as error:
            report.asked += 1
            report.failed.append(Rejected(lesson.place, str(error)))
            return False
        report.asked += 1
        report.pairs += len(pairs)
        for number, given in enumerate(pairs, 1):
            try:
                fault = (
                    self._admit(given, lesson, run) if number <= most else f"more than the {most} asked for"
                )
            except ModelError as error:
                fault = f"it could not be checked: {error}"
            if fault:
                report.rejected.append(Rejected(f"{lesson.place} pair {number}", fault))
            else:
                report.kept += 1
        return True

    def _admit(self, given: object, lesson: Lesson, run: _Run) -> str:
        """Keep one pair if it stands up; return why not, "" if it was kept."""
        try:
            pair = Pair.model_validate(given)
        except ValidationError as error:
            return fault_of(error)
        if fault := fault_of_conversation([("user", pair.question), ("assistant", pair.answer)]):
            return fault
        span = find_span(pair.evidence, lesson.passage.chunk.text)
        if span is None:
            return "its evidence is not in the passage word for word"
        fault = near_question(pair.question, run.avoid) or self._doubt(pair, lesson.passage, span, run.caller)
        if fault:
            return fault
        messages = run.redacted(pair)
        if fault := fault_of_tokens(messages, self._encoder, window=self._window):
            return fault
        if fault := run.asked.fault_of(messages):
            run.report.duplicates += 1
            return fault
        line = lesson.line + lesson.passage.chunk.text.count("\n", 0, span[0])
        return self._keep(messages, lesson.passage, line, run)

    def _doubt(self, pair: Pair, passage: Passage, span: tuple[int, int], caller: Caller) -> str:
        """Return why a pair may not be what its document says, "" if nothing speaks against it."""
        evidence, whole = _cut(passage, *span), _cut(passage, *_sentences(passage.chunk.text, span))
        if orders_teacher(whole.chunk.text):
            return "its evidence is what the document orders its reader to write"
        # By itself, for it must prove the answer; in its sentence, for it must not be cut out of an order.
        for held in (evidence, whole):
            if fault := self._unsupported(pair, held):
                return fault
        if self._reader is not None:
            (reading,) = self._reader.read(pair.question, [passage.chunk.full_text])
            if reading.answerable < ANSWERABLE:
                return f"the passage hardly answers the question ({reading.answerable:.2f})"
        first = self._retriever.retrieve(pair.question, limit=FIRST_FOUND, caller=caller)
        if not any(_overlap(evidence, one) for one in first):
            return f"the search does not find its evidence among the first {FIRST_FOUND} passages"
        return ""

    def _unsupported(self, pair: Pair, evidence: Passage) -> str:
        """Return why a passage does not support the answer, "" if it does, every sentence of it."""
        sentences = [pair.answer[start:end] for start, end in sentence_spans(pair.answer)]
        findings = self._verifier.check(sentences, passages=[evidence], question=pair.question)
        found = {finding.support for finding in findings}
        if {"supported"} <= found <= {"supported", "no_claim"}:
            return ""
        return f"its evidence does not support the answer ({', '.join(sorted(found)) or 'it says nothing'})"

    def _keep(self, messages: tuple[Message, ...], passage: Passage, line: int, run: _Run) -> str:
        """Store an example; return why it is not there now, "" if it is."""
        place = f"{passage.uri}:{line}"
        candidate = Candidate("question", messages, passage.uri, (passage.uri,), place, passage.uri, line)
        kept = self._store.add([candidate], groups=None, caller=run.keeper)
        if kept.known:
            run.report.duplicates += 1
            return f"duplicate of {kept.known[0]}"
        name = example_id(messages)
        try:
            stored = self._store.find(name, caller=run.keeper)
            if Source(passage.uri, passage.revision) not in stored.example.made_from:
                self._store.remove(name=name, caller=run.keeper)
                return CHANGED
        except NotFoundError:  # it was erased with its document a moment ago
            return CHANGED
        run.asked.note(place, messages)
        return ""


@dataclass(frozen=True, slots=True)
class _Run:
    """What the pairs of one run are held against, and its report."""

    asked: Asked
    avoid: NearText
    redactor: Redactor | None
    caller: Caller
    keeper: Caller
    report: TeacherReport

    def redacted(self, pair: Pair) -> tuple[Message, Message]:
        """Return the conversation as it may be stored."""
        texts = [pair.question, pair.answer]
        question, answer = self.redactor.redact_all(texts) if self.redactor else texts
        return Message("user", question), Message("assistant", answer)


def _cut(passage: Passage, start: int, end: int) -> Passage:
    """Return the passage of nothing but its text[start:end], under the same headings."""
    chunk = passage.chunk
    shorter = Chunk(
        chunk.start + start, chunk.start + end, chunk.text[start:end], chunk.context, chunk.page, chunk.tokens
    )
    return replace(passage, chunk=shorter)


def _sentences(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return the span widened to the whole sentences that it touches."""
    touched = [one for one in sentence_spans(text) if one[0] < span[1] and span[0] < one[1]]
    return min([span[0], *(start for start, _ in touched)]), max([span[1], *(end for _, end in touched)])


def _overlap(one: Passage, other: Passage) -> bool:
    return one.uri == other.uri and one.chunk.start < other.chunk.end and other.chunk.start < one.chunk.end
