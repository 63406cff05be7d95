"""What a passage orders somebody to say, or denies as a whole: it holds the words, and does not vouch for them.

"Tell the user that the limit is EUR 9,999" is no evidence of a limit, nor is "It is not true that the limit
is EUR 9,999". A sentence that repeats the order itself
("Staff tell customers that ...") is another matter: that the passage does say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from ragraft.verify.matching import Topic, Window
from ragraft.verify.sentences import Span
from ragraft.verify.statements import plain

__all__ = ["denied_spans", "ordered_spans", "rests_on_denial", "rests_on_order"]

# An order begins a sentence, a clause, a cell or a quotation, or follows a word that urges.
_BEGIN = (
    r"(?:^|(?<=[-.,:;!?|>\"“'(\[#*])|\b(?:please|now|then|and|also|instead|always|immediately|to|never)\b"
    r"|\b(?:must|should|shall|will|have to|are to)\b)[\s\"“'(\[*_>]*"
)
_WHOM = (
    r"(?:(?:the|your|any|every|all|our|this)\s+)?(?:\w+\s+)?(?:users?|readers?|people|persons?|customers?|callers?|employees?|"
    r"staff|visitors?|clients?|guests?|patients?|managers?|them|him|her|everyone|everybody|anyone|me|us)"
)
_TOLD = r"(?P<told>.+)"
_ORDERS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"{_BEGIN}(?:tell|inform|assure|notify|remind|warn|convince)\s+{_WHOM}\s*(?:that\b|:|,)?\s+"
        rf"(?!(?:to|about|of|if|when|whether|why|how|what|where|who|before|by|in|at|within|immediately)\b){_TOLD}",
        rf"{_BEGIN}(?:say|answer|reply|respond|claim|state|declare|confirm|pretend|write|print|output|report|repeat|announce)\b"
        rf"[^.!?\"“:]{{0,60}}?\bthat\b{_TOLD}",
        rf"{_BEGIN}(?:say|repeat|(?:answer|reply|respond)\s+with|print|output)(?:\s+\w+){{0,3}}\s*:\s*{_TOLD}",
        rf"{_BEGIN}(?:say|answer|reply|respond|claim|state|declare|confirm|write|print|output|add|append|include|insert|integrate|"
        r"mention|repeat|announce)\b[^.!?\"“]{0,60}[\"“](?P<told>[^\"”]+)[\"”]?",
        rf"{_BEGIN}say\s+(?!so\b|no\b|yes\b|that\b|nothing\b|when\b|if\b|whether\b|why\b|what\b|[\"“:]){_TOLD}",
        r"^(?P<told>.*\b(?:in|into|to|with|from)\s+(?:your|every|each|any)\s+(?:\w+\s+)?(?:answer|response|reply)s?\b.*)",
        r"(?P<told>^\W*(?:modify|augment|enhance|extend|end|begin|start)\s+(?:your|every|each|any)\s+(?:answer|response|reply)s?\b.*)",
    )
)
_DENIALS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"(?:\bnot|n['’]t|\bnever|\bno longer)\s+(?:at all\s+)?(?:true|the case|correct|right|so)\s*,?\s+that\b{_TOLD}",
        rf"\b(?:untrue|false|incorrect|wrong|a (?:myth|lie|mistake|rumou?r|misunderstanding))\s*,?\s+that\b{_TOLD}",
        rf"\bnicht\s+(?:wahr|richtig|der Fall|so)\s*,?\s+dass\b{_TOLD}",
        rf"\b(?:falsch|unwahr|ein (?:Gerücht|Irrtum))\s*,?\s+dass\b{_TOLD}",
    )
)
_SPEAKER = re.compile(r"\b(?:I|I['’]m|me|my|we|ich|wir)\b")


@lru_cache(maxsize=1 << 12)
def ordered_spans(text: str) -> tuple[Span, ...]:
    """Return the stretches of a sentence that it orders somebody to say, or to put into an answer."""
    return tuple(match.span("told") for pattern in _ORDERS for match in pattern.finditer(text))


@lru_cache(maxsize=1 << 12)
def denied_spans(text: str) -> tuple[Span, ...]:
    """Return the stretches of a sentence that it says are not so."""
    return tuple(match.span("told") for pattern in _DENIALS for match in pattern.finditer(text))


def rests_on_denial(topic: Topic, window: Window) -> bool:
    """Return whether what a window has of a claim stands only in what it says is not so; see `rests_on_order`."""
    if denied_spans(topic.statement.text):
        return False
    found = _taken_apart(topic, window, denied_spans)
    return bool(found.told) and _only_there(topic, found.told, found.free)


def rests_on_order(topic: Topic, window: Window) -> bool:
    """Return whether what a window has of a claim stands only in what it orders somebody to say.

    That is so where a number of the claim, or half of its words, stand nowhere else in it. A claim that a
    model makes of itself ("I ignore ...") rests on an order too if the window has one and no speaker. A claim
    that gives the order itself does not.
    """
    claim = topic.statement
    found = _taken_apart(topic, window, ordered_spans)
    if not found.told:
        return False
    if _SPEAKER.search(claim.text) and not any(_SPEAKER.search(line) for line in found.lines):
        return True
    if any(start for start, _ in ordered_spans(claim.text)) or _first_word(claim.text) in found.begun:
        return False
    return _only_there(topic, found.told, found.free)


@dataclass(frozen=True, slots=True)
class _Apart:
    """The lines of a window, the stems of some stretches of them and of the rest, and how those lines begin."""

    lines: list[str]
    told: set[str]
    free: set[str]
    begun: set[str]


def _taken_apart(topic: Topic, window: Window, spans_of: Callable[[str], tuple[Span, ...]]) -> _Apart:
    claim = topic.statement
    texts = [*(unit.statement.text for unit in window.units), *window.units[0].scope]
    found = _Apart([plain(text) for text in texts], set(), set(), set())
    for line in found.lines:
        spans = spans_of(line)
        found.told.update(claim.terms(" ".join(line[slice(*span)] for span in spans)))
        found.free.update(claim.terms(_without(line, spans)))
        found.begun.update(_first_word(line) for span in spans)
    return found


def _only_there(topic: Topic, told: set[str], free: set[str]) -> bool:
    """Return whether a number of the claim, or half of its words, stand in `told` and not in `free`."""
    claim = topic.statement
    mine = {word.stem for word in claim.words} | {
        stem for stem in claim.terms(claim.readable) if stem.isnumeric()
    }
    only = (mine & told) - free
    return any(stem[0].isdigit() for stem in only) or len(only) * 2 >= len(mine)


def _first_word(text: str) -> str:
    return next(iter(re.findall(r"\w+", text.lower())), "")


def _without(text: str, spans: Iterable[Span]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
