"""The quoting fallback: the sentence in which a reader found the answer, word for word."""

from __future__ import annotations

from collections.abc import Sequence

from ragraft.answer.cite import unmarked, without_links
from ragraft.types import Citation, Passage, Reading
from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["quotation", "quoted_text"]


def quotation(question: str, *, passages: Sequence[Passage], readings: Sequence[Reading]) -> Citation | None:
    """Return the sentences around the likeliest answer span, as a citation; None if no reader found one.

    `readings` are those of the passages' texts, in the same order. A row of a table is quoted alone: its
    header is in the passage's context.
    """
    found = [
        (reading.answerable * reading.span_score, -number, passage, reading)
        for number, (passage, reading) in enumerate(zip(passages, readings, strict=True), 1)
        if reading.end > reading.start
    ]
    if not found:
        return None
    _, number, passage, reading = max(found, key=lambda one: one[:2])
    start, end = _widen(passage.chunk.text, (reading.start, reading.end))
    offset = passage.chunk.start
    return Citation(
        marker=-number,
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


def _widen(text: str, span: Span) -> Span:
    """Return the whole sentences that a span touches."""
    touched = [(start, end) for start, end in sentence_spans(text) if start < span[1] and end > span[0]]
    return (touched[0][0], touched[-1][1]) if touched else span
