"""What one sentence says, taken apart: its words, quantities, names, and the small words that turn it round."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ragraft.verify.lexicon import (
    ABSOLUTES,
    ACRONYMS,
    ATTRIBUTION,
    CONNECTORS,
    DENIALS,
    EXCEPTIONS,
    MODALS,
    NEGATIONS,
    NO_NAME,
    OPPOSITES,
    STOP_WORDS,
    TENTATIVE,
)
from ragraft.verify.numbers import quantities
from ragraft.verify.quantity import Quantity

__all__ = ["Cue", "Statement", "Terms", "Token", "Word", "guess_language", "kinds_of", "plain"]

Terms = Callable[[str], Sequence[str]]

_WORD = re.compile(r"[^\W_]+(?:['’](?:s|t|d|m|ll|re|ve)\b)?|[,;:–—()|.!?]", re.IGNORECASE)
_LINK = re.compile(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)|https?://\S+|<[^<>\n]{1,200}>")
_ENDING = re.compile(r"['’]\w+$")
_SIGN = re.compile(r"[*_`#>\[\]]|\\(?=[^\w\s])")
_GERMAN = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "nicht",
        "mit",
        "von",
        "den",
        "dem",
        "ein",
        "eine",
        "für",
        "auf",
        "werden",
        "wird",
        "sind",
        "oder",
        "bei",
        "zum",
        "zur",
        "im",
        "des",
        "als",
        "auch",
    ]
)
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "is",
        "in",
        "are",
        "for",
        "with",
        "that",
        "be",
        "was",
        "on",
        "by",
        "or",
        "not",
        "at",
        "from",
        "as",
        "this",
        "it",
        "you",
        "an",
        "must",
        "may",
    ]
)
_LETTERS = re.compile(r"[^\W\d_]+")
# Phrases whose words mean something else together, by what stands for them.
_PHRASES = (
    (
        re.compile(
            r"\b(?:is|are|was|were|be|been)\s+(?:planned|expected|scheduled|intended|proposed|supposed|due)\b"
            r"|\b(?:plan|plans|aim|aims|intend|intends|hope|hopes)\s+to\b",
            re.IGNORECASE,
        ),
        "tentative",
    ),
    (re.compile(r"\b(?:have|has|had|need|needs|haben|hat)\s+(?:to|zu)\b", re.IGNORECASE), "must"),
    (re.compile(r"\b(?:no|not|nicht)\s+(?:only|nur|just|bloß|bloss)\b", re.IGNORECASE), ""),
    (
        re.compile(
            r"\b(?:no|not|nicht)\s+(?:more|less|fewer|later|longer|earlier|greater|higher|lower|mehr|weniger|länger|später|früher)\s+(?:than|als)\b",
            re.IGNORECASE,
        ),
        "",
    ),
    (re.compile(r"\bno\.\s*(?=\d)", re.IGNORECASE), ""),
    (re.compile(r"\b(?:whether|if)\s+or\s+not\b", re.IGNORECASE), ""),
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word that carries meaning: its stem, its place, and the number of the clause it stands in."""

    stem: str
    text: str
    start: int
    place: int
    clause: int
    capital: bool
    initial: bool


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that turns a sentence: `kind` of what it does, and where."""

    kind: str
    text: str
    place: int
    clause: int


@dataclass(frozen=True, slots=True)
class Token:
    """Any word as it stands, or a quantity: what a sentence is made of, one after another."""

    text: str
    stem: str
    capital: bool
    initial: bool
    quantity: Quantity | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    words: list[Word]
    cues: list[Cue]
    tokens: list[Token]
    places: list[int]
    clauses: list[int]


class Statement:
    """A sentence or table row, taken apart when first asked for.

    `language` ("de", "en" or "") is that of what stands around it.
    """

    def __init__(self, text: str, *, terms: Terms, language: str = "") -> None:
        self.text = text
        self.terms = terms
        self._language = language

    @cached_property
    def language(self) -> str:
        """The language of the text itself, or that of its passage where it is too short to tell."""
        return guess_language(self.text) or self._language

    @cached_property
    def readable(self) -> str:
        """The text with addresses and signs of Markdown blanked out, every character in its place."""
        return plain(self.text)

    @cached_property
    def quantities(self) -> list[Quantity]:
        return quantities(self.readable, language=self.language)

    @cached_property
    def _parts(self) -> _Parts:
        return _take_apart(self)

    @property
    def words(self) -> list[Word]:
        """The words that carry meaning, without those of the quantities."""
        return self._parts.words

    @property
    def cues(self) -> list[Cue]:
        return self._parts.cues

    @property
    def tokens(self) -> list[Token]:
        """Every word and quantity in order."""
        return self._parts.tokens

    @property
    def places(self) -> list[int]:
        """The place of each quantity, counted in words of the sentence as `Word.place` is."""
        return self._parts.places

    @property
    def clauses(self) -> list[int]:
        """The clause of each quantity."""
        return self._parts.clauses

    @cached_property
    def names(self) -> list[Word]:
        """The words that name someone or something. German capitals tell nothing, so there are none of it."""
        if self.language == "de":
            return [word for word in self.words if word.text.isupper() and len(word.text) > 1]
        capitals = [word for word in self.words if word.capital and not word.initial]
        most = sum(word.capital for word in self.words) > 0.7 * len(self.words) and len(self.words) > 4
        return [word for word in capitals if word.text.isupper() and len(word.text) > 1] if most else capitals

    def has(self, kind: str) -> list[Cue]:
        """Return the cues of one kind."""
        return [cue for cue in self.cues if cue.kind == kind]


def plain(text: str) -> str:
    """Return a text of the same length with link targets, tags and signs of emphasis blanked out."""
    if not any(sign in text for sign in "*_`#>[]<\\/"):
        return text
    blanked = _LINK.sub(lambda found: " " * len(found.group()), text)
    return _SIGN.sub(" ", blanked)


def guess_language(text: str) -> str:
    """Return "de" or "en" by the small words of a text, "" if they tell nothing."""
    words = [word.lower() for word in _LETTERS.findall(text[:2000])]
    german = sum(word in _GERMAN for word in words)
    english = sum(word in _ENGLISH for word in words)
    if german == english:
        return "de" if german and re.search("[äöüß]", text) else ""
    return "de" if german > english else "en"


def _take_apart(statement: Statement) -> _Parts:
    text = statement.readable
    # A sign of money is no word: the quantity begins at its first letter or digit.
    begins = {
        next(place for place in range(quantity.start, quantity.end) if text[place].isalnum()): at
        for at, quantity in enumerate(statement.quantities)
    }
    ends = 0
    phrases, covered = _phrases(text)
    parts = _Parts([], [], [], [0] * len(begins), [0] * len(begins))
    place, clause, initial = 0, 0, True
    for match in _WORD.finditer(text):
        start, written = match.start(), match.group()
        inside = [begins[at] for at in range(start, match.end()) if at in begins] if begins else ()
        for at in inside:
            quantity = statement.quantities[at]
            parts.places[at], parts.clauses[at] = place, clause
            parts.tokens.append(
                Token(
                    quantity.shown.lower(),
                    f"={quantity.shown.lower()}",
                    capital=False,
                    initial=initial,
                    quantity=quantity,
                )
            )
            ends = quantity.end
        if start in phrases:
            parts.cues.append(Cue(phrases[start], written, place, clause))
        if inside or start < ends:
            place += 1
            initial = False
            continue
        if not written[0].isalnum():
            clause += 1
            initial = initial or written in ".!?:"
            continue
        lower = written.lower()
        clause += lower in CONNECTORS
        place += 1
        kinds = () if start in covered else kinds_of(lower)
        parts.cues.extend(Cue(kind, lower, place, clause) for kind in kinds)
        capital = written[0].isupper() and lower not in NO_NAME
        bare = written if written.isalnum() else _ENDING.sub("", written)
        stems = statement.terms(bare)
        parts.tokens.append(
            Token(written if _is_acronym(written, lower) else lower, "".join(stems), capital, initial)
        )
        if (lower not in STOP_WORDS or _is_acronym(written, lower)) and "negation" not in kinds:
            for stem in stems:
                parts.words.append(Word(stem, bare, start, place, clause, capital, initial))
        initial = False
    return parts


def _is_acronym(written: str, lower: str) -> bool:
    """Return whether capitals make a name of what else is a small word."""
    return lower in ACRONYMS and written.isupper()


def _phrases(text: str) -> tuple[dict[int, str], set[int]]:
    """Return what phrases stand for, by where they begin, and the characters they cover."""
    found: dict[int, str] = {}
    covered: set[int] = set()
    for pattern, kind in _PHRASES:
        for match in pattern.finditer(text):
            covered.update(range(*match.span()))
            if kind:
                found[match.start()] = kind
    return found, covered


@lru_cache(maxsize=1 << 14)
def kinds_of(word: str) -> tuple[str, ...]:
    """Return what a word in lower case does to a sentence: negation, must, tentative, ..."""
    kinds = []
    if word in NEGATIONS or word.endswith(("n't", "n’t")):
        kinds.append("negation")
    if word in DENIALS:
        kinds.append("denial")
    if word in EXCEPTIONS:
        kinds.append("exception")
    if word in MODALS:
        kinds.append(MODALS[word])
    if word in TENTATIVE:
        kinds.append("tentative")
    if word in ATTRIBUTION:
        kinds.append("attribution")
    if word in ABSOLUTES:
        kinds.append("absolute")
    if word in OPPOSITES:
        kinds.append("turn")
    return tuple(kinds)
