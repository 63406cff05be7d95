"""What one question has to go on, before any chat model is asked to answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ragraft.answer.confidence import Confidence, signals
from ragraft.answer.followup import Rewriter
from ragraft.answer.quote import quotation
from ragraft.answer.sentence import Likeness, Sentence, split_passages
from ragraft.answer.stopwatch import Stopwatch
from ragraft.protocols import Reader, Retriever
from ragraft.types import Caller, Citation, Message, Passage, Reading

__all__ = ["Ground", "Grounding"]


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


class Grounding:
    """Looks up what a question can be answered from, and has it read."""

    def __init__(
        self,
        *,
        retriever: Retriever,
        reader: Reader | None,
        likeness: Likeness | None,
        confidence: Confidence | None,
        rewrite: Rewriter,
        passages: int,
    ) -> None:
        self._retriever = retriever
        self._reader = reader
        self._likeness = likeness
        self._confidence = confidence
        self._rewrite = rewrite
        self._passages = passages

    def ground(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message],
        as_of: datetime | None,
        clock: Stopwatch,
    ) -> Ground:
        """Return the ground of a question; without a reader, the passages alone."""
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

    def too_unsure(self, ground: Ground) -> bool:
        """Return whether the passages are so unlikely to answer the question that it is refused."""
        if self._confidence is None or ground.confidence is None:
            return False
        return ground.confidence < self._confidence.threshold


def _within_text(reading: Reading, passage: Passage) -> Reading:
    """Return a reading of a passage's full text with its span in the text; headings cannot be quoted."""
    offset = len(passage.chunk.full_text) - len(passage.chunk.text)
    start, end = max(0, reading.start - offset), reading.end - offset
    return replace(reading, start=start, end=end) if end > start else replace(reading, start=0, end=0)
