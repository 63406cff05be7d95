"""Retrieval-augmented answers: retrieve, read, generate, check, and show what holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ragraft.answer.check import check_claims
from ragraft.answer.cite import read_claims
from ragraft.answer.confidence import Confidence, Terms, missing_words, signals
from ragraft.answer.followup import Rewriter, rewrite_by_rules
from ragraft.answer.loops import without_loop
from ragraft.answer.policy import Policy, Shown, apply_policy
from ragraft.answer.prompt import Budget, build_prompt
from ragraft.answer.quote import quotation, quoted_text
from ragraft.answer.refuse import NOTHING_FOUND, nearest_documents, refusal_text
from ragraft.answer.sentence import Likeness, Sentence, split_passages
from ragraft.answer.stopwatch import Stopwatch
from ragraft.protocols import ChatModel, Reader, Retriever, Verifier
from ragraft.types import (
    Answer,
    Caller,
    Check,
    Citation,
    Completion,
    Message,
    Passage,
    Prompt,
    Reading,
    SystemCard,
    Usage,
    Verdict,
)

__all__ = ["RagSystem"]

NO_PROMPT = Prompt((), (), (), 0, 0)
NO_USAGE = Usage(0, 0)
WORD_FOR_WORD = "quoted word for word"
UNSURE = "the passages found do not seem to answer the question"
Origin = Literal["model", "quotation", "refusal"]


@dataclass(frozen=True, slots=True)
class Generated:
    """What a chat model made of a prompt; the defaults are those of one that was not asked."""

    prompt: Prompt = NO_PROMPT
    usage: Usage = NO_USAGE
    draft: str = ""
    checks: tuple[Check, ...] = ()
    invented: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What one question has to go on: the passages found, what the reader makes of them, how sure that is."""

    question: str
    passages: tuple[Passage, ...]
    readings: tuple[Reading, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    signals: tuple[float, ...] = ()
    confidence: float | None = None

    def quotation(self) -> Citation | None:
        """Return the sentence that most likely holds the answer; None where no reader found one."""
        return quotation(
            self.question, passages=self.passages, readings=self.readings, sentences=self.sentences
        )


class RagSystem:
    """Answers from passages that the caller may read, and shows only what they support; fits the System seam.

    Without a `reader` there is no confidence and no quoting fallback. `quote` False leaves the fallback
    out. With `weigh`, for a model that often misses the point, its text is shown only if it rests on the
    sentence that would be quoted and the reader finds the answer in it at least as likely.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        retriever: Retriever,
        model: ChatModel,
        verifier: Verifier,
        terms: Terms,
        reader: Reader | None = None,
        likeness: Likeness | None = None,
        confidence: Confidence | None = None,
        rewrite: Rewriter = rewrite_by_rules,
        policy: Policy = "strict",
        quote: bool = True,
        weigh: bool = False,
        passages: int = 5,
        budget: Budget | None = None,
    ) -> None:
        self.card = card
        self._retriever = retriever
        self._model = model
        self._verifier = verifier
        self._terms = terms
        self._reader = reader
        self._likeness = likeness
        self._confidence = confidence
        self._rewrite = rewrite
        self._policy: Policy = policy
        self._quote = quote
        self._weigh = weigh
        self._passages = passages
        self._budget = budget or Budget()

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return a checked answer with citations, or a refusal that says what is missing.

        `on_text` is given the model's draft as it comes, before anything of it is checked.

        Raises: ModelError if the model fails; UserError if its window is too small.
        """
        clock = Stopwatch()
        ground = self.ground(question, caller=caller, history=history, as_of=as_of, clock=clock)
        if not ground.passages:
            return self._refuse(ground, clock, "no passage was found")
        if self._too_unsure(ground):
            return self._refuse(ground, clock, UNSURE)
        with clock.time("prompt"):
            prompt = build_prompt(
                ground.question,
                passages=ground.passages,
                history=history,
                model=self._model,
                budget=self._budget,
            )
        if not prompt.passages:
            return self._refuse(ground, clock, "no passage fits the model's window", Generated(prompt))
        with clock.time("generate"):
            completion = self._model.generate(
                prompt.messages, max_tokens=prompt.max_answer_tokens, on_text=on_text
            )
        return self._decide(ground, clock, prompt, completion)

    def ground(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        clock: Stopwatch | None = None,
    ) -> Ground:
        """Return what there is to answer a question from, without asking the chat model to answer it."""
        clock = clock or Stopwatch()
        asked = question
        if history:
            with clock.time("rewrite"):
                asked = self._rewrite(question, history)
        with clock.time("retrieve"):
            passages = self._retriever.retrieve(asked, limit=self._passages, caller=caller, as_of=as_of)
        if not passages or self._reader is None:
            return Ground(asked, tuple(passages))
        with clock.time("read"):
            readings = self._reader.read(asked, [passage.chunk.full_text for passage in passages])
            readings = [_within_text(one, passage) for one, passage in zip(readings, passages, strict=True)]
            sentences = split_passages(asked, passages=passages, likeness=self._likeness)
        found = signals(asked, readings=readings, sentences=sentences)
        sure = None if self._confidence is None else self._confidence.probability(found)
        return Ground(asked, tuple(passages), tuple(readings), sentences, tuple(found.tolist()), sure)

    def quotation(self, ground: Ground, *, refuse: bool = True) -> Answer:
        """Return the answer that the reader alone gives: the likeliest sentence, quoted, or a refusal.

        `refuse` False quotes something whenever it can, however unsure it is.
        """
        clock = Stopwatch()
        if not ground.passages:
            return self._refuse(ground, clock, "no passage was found")
        if refuse and self._too_unsure(ground):
            return self._refuse(ground, clock, UNSURE)
        return self._quoted(ground, clock, "", Generated()) or self._refuse(
            ground, clock, "no sentence of the passages answers the question"
        )

    def _too_unsure(self, ground: Ground) -> bool:
        if self._confidence is None or ground.confidence is None:
            return False
        return ground.confidence < self._confidence.threshold

    def _decide(self, ground: Ground, clock: Stopwatch, prompt: Prompt, completion: Completion) -> Answer:
        """Return the draft as far as it holds, else a quotation, else a refusal."""
        text, looped = without_loop(completion.text)
        claims = read_claims(text, passages=len(prompt.passages))
        with clock.time("check"):
            checks = check_claims(
                claims, passages=prompt.passages, verifier=self._verifier, question=ground.question
            )
        shown = apply_policy(claims, checks, policy=self._policy)
        invented = tuple(number for claim in claims for number in claim.invented)
        made = Generated(prompt, completion.usage, completion.text, shown.checks, invented)
        said = [check for check in checks if check.sentence]
        # A model that often misses the point does not know either when it has nothing to go on.
        abstained = not self._weigh and bool(said) and all(check.support == "no_claim" for check in said)
        reason = "nothing that the model wrote is supported by the passages"
        if shown.text and (shown.claims or not abstained) and not self._outweighed(ground, shown):
            return self._answer(ground, clock, made, shown, reason=_reason(completion, looped=looped))
        if abstained:
            return self._refuse(ground, clock, "the model found no answer in the passages", made)
        if shown.text:
            reason = "the passages answer it more plainly than the model did"
            made = replace(made, checks=tuple(replace(check, shown=False) for check in made.checks))
        return self._quoted(ground, clock, reason, made) or self._refuse(ground, clock, reason, made)

    def _outweighed(self, ground: Ground, shown: Shown) -> bool:
        """Return whether what is shown rests elsewhere than the quotation, or answers less plainly than it does."""
        if not (self._weigh and self._quote) or self._reader is None or not ground.readings:
            return False
        found = ground.quotation()
        if found is None:
            return False
        if not any(_overlap(found, citation) for citation in shown.citations):
            return True
        quoted = f"{found.passage.chunk.context}\n{found.quote}"
        said, read = self._reader.read(ground.question, [shown.text, quoted])
        return said.answerable < read.answerable

    def _answer(
        self, ground: Ground, clock: Stopwatch, made: Generated, shown: Shown, *, reason: str
    ) -> Answer:
        removed = sum(not check.shown and check.support != "no_claim" for check in shown.checks)
        told = [reason] if reason else []
        if removed:
            told.append(f"{removed} unsupported sentence{'s' * (removed > 1)} left out")
        return self._result(
            ground,
            clock,
            made,
            text=shown.text,
            reason="; ".join(told),
            citations=shown.citations,
            verdicts=shown.verdicts,
            origin="model",
        )

    def _quoted(self, ground: Ground, clock: Stopwatch, reason: str, made: Generated) -> Answer | None:
        """Return the quoting fallback, or None where it is off or a reader found nothing."""
        if not self._quote or not ground.readings:
            return None
        found = ground.quotation()
        if found is None:
            return None
        return self._result(
            ground,
            clock,
            made,
            text=quoted_text(found),
            reason=reason,
            citations=(found,),
            verdicts=(Verdict(found, supported=True, reason=WORD_FOR_WORD),),
            origin="quotation",
        )

    def _refuse(self, ground: Ground, clock: Stopwatch, reason: str, made: Generated | None = None) -> Answer:
        text = NOTHING_FOUND
        if ground.passages:
            missing = missing_words(ground.question, passages=ground.passages, terms=self._terms)
            text = refusal_text(missing)
        return self._result(
            ground,
            clock,
            made or Generated(),
            text=text,
            reason=reason,
            origin="refusal",
            nearest=nearest_documents(ground.passages),
        )

    def _result(
        self,
        ground: Ground,
        clock: Stopwatch,
        made: Generated,
        *,
        text: str,
        reason: str,
        origin: Origin,
        citations: tuple[Citation, ...] = (),
        verdicts: tuple[Verdict, ...] = (),
        nearest: tuple[Passage, ...] = (),
    ) -> Answer:
        return Answer(
            text=text,
            refused=origin == "refusal",
            reason=reason,
            citations=citations,
            verdicts=verdicts,
            invented=made.invented,
            prompt=made.prompt,
            usage=made.usage,
            system=self.card,
            timings=clock.timings,
            question=ground.question,
            origin=origin,
            draft=made.draft,
            checks=made.checks,
            nearest=nearest,
            confidence=ground.confidence,
        )


def _overlap(one: Citation, other: Citation) -> bool:
    return one.passage.uri == other.passage.uri and one.start < other.end and other.start < one.end


def _within_text(reading: Reading, passage: Passage) -> Reading:
    """Return a reading of a passage's full text with its span in the text; headings cannot be quoted."""
    offset = len(passage.chunk.full_text) - len(passage.chunk.text)
    start, end = max(0, reading.start - offset), reading.end - offset
    return replace(reading, start=start, end=end) if end > start else replace(reading, start=0, end=0)


def _reason(completion: Completion, *, looped: bool) -> str:
    if looped:
        return "cut where the model began to repeat itself"
    return "cut at the token budget" if completion.finish == "length" else ""
