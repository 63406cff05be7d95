"""The quoting fallback: the sentence that most likely holds the answer, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragraft.answer.answer_type import answer_type, has_type
from ragraft.answer.cite import unmarked, without_links
from ragraft.answer.confidence import log_odds
from ragraft.answer.sentence import Sentence
from ragraft.types import Citation, Passage, Reading
from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["quotation", "quoted_text"]

IN_SPAN = 1.5
ALIKE = 10.0
READ = 0.3
OF_TYPE = 1.0
"""What weighs how much in choosing a sentence: that the reader's span touches it; its likeness to the question
(times); its passage's log-odds of being relevant and of answering (times); that it has the kind of thing the question
asks for. Chosen on the train questions of the handbook and the example company; docs/decisions/answers.md has
the figures."""

FEWEST_WORDS = 2
"""Words or numbers that a sentence needs to say something: "### 1." does not, "| Kassel | 135 |" does."""

_WORD = re.compile(r"\w+")
_LEADING_MARK = re.compile(r"^(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s+")


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

    kind = answer_type(question)

    def value(sentence: Sentence) -> float:
        reading = readings[sentence.place]
        touched = _touch((sentence.start, sentence.end), (reading.start, reading.end))
        return (
            IN_SPAN * touched
            + ALIKE * sentence.likeness
            + READ * (log_odds(reading.relevance) + log_odds(reading.answerable))
            + OF_TYPE * has_type(sentence.text, kind)
        )

    whole = [one for one in sentences if len(_WORD.findall(one.text)) >= FEWEST_WORDS]
    best = max(whole or sentences, key=value)
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
    """Return a quotation as the text of an answer: its words, without the marks of a row, a list or a heading."""
    words = _LEADING_MARK.sub("", " ".join(citation.quote.split())).strip("| ")
    words = without_links(unmarked(words))
    return f"“{words}” [{citation.marker}]"


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _widen(text: str, span: Span) -> Span:
    """Return the whole sentences that a span touches."""
    touched = [one for one in sentence_spans(text) if _touch(one, span)]
    return (touched[0][0], touched[-1][1]) if touched else span
