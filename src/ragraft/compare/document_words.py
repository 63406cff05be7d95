"""How documents put an answer: the stretches of a changed text that say it, as further right answers.

A file says "November 15" and the document "no later than November 15th"; it says "No", and the document "Do not use a
Personal Meeting ID". Who quotes the document is right, and one who quotes it as it was is out of date.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from ragraft.questions import holds_answer
from ragraft.types import Question
from ragraft.verify.units import NUMBER_WORDS

__all__ = ["in_other_numerals", "polarity", "wordings"]

_WORD = re.compile(r"[^\W_]+(?:[.,:/][^\W_]+)*")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)$")
_POLAR = re.compile(r"\W*(yes|no)\b[\s,.;:-]*", re.IGNORECASE)
_ARTICLES = frozenset({"a", "an", "the"})

_DIGITS = {name: f"{value:.0f}" for name, value in NUMBER_WORDS.items() if value < 100}
_NAMES = {digits: name for name, digits in reversed(_DIGITS.items()) if name.isascii() and int(digits) < 20}
"""The names of the numbers below twenty; the table begins with the English ones."""

LOOSE = 3
"""A stretch says an answer if it has its words in order and at most so many times as many words."""

CONTEXT = 3
"""Least words of a stretch that tells an old text from a new one, with those around what was changed."""

QUOTED = 6
"""So many words in a row of a text that was put in or taken out are a quotation of it."""


def polarity(text: str) -> str:
    """Return the "yes" or "no" that a text begins with, else ""."""
    found = _POLAR.match(text)
    return found[1].lower() if found else ""


def wordings(answer: str, text: str, other: str) -> tuple[str, ...]:
    """Return stretches of `text` that say the answer, where the answer itself does not stand there.

    `other` is what the text was before or became. A stretch with the words of the answer in order; else those that
    differ from the other text, with a word or more around them; else, where there is no other text, what quotes it.
    """
    said = _POLAR.sub("", answer, count=1) if polarity(answer) else answer
    rest = (said,) if said != answer and len(said.split()) > 1 else ()
    if not polarity(answer) and holds_answer(text, Question("", "", answer, (), (), "")):
        return ()
    if not polarity(answer) and (found := _stretch(said, text)):
        return (found,)
    words = [match[0] for match in _WORD.finditer(text)]
    if other:
        return (*rest, *_differing(words, [match[0] for match in _WORD.finditer(other)]))
    return (*rest, *(" ".join(words[at : at + QUOTED]) for at in range(max(1, len(words) - QUOTED + 1))))


def in_other_numerals(wording: str) -> tuple[str, ...]:
    """Return a wording with its number words as digits, and with its digits below twenty as English words."""
    as_digits = _WORD.sub(lambda word: _DIGITS.get(word[0].casefold(), word[0]), wording)
    as_names = _WORD.sub(lambda word: _NAMES.get(word[0], word[0]), wording)
    return tuple(one for one in (as_digits, as_names) if one != wording)


def _stretch(answer: str, text: str) -> str:
    """Return the shortest stretch of a text that has the words of an answer in order, or ""."""
    wanted = [_key(match[0]) for match in _WORD.finditer(answer)]
    wanted = [word for word in wanted if word not in _ARTICLES]
    places = list(_WORD.finditer(text))
    words = [_key(place[0]) for place in places]
    best: tuple[int, int] | None = None
    for first in (at for at, word in enumerate(words) if wanted and word == wanted[0]):
        last, at = first, first
        for word in wanted[1:]:
            if word not in words[at + 1 :]:
                break
            last = at = words.index(word, at + 1)
        else:
            if last - first < LOOSE * len(wanted) and (best is None or last - first < best[1] - best[0]):
                best = (first, last)
    return text[places[best[0]].start() : places[best[1]].end()] if best else ""


def _differing(words: list[str], others: list[str]) -> tuple[str, ...]:
    """Return the stretches of a text that another has not, each with enough words around it."""
    mine, theirs = list(map(_key, words)), list(map(_key, others))
    found = []
    for tag, start, end, _, _ in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        first, last = max(0, start - 1), min(len(words), end + 1)
        while last - first < CONTEXT and (first > 0 or last < len(words)):
            first, last = max(0, first - 1), min(len(words), last + 1)
        stretch = " ".join(words[first:last])
        if stretch and f" {' '.join(mine[first:last])} " not in f" {' '.join(theirs)} ":
            found.append(stretch)
    return tuple(dict.fromkeys(found))


def _key(word: str) -> str:
    return _ORDINAL.sub("", word.casefold())
