"""Names of persons in English and German text, without a model: titles, greetings and lists of names.

A capitalised word is taken for a name where something before it says so ("Dear", "my name is", "Frau"), where it
is a known given name, or where it is a known surname beside an initial or inside an English sentence. What
follows a name and looks like one belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from ragraft.tune.names import ORDINARY, NameLists, plain_name, word_list

__all__ = ["PARTICLES", "TITLES", "PersonFinder", "name_parts"]

TITLES = word_list("titles")
PARTICLES = word_list("particles")
"""Small words inside a name; they stay as they are."""

_GIVEN_TOO = word_list("given_too")
_SURNAME_TOO = word_list("surname_too")
_NEVER = word_list("never")
_ARTICLES = word_list("articles")

LONGEST = 4
"""Words of one name, without title and particles."""

_WORD = re.compile(r"[^\W\d_]+(?:['’\-‐][^\W\d_]+)*")
_BETWEEN = re.compile(r"[ \t\xa0]{1,2}|\.[ \t\xa0]?|[ \t]?,[ \t](?=(?:Jr|Sr|MD|PhD)\b)")
_SENTENCE = re.compile(r"(?:^|[.!?:;•\n\r\"“„(\[|>*-])\s*$")

_STRONG_CUE = re.compile(
    r"(?:\b(?:name(?:\s+is|'s|:|\s+appears\s+as)|(?:last|first|maiden)\s+name(?:\s+is|\?|:)|calls?\s+me|partner's\s+name|dear"
    r"|hi|hello|hey|signed(?:\s+by)?:?|regards,?|sincerely,?|cheers,?|best,|(?:my|his|her|our|your|their)\s+(?:kid|son|daughter"
    r"|wife|husband|partner|boss|manager|colleague|friend|brother|sister|mother|father|child)|directed\s+by|author:"
    r"|mein\s+name\s+ist|ich\s+heiße|namens|liebe[rs]?|hallo|sehr\s+geehrte[rs]?|grüßen?,?|gruß,?|ansprechpartner(?:in)?:"
    r"|kolleg(?:e|en|in)|z\.\s?hd\.))\s*$",
    re.IGNORECASE,
)
"""What stands right before a name, known or not. The line break after "Regards," counts as white space."""

_CUE = re.compile(
    r"(?:\b(?:cc:?|attn:?|contact:?|named|called|this\s+is|thanks,?|ask(?:ed)?(?:\s+for)?|(?:speak|talk)\s+(?:to|with)|email"
    r"|said|says|told|wrote|replied|(?:shouted|starring|written|created)(?:\s+(?:at|by))?|to:|from:|ich\s+bin|heißt|sagte?"
    r"|guten\s+tag|kund(?:e|in)|mitarbeiter(?:in)?))\s*$",
    re.IGNORECASE,
)
"""What often stands before a name and as often before something else: it makes a known surname one."""

_PLACE = re.compile(r"\b(?:in|at|near|from|aus|bei|nach)\s+$", re.IGNORECASE)
_VOCATIVE = re.compile(r",\s+(?:can|could|would|will|kannst|können|könnten)\s+(?:you|I|we|du|Sie|ich|wir)\b")
_SAYS = re.compile(
    r"\s+(?:says|said|asked|told|wrote|replied|lives|shouted|spent|called|phoned|complained|sagt|sagte|wohnt|schrieb|fragte|rief)\b"
)
_CREDENTIAL = re.compile(r",?\s+(?:MD|M\.D\.|PhD|Ph\.D\.|Jr\.?|Sr\.?|Esq\.?)(?!\w)")
_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|nicht|ich|wir|für|mit|auf|ein|eine|bitte|von)\b")
_ENGLISH = re.compile(r"\b(?:the|and|is|not|I|we|for|with|on|a|an|please|of|to|my|in)\b")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text and where it stands."""

    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return plain_name(self.text)

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def initial(self) -> bool:
        return len(self.text) == 1 and self.capital


