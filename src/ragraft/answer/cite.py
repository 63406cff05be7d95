"""From the numbers a model wrote to claims that can be checked.

The model names passages by number and nothing else. A number that names no passage is counted as
invented and taken out; so is every link, for an address in an answer could come from anybody's document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["LINK_TAKEN_OUT", "Claim", "claim_spans", "read_claims", "without_links"]

LINK_TAKEN_OUT = "(link left out)"

# At most three digits: no prompt has a thousand passages, and [2024] is a year, or how a British court cites.
_MARKS = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_NAMED_LINK = re.compile(r"!?\[([^\]\n]*)\]\s*\([^)\n]*\)|!?\[([^\]\n]*)\]\s*\[(?!\d{1,3}\])[^\]\n]+\]")
_ADDRESS = re.compile(
    r"""<?\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:|javascript:|data:[a-z]+/)[^\s<>"'`)\]]*>?""",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?[a-z][^<>\n]{0,2000}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, without its marks.

    `before` is the white space between it and the sentence before. `named` are the passages it cites, each
    once; `invented` the numbers that name none.
    """

    before: str
    text: str
    named: tuple[int, ...]
    invented: tuple[int, ...]


def read_claims(text: str, *, passages: int) -> list[Claim]:
    """Return the sentences of an answer that was given `passages` passages, in order."""
    text = without_links(text)
    claims: list[Claim] = []
    end = 0
    for start, stop in claim_spans(text):
        sentence, numbers = _without_marks(text[start:stop])
        known = dict.fromkeys(number for number in numbers if 1 <= number <= passages)
        invented = tuple(number for number in numbers if not 1 <= number <= passages)
        claims.append(Claim(text[end:start], sentence, tuple(known), invented))
        end = stop
    return claims


def without_links(text: str) -> str:
    """Return a text in which every address, image and tag is gone, and the words of links stay."""
    text = _NAMED_LINK.sub(lambda match: match[1] or match[2] or "", text)
    return _ADDRESS.sub(LINK_TAKEN_OUT, _MARKUP.sub("", text))


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
