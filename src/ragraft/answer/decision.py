"""What is shown of a model's draft: the draft as far as it holds, else a quotation, else a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ragraft.answer.check import check_claims
from ragraft.answer.cite import read_claims
from ragraft.answer.confidence import Terms, missing_words
from ragraft.answer.ground import Ground
from ragraft.answer.loops import without_loop
from ragraft.answer.policy import Policy, Shown, apply_policy
from ragraft.answer.quote import quoted_text
from ragraft.answer.refuse import NOTHING_FOUND, nearest_documents, refusal_text
from ragraft.answer.stopwatch import Stopwatch
from ragraft.protocols import Reader, Verifier
from ragraft.types import (
    Answer,
    Check,
    Citation,
    Completion,
    Passage,
    Prompt,
    SystemCard,
    Usage,
    Verdict,
)

__all__ = ["Decision", "Generated", "cut_reason"]

NO_PROMPT = Prompt((), (), (), 0, 0)
NO_USAGE = Usage(0, 0)
WORD_FOR_WORD = "quoted word for word"
Origin = Literal["model", "quotation", "refusal"]


@dataclass(frozen=True, slots=True)
class Generated:
    """What a chat model made of a prompt; the defaults are those of one that was not asked."""

    prompt: Prompt = NO_PROMPT
    usage: Usage = NO_USAGE
    draft: str = ""
    checks: tuple[Check, ...] = ()
    invented: tuple[int, ...] = ()


class Decision:
    """Turns a draft, or the lack of one, into the answer that is shown. The parts are as in RagSystem."""

    def __init__(
        self,
        *,
        card: SystemCard,
        verifier: Verifier,
        terms: Terms,
        reader: Reader | None,
        policy: Policy,
        quote: bool,
        weigh: bool,
    ) -> None:
        self._card = card
        self._verifier = verifier
        self._terms = terms
        self._reader = reader
        self._policy: Policy = policy
        self._quote = quote
        self._weigh = weigh

    def decide(self, ground: Ground, clock: Stopwatch, prompt: Prompt, completion: Completion) -> Answer:
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
            return self._answer(ground, clock, made, shown, reason=cut_reason(completion, looped=looped))
        if abstained:
            return self.refuse(ground, clock, "the model found no answer in the passages", made)
        if shown.text:
            reason = "the passages answer it more plainly than the model did"
            made = replace(made, checks=tuple(replace(check, shown=False) for check in made.checks))
        return self.quoted(ground, clock, reason, made) or self.refuse(ground, clock, reason, made)

    def quoted(self, ground: Ground, clock: Stopwatch, reason: str, made: Generated) -> Answer | None:
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

    def refuse(self, ground: Ground, clock: Stopwatch, reason: str, made: Generated | None = None) -> Answer:
        """Return a refusal that says what is missing and what came nearest."""
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
            system=self._card,
            timings=clock.timings,
            question=ground.question,
            origin=origin,
            draft=made.draft,
            checks=made.checks,
            nearest=nearest,
            confidence=ground.confidence,
        )


def cut_reason(completion: Completion, *, looped: bool) -> str:
    """Return why a draft is not all that the model would have written; nothing if it is."""
    if looped:
        return "cut where the model began to repeat itself"
    return "cut at the token budget" if completion.finish == "length" else ""


def _overlap(one: Citation, other: Citation) -> bool:
    return one.passage.uri == other.passage.uri and one.start < other.end and other.start < one.end