class PersonFinder:
    """Finds names of persons."""

    def __init__(self, names: NameLists) -> None:
        self._names = names

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of names, titles left out, in order and not overlapping."""
        words = [Word(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]
        spans = list(self._spans(text, words))
        known = {
            plain_name(part) for start, end in spans for part in name_parts(text[start:end]) if len(part) > 2
        }
        return sorted([*spans, *_again(words, spans, known - (ORDINARY - _SURNAME_TOO))])

    def _spans(self, text: str, words: Sequence[Word]) -> Iterator[tuple[int, int]]:
        small = text.islower()
        german = len(_GERMAN.findall(text)) > len(_ENGLISH.findall(text))
        at = 0
        while at < len(words):
            count = self._length(text, words, at, small=small, german=german)
            if count:
                last = words[at + count - 1].end
                tail = _CREDENTIAL.match(text, last)
                yield words[at].start, tail.end() if tail else last
            at += max(1, count)

    def _length(self, text: str, words: Sequence[Word], at: int, *, small: bool, german: bool) -> int:
        """Return how many words from `at` on are a name: 0 if none begins there."""
        word = words[at]
        if word.plain in TITLES or (word.plain in PARTICLES and not small and not word.capital):
            return 0
        if self._after_title(text, words, at):
            return self._extent(text, words, at, any_case=not word.capital, german=german)
        if not (word.capital or small):
            return 0
        if word.initial and not self._continued(words, at, text):
            return 0
        before = text[max(0, word.start - 40) : word.start]
        given, surname = word.plain in self._names.given, word.plain in self._names.surnames
        extent = self._extent(text, words, at, any_case=small, german=german)
        follower = words[at + 1] if extent > 1 else None
        followed = follower is not None and follower.plain in self._names.surnames | _SURNAME_TOO
        if small:
            return extent if given or (surname and _STRONG_CUE.search(before)) else 0
        if _is_code(word) and not (given and followed):
            return 0
        if word.plain in ORDINARY or _any_ordinary(word):
            # "Will Anderson" is a name, "May Day" is none.
            return extent if followed and word.plain in _GIVEN_TOO else 0
        if given or (_STRONG_CUE.search(before) and not _common(word, german=german)):
            return extent
        if (word.initial and followed) or (surname and _CUE.search(before)):
            return extent
        begins = bool(_SENTENCE.search(before[-4:] or "\n"))
        if begins and _VOCATIVE.match(text, word.end) and not _common(word, german=german):
            return 1
        if german or _PLACE.search(before):
            return 0
        if followed and not begins and follower is not None and follower.plain not in ORDINARY:
            return extent
        return extent if surname and (_SAYS.match(text, word.end) or (extent == 1 and not begins)) else 0

    def _continued(self, words: Sequence[Word], at: int, text: str) -> bool:
        """Return whether an initial has a full stop and a surname after it."""
        follower = words[at + 1] if at + 1 < len(words) else None
        return (
            follower is not None
            and text[words[at].end : follower.start] in (". ", ".")
            and follower.capital
            and not follower.initial
            and follower.plain in self._names.surnames | _SURNAME_TOO
        )

    def _after_title(self, text: str, words: Sequence[Word], at: int) -> bool:
        if at == 0:
            return False
        before = words[at - 1]
        between = text[before.end : words[at].start]
        titled = before.plain in TITLES and before.plain not in ("sir", "madam", "med", "ing")
        return (
            titled
            and between in (" ", ". ", ".", "\xa0")
            and (words[at].capital or (before.text.islower() and text.islower()))
        )

    def _extent(self, text: str, words: Sequence[Word], at: int, *, any_case: bool, german: bool) -> int:
        """Return how many words from a name's first on belong to it."""
        count = names = 1
        while at + count < len(words) and names < LONGEST:
            last, word = words[at + count - 1], words[at + count]
            between = text[last.end : word.start]
            # A full stop stands inside a name only after an initial.
            if not _BETWEEN.fullmatch(between) or ("." in between and not last.initial):
                break
            if word.text in PARTICLES and at + count + 1 < len(words) and words[at + count + 1].capital:
                count += 1
                continue
            if not self._continues(word, any_case=any_case, german=german):
                break
            count, names = count + 1, names + 1
        # A particle at the end belongs to what follows.
        while count > 1 and words[at + count - 1].text in PARTICLES:
            count -= 1
        return count

    def _continues(self, word: Word, *, any_case: bool, german: bool) -> bool:
        known = word.plain in self._names.surnames | _SURNAME_TOO or word.plain in self._names.given
        if any_case and not word.capital:
            return known
        if not word.capital or (word.text.isupper() and len(word.text) > 1 and not known):
            return False
        return known or word.initial or not _common(word, german=german)


def _again(
    words: Sequence[Word], spans: Sequence[tuple[int, int]], known: Set[str]
) -> Iterator[tuple[int, int]]:
    """Yield where a part of a name found stands alone; "the Koch" is no part of "Anna Koch"."""
    inside = [range(start, end) for start, end in spans]
    for at, word in enumerate(words):
        if not word.capital or word.plain not in known or any(word.start in span for span in inside):
            continue
        if word.plain not in ORDINARY or at == 0 or words[at - 1].plain not in _ARTICLES:
            yield word.start, word.end


def name_parts(name: str) -> list[str]:
    """Return the words of a name that are names: no particles, no titles."""
    return [word for word in _WORD.findall(name) if word not in PARTICLES and plain_name(word) not in TITLES]


def _is_code(word: Word) -> bool:
    """Return whether a word has capitals inside, as GSA and PaaS do and McDonald does not."""
    inside = re.sub(r"^(?:Mc|Mac|De|Di|La|Le|O['’])(?=[A-Z])|[-‐'’]", "", word.text)[1:]
    return any(sign.isupper() for sign in inside)


def _any_ordinary(word: Word) -> bool:
    """Return whether a part of a hyphenated word is ordinary, "Wi-Fi" or "Follow-up" say."""
    parts = re.split(r"['’\-‐]", word.plain)
    return len(parts) > 1 and any(part in ORDINARY or len(part) < 2 for part in parts[:1])


def _common(word: Word, *, german: bool) -> bool:
    """Return whether a capitalised word is no part of a name although it follows a cue or a name."""
    return (
        word.plain in ORDINARY
        or word.plain in _NEVER
        or (word.text.isupper() and len(word.text) > 3)
        or (
            german
            and word.text[0].isupper()
            and word.plain.endswith(("ung", "heit", "keit", "schaft", "tion", "stelle"))
        )
    )
