"""From the numbers a model wrote to claims that can be checked.

The model names passages by number and nothing else. A number that names no passage is counted as
invented and taken out; so is every link, for an address in an answer could come from anybody's document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragraft.verify.sentences import Span, sentence_spans

__all__ = ["LINK_TAKEN_OUT", "Claim", "claim_spans", "read_claims", "unmarked", "without_links"]

LINK_TAKEN_OUT = "(link left out)"

# At most three digits: no prompt has a thousand passages, and [2024] is a year, or how a British court cites.
_MARKS = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_LABEL = r"\[[^\[\]\n]{1,500}\]"
# [words](address), ![words](address) and [words][label]; but [1][2] are marks.
_NAMED_LINK = re.compile(
    rf"!?\[(?P<words>[^\[\]\n]{{0,500}})\](?:\((?:[^()]|\([^()]*\)){{0,2000}}\)|(?!\[\d{{1,3}}\]){_LABEL})"
)
_DEFINED = re.compile(rf"^([ \t>*+-]*{_LABEL}):", re.MULTILINE)
_ADDRESS = re.compile(
    r"""<?(?:[a-z][a-z0-9+.-]{0,15}://|(?<![a-z0-9])(?:www\.(?=\w)|https?:|mailto:|(?:java|vb)script:|data:[a-z]+/))"""
    r"""(?:[^\s<>"'`()\[\]]|\([^\s()]{0,200}\))*(?<![.,;:!?])>?""",
    re.IGNORECASE,
)
# A tag is a name and attributes: "<EUR 100, not >" is none.
_TAG = re.compile(
    r"""<!--.{0,2000}?-->|</?[a-z][\w:-]{0,50}(?:\s+[a-z_:@][\w:@.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>`]+))?)*\s*/?>""",
    re.IGNORECASE | re.DOTALL,
)
# Signs that move a terminal's cursor, hide text or turn its direction.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OPENS_LINK = re.compile(r"(?<=\])(?=\()|(?<=<)(?=[a-z/!?])", re.IGNORECASE)


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
    """Return a text in which every address, image and tag is gone, and the words of links stay.

    What is left of a broken or nested one is set apart by a space, so that it is text to every reader.
    """
    before, text = "", _CONTROL.sub(_blank, text)
    while text != before:  # again, since taking one out may close another
        before = text
        text = _TAG.sub("", _ADDRESS.sub(LINK_TAKEN_OUT, text))
        text = _NAMED_LINK.sub(_words_of, text)
    return _OPENS_LINK.sub(" ", _DEFINED.sub(r"\1 :", text))


def unmarked(text: str) -> str:
    """Return a text in which no number in brackets passes for a citation: [7] becomes (7)."""
    return _MARKS.sub(lambda mark: mark[0].replace("[", "(").replace("]", ")"), text)


def claim_spans(text: str) -> list[Span]:
    """Return the sentences of an answer; numbers on a line of their own belong to the sentence before.

    Where there is none before, they belong to the one after.
    """
    spans: list[Span] = []
    for start, end in sentence_spans(text):
        if spans and not (_bare(text[start:end]) and _bare(text[slice(*spans[-1])])):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _blank(control: re.Match[str]) -> str:
    return " " if control[0].isspace() else ""


def _words_of(link: re.Match[str]) -> str:
    """Return the words of a link; a number in brackets is a mark, and stays one."""
    words = link["words"]
    return f"[{words}]" if _MARKS.fullmatch(f"[{words}]") else words


def _without_marks(sentence: str) -> tuple[str, list[int]]:
    """Return a sentence without its marks, and the numbers in them, in order."""
    numbers: list[int] = []
    while marks := _MARKS.findall(sentence):  # again, since [[1]2] leaves one
        numbers += [int(number) for mark in marks for number in re.findall(r"\d+", mark)]
        sentence = _MARKS.sub("", sentence)
    # Links again: a mark taken out may close one. A sentence that began with "[1]: " begins after that.
    return without_links(sentence.strip().removeprefix(":").strip()), numbers


def _bare(sentence: str) -> str:
    return _MARKS.sub("", sentence)
