"""From the numbers a model wrote to citations of exact characters.

The model names passages by number and nothing else. Which stretch of the passage a sentence rests on,
in which document, on which page, is found here; a number that names no passage is counted as invented
and taken out of the text. A sentence without a number is given one if a passage's wording carries it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragraft.answer.sentences import Span, sentence_spans
from ragraft.types import Citation, Passage

__all__ = ["Cited", "cite", "claim_spans", "nearest_quote"]

BY_MODEL = "cited by the model"
BY_WORDING = "the model gave no number; found by wording"

CARRIED = 0.6
"""Share of a sentence's wording (rare words count more) that a passage must have to be cited unasked."""

# At most three digits: no prompt has a thousand passages, and [2024] is a year, or how a British court cites.
_MARKS = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_NO_WORDING = frozenset({"", "yes", "no"})

Terms = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's text with its citations, why each is there, and the numbers that named nothing."""

    text: str
    citations: tuple[Citation, ...]
    reasons: tuple[str, ...]
    invented: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage and its terms."""

    start: int
    end: int
    terms: frozenset[str]


def cite(text: str, *, passages: Sequence[Passage], terms: Terms) -> Cited:
    """Return the answer with its citations; `terms` gives the stems of a text."""
    sources = [_sentences(passage, terms) for passage in passages]
    rarity = _rarity(sources)
    citations: list[Citation] = []
    reasons: list[str] = []
    invented: list[int] = []
    parts: list[str] = []
    end = 0
    for start, stop in claim_spans(text):
        parts.append(text[end:start])
        end = stop
        claim, numbers = _without_marks(text[start:stop])
        invented += [number for number in numbers if not 1 <= number <= len(passages)]
        named = list(dict.fromkeys(number for number in numbers if 1 <= number <= len(passages)))
        words = frozenset(terms(claim))
        reason = BY_MODEL
        if not numbers and (carrier := _carrier(words, sources, rarity)):
            named, reason = [carrier], BY_WORDING
        for number in named:
            citations.append(
                _citation(number, claim, passages[number - 1], words, sources[number - 1], rarity)
            )
            reasons.append(reason)
        parts.append(claim + "".join(f" [{number}]" for number in named))
    return Cited("".join(parts).strip(), tuple(citations), tuple(reasons), tuple(invented))


def claim_spans(text: str) -> list[Span]:
    """Return the sentences of an answer; numbers on a line of their own belong to the sentence before."""
    spans: list[Span] = []
    for start, end in sentence_spans(text):
        if spans and not _MARKS.sub("", text[start:end]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _without_marks(sentence: str) -> tuple[str, list[int]]:
    """Return a sentence without its marks, and the numbers in them, in order."""
    numbers: list[int] = []
    while marks := _MARKS.findall(sentence):  # again, since [[1]2] leaves one
        numbers += [int(number) for mark in marks for number in re.findall(r"\d+", mark)]
        sentence = _MARKS.sub("", sentence)
    return sentence.strip(), numbers


def nearest_quote(
    question: str, *, passages: Sequence[Passage], likeness: Callable[[str, Sequence[str]], Sequence[float]]
) -> Citation | None:
    """Return the passages' sentence that is most like the question, the first of equals.

    `likeness` scores texts against the question, higher is more alike.
    """
    places = [
        (number, passage, start, end)
        for number, passage in enumerate(passages, 1)
        for start, end in sentence_spans(passage.chunk.text)
    ]
    if not places:
        return None
    # With its headings: a row of a table does not say of itself which town or year it is about.
    scores = likeness(
        question,
        [f"{passage.chunk.context}\n{passage.chunk.text[start:end]}" for _, passage, start, end in places],
    )
    number, passage, start, end = places[max(range(len(places)), key=lambda at: (scores[at], -at))]
    offset = passage.chunk.start
    return Citation(number, question, passage, offset + start, offset + end, passage.chunk.text[start:end])


def _sentences(passage: Passage, terms: Terms) -> list[Sentence]:
    text = passage.chunk.text
    return [
        Sentence(start, end, frozenset(terms(text[start:end]))) for start, end in sentence_spans(text)
    ] or [Sentence(0, len(text), frozenset(terms(text)))]


def _rarity(sources: Sequence[Sequence[Sentence]]) -> Callable[[str], float]:
    """Return how much a term tells, from how few of the passages' sentences have it."""
    sentences = [sentence for source in sources for sentence in source]
    having = Counter(term for sentence in sentences for term in sentence.terms)
    return lambda term: math.log1p(len(sentences) / (1 + having[term]))


def _share(words: frozenset[str], sentence: frozenset[str], rarity: Callable[[str], float]) -> float:
    total = sum(rarity(term) for term in words)
    return sum(rarity(term) for term in words & sentence) / total if total else 0.0


def _carrier(
    words: frozenset[str], sources: Sequence[Sequence[Sentence]], rarity: Callable[[str], float]
) -> int | None:
    """Return the number of the passage whose wording carries a sentence, or None."""
    if len(words - _NO_WORDING) < 3:
        return None
    shares = [max(_share(words, sentence.terms, rarity) for sentence in source) for source in sources]
    best = max(shares, default=0.0)
    return shares.index(best) + 1 if best >= CARRIED else None


def _citation(
    number: int,
    claim: str,
    passage: Passage,
    words: frozenset[str],
    sentences: Sequence[Sentence],
    rarity: Callable[[str], float],
) -> Citation:
    """Return a citation of the passage's sentence that shares most with the claim, or of two neighbours."""

    def value(first: int, last: int) -> tuple[float, float]:
        covered = frozenset().union(*(sentence.terms for sentence in sentences[first : last + 1]))
        share = _share(words, covered, rarity)
        return (round(share - 0.15 * (last - first), 6), _share(covered, words, rarity))

    windows = [
        (at, at + more) for at in range(len(sentences)) for more in (0, 1) if at + more < len(sentences)
    ]
    first, last = max(windows, key=lambda window: (value(*window), -window[0]))
    start, end = sentences[first].start, sentences[last].end
    return Citation(
        marker=number,
        claim=claim,
        passage=passage,
        start=passage.chunk.start + start,
        end=passage.chunk.start + end,
        quote=passage.chunk.text[start:end],
    )
