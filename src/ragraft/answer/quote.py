"""The quoting fallback: the sentence that most likely holds the answer, word for word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragraft.answer.cite import unmarked, without_links
from ragraft.answer.confidence import log_odds
from ragraft.types import Citation, Passage, Reading, Vectors
from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["Likeness", "Sentence", "quotation", "quoted_text", "split_passages"]

Likeness = Callable[[Sequence[str], Sequence[str]], Vectors]
"""Returns the cosine of each of the first texts to each of the second."""

IN_SPAN = 3.0
ALIKE = 4.0
LATER = 0.2
"""What weighs how much in choosing a sentence, beside the log-odds that its passage answers: that the reader's
span touches it, its likeness to the question (times), each place further down in the search (less). Chosen
on the train questions of the handbook and the example company; docs/decisions/answers.md has the figures."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """passages[place].chunk.text[start:end], and its cosine to the question (0 where nobody measured it)."""

    place: int
    start: int
    end: int
    likeness: float


def split_passages(
    question: str, *, passages: Sequence[Passage], likeness: Likeness | None
) -> tuple[Sentence, ...]:
    """Return the sentences and table rows of the passages, in order, each with its likeness to the question.

    They are compared with their headings: a row of a table does not say of itself what it is about.
    """
    found = [
        (place, passage.chunk, start, end)
        for place, passage in enumerate(passages)
        for start, end in sentence_spans(passage.chunk.text)
    ]
    if likeness is None or not found:
        return tuple(Sentence(place, start, end, 0.0) for place, _, start, end in found)
    texts = [f"{chunk.context}\n{chunk.text[start:end]}" for _, chunk, start, end in found]
    cosines = likeness([question], texts)[0]
    return tuple(
        Sentence(place, start, end, float(cosine))
        for (place, _, start, end), cosine in zip(found, cosines, strict=True)
    )


def quotation(
    question: str,
    *,
    passages: Sequence[Passage],
    readings: Sequence[Reading],
    sentences: Sequence[Sentence],
) -> Citation | None:
    """Return the likeliest sentence as a citation, the first of equals; None if no reader found an answer.

    `readings` are those of the passages, in the same order, `sentences` what `split_passages` gave. Where
    the answer's span runs over several sentences, all of them are quoted. A row of a table is quoted alone:
    its header is in the passage's context.
    """
    if not sentences or not any(reading.end > reading.start for reading in readings):
        return None

    def value(sentence: Sentence) -> float:
        reading = readings[sentence.place]
        touched = _touch((sentence.start, sentence.end), (reading.start, reading.end))
        return (
            log_odds(reading.answerable)
            + IN_SPAN * touched
            + ALIKE * sentence.likeness
            - LATER * sentence.place
        )

    best = max(sentences, key=value)
    passage, reading = passages[best.place], readings[best.place]
    span, answer = (best.start, best.end), (reading.start, reading.end)
    start, end = _widen(passage.chunk.text, answer) if _touch(span, answer) else span
    offset = passage.chunk.start
    return Citation(
        marker=best.place + 1,
        claim=question,
        passage=passage,
        start=offset + start,
        end=offset + end,
        quote=passage.chunk.text[start:end],
    )


def quoted_text(citation: Citation) -> str:
    """Return a quotation as the text of an answer."""
    words = without_links(unmarked(" ".join(citation.quote.split())))
    return f"“{words}” [{citation.marker}]"


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _widen(text: str, span: Span) -> Span:
    """Return the whole sentences that a span touches."""
    touched = [one for one in sentence_spans(text) if _touch(one, span)]
    return (touched[0][0], touched[-1][1]) if touched else span
