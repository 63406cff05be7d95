"""Oracle passages: those that answer a question, the words in them that prove it, and what looks like one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragraft.answer.quote import quoted_text
from ragraft.tune.likeness import pieces_of
from ragraft.tune.validate import NEAR
from ragraft.types import Citation, Evidence, Passage
from ragraft.verify.quotes import find_span
from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["LONGEST_QUOTE", "Oracle", "Oracles", "oracle_of"]

LONGEST_QUOTE = 500
"""Characters of the longest quotation: a longer one would leave no room for the answer."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """A passage that answers. passage.chunk.text[start:end] is what is quoted, `evidence` what a question names."""

    passage: Passage
    start: int
    end: int
    evidence: str

    @property
    def words(self) -> str:
        """The words quoted, on one line; they stand in the passage in this order with nothing between them."""
        return self.quoted(0)[1:].rpartition("” [")[0]

    def quoted(self, number: int) -> str:
        """Return the quotation in the form in which answers are quoted, with its passage's number."""
        chunk = self.passage.chunk
        return quoted_text(
            Citation(
                number,
                "",
                self.passage,
                chunk.start + self.start,
                chunk.start + self.end,
                chunk.text[self.start : self.end],
            )
        )


def oracle_of(passage: Passage, evidence: Evidence) -> Oracle | None:
    """Return a passage as an oracle; None if it does not hold the evidence in words that can be quoted as they are.

    Whole sentences are quoted rather than a part of them, for where a sentence begins and ends can be learned. A
    stretch with a link or a number in brackets is not quoted: in an answer neither stays what it is.
    """
    text = passage.chunk.text
    span = find_span(evidence.quote, text) if passage.uri == evidence.document else None
    if span is None:
        return None
    for start, end in (_sentences(text, span), span):
        oracle = Oracle(passage, start, end, evidence.quote)
        if end - start <= LONGEST_QUOTE and oracle.words and oracle.words in _on_one_line(text):
            return oracle
    return None


class Oracles:
    """The oracles of one question, to be asked whether another passage is one of them in disguise.

    Source: containment, the share of a text's pieces that another has: Broder 1997, "On the resemblance and
    containment of documents", section 2. Resemblance would miss evidence that a longer passage repeats.
    """

    def __init__(self, oracles: Sequence[Oracle]) -> None:
        self._oracles = oracles
        self._texts = [pieces_of(one.passage.chunk.text) for one in oracles]
        self._quotes = [pieces_of(one.words) for one in oracles]

    def like(self, passage: Passage) -> bool:
        """Return whether a passage overlaps an oracle, is nearly the same or a part of it, or says its evidence too."""
        text = passage.chunk.full_text
        pieces = pieces_of(text)
        return (
            any(_overlap(one.passage, passage) or find_span(one.evidence, text) for one in self._oracles)
            or any(len(quote & pieces) >= NEAR * len(quote) for quote in self._quotes)
            or any(len(whole & pieces) >= NEAR * min(len(whole), len(pieces)) for whole in self._texts)
        )


def _sentences(text: str, span: Span) -> Span:
    """Return the span widened to the whole sentences that it touches."""
    touched = [one for one in sentence_spans(text) if one[0] < span[1] and span[0] < one[1]]
    return min([span[0], *(start for start, _ in touched)]), max([span[1], *(end for _, end in touched)])


def _overlap(one: Passage, other: Passage) -> bool:
    return one.uri == other.uri and one.chunk.start < other.chunk.end and other.chunk.start < one.chunk.end


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
