"""Recognisers of our own for Presidio: persons, street addresses, e-mail addresses, dates of birth.

Presidio's own for e-mail addresses asks the network for a list of domains, its own for phone
numbers takes prices for them, and its own for driving licences takes page numbers: those are not used.
"""

from __future__ import annotations

import re
from typing import Any

from ragraft.tune.persons import PersonFinder

__all__ = [
    "address_recognizer",
    "birth_recognizer",
    "email_recognizer",
    "licence_recognizer",
    "person_recognizer",
    "phone_recognizer",
]

CERTAIN = 0.9

_EMAIL = r"(?<![\w.+-])\w[\w.!#$%&'*+/=?^{|}~-]*@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}"

_NUMBER = r"\d{1,5}[a-zA-Z]?"
_CAPITAL = r"[A-ZÀ-Þ][\w'’.\-]*"
_STREET_WORD = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Boulevard|Blvd\.?|Court|Ct\.?|Place|Pl\.?|Square"
    r"|Terrace|Parade|Crescent|Close|Highway|Hwy\.?|Way|Parkway)"
)
_GERMAN_STREET = (
    r"[A-ZÄÖÜ][\w\-]*(?:straße|strasse|str\.|gasse|weg|allee|platz|ring"
    r"|damm|ufer|steig|chaussee|straat|laan|gürtel)"
)
_UNIT = r"(?:,?\s*(?:Apt\.?|Suite|Unit|Flat|Apartment|Ste\.?)\s*\d+\w?)"
_POSTCODE = r"(?:,?\s*(?:[A-Z]{1,2}-)?\d{4,5}\s+[A-ZÀ-Þ][\w\-]+(?:\s[A-ZÀ-Þ][\w\-]+)?)"

_ADDRESSES = (
    # 12 Nelson Mandela Drive, Suite 4
    rf"\b(?:{_NUMBER}\s+){{1,2}}(?:{_CAPITAL}\s+){{1,4}}{_STREET_WORD}(?!\w){_UNIT}?",
    # Ziegelgasse 26, 34117 Kassel
    rf"\b(?:{_NUMBER}\s+)?{_GERMAN_STREET}\s+{_NUMBER}\b{_UNIT}?{_POSTCODE}?",
    # 48 rue Descartes
    rf"\b(?:{_NUMBER},?\s+)+(?:rue|via|calle|avenue|avenida|place)\s+(?:(?:de|du|des|della|la)\s+)?{_CAPITAL}(?:\s{_CAPITAL})*",
    r"\b(?:Suite|Apt\.?|Apartment)\s+\d+\w?\b",
)
_STATED = r"(?i)(?<=\bzip: )\d{5}\b|(?<=\bplz: )\d{5}\b|(?<=\bpostcode: )[A-Z\d]{3,4}\s?[A-Z\d]{3}\b"

# An address that somebody says is one: number, words, and perhaps another number.
_SAID = (
    r"(?<=\b(?:address(?:es)?|lives?|lived|return|located|moved|home)\b[^.\n\d]{0,30})"
    r"\d{1,5}\s+(?!(?:or|and|to|of|in|oder|und|bis)\b)(?:[\w.\-]+\s+){1,3}\d{1,5}\b"
)

_EXTENSION = r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?"
_DIGITS = r"\(?\d[\d ()./-]{5,18}\d"
_PHONES = (
    rf"(?<![\w+])(?:\+|00)\d{{1,3}}[ ./-]?\(?\d[\d ()./-]{{5,16}}\d{_EXTENSION}(?!\w)",
    rf"(?<!\w)\(\d{{2,5}}\)[ -]?\d{{3,5}}[ -]?\d{{2,5}}{_EXTENSION}(?!\w)",
    rf"(?<![\w.-])(?:1-)?\d{{3}}[-. ]\d{{3}}[-. ]\d{{4}}{_EXTENSION}(?![\w-])",
    rf"(?i)(?<=\b(?:call|phone|tele(?:ph|f)on\w*|tel|mobile?|cell|fax|desk|dial|handy|anrufen)\b[^\d\n]{{0,15}}){_DIGITS}{_EXTENSION}(?!\w)",
    rf"(?i)(?<!\w){_DIGITS}{_EXTENSION}(?=\s(?:office|fax|mobile|cell|desk|home)\b)",
)

_LICENCE = r"(?<=\b(?:driv(?:er|ing)(?:['’]?s)?\s+licen[cs]e|führerschein\w*)\b[^\d\n]{0,20})[A-Z]{0,3}\d[A-Z\d-]{5,17}\b"

_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}\.?\s+[A-Za-zä]+\s+\d{4}"
    r"|[A-Z][a-z]+\s+\d{1,2},\s+\d{4})"
)
_BORN = tuple(
    rf"(?i)(?<={cue} ){_DATE}"
    for cue in (
        "born on",
        "born",
        "date of birth:",
        "date of birth is",
        "dob:",
        "geboren am",
        "geb. am",
        "geb.",
        "geburtsdatum:",
    )
)


def email_recognizer() -> Any:
    """Return a recogniser of e-mail addresses."""
    return _patterns("EMAIL_ADDRESS", _EMAIL)


def address_recognizer() -> Any:
    """Return a recogniser of streets with numbers, and of stated post codes."""
    return _patterns("ADDRESS", *_ADDRESSES, _STATED, _SAID, any_case=False)


def birth_recognizer() -> Any:
    """Return a recogniser of dates of birth; other dates stay, for they are what documents say."""
    return _patterns("BIRTH_DATE", *_BORN)


def licence_recognizer() -> Any:
    """Return a recogniser of driving licence numbers that are said to be one."""
    return _patterns("US_DRIVER_LICENSE", _LICENCE)


def phone_recognizer() -> Any:
    """Return a recogniser of phone numbers that are written as such, or said to be one."""
    return _patterns("PHONE_NUMBER", *_PHONES)


def person_recognizer(finder: PersonFinder) -> Any:
    """Return a recogniser of names of persons."""
    from presidio_analyzer import LocalRecognizer, RecognizerResult

    class PersonRecognizer(LocalRecognizer):
        """Fits our finder to Presidio's seam."""

        def load(self) -> None:
            """Nothing is loaded."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            """Return the names found."""
            return [RecognizerResult("PERSON", start, end, CERTAIN) for start, end in finder.find(text)]

    return PersonRecognizer(supported_entities=["PERSON"])


def _patterns(entity: str, *patterns: str, any_case: bool = True) -> Any:
    """Return a recogniser of patterns; Presidio compiles them with `regex`, which looks behind at any length."""
    from presidio_analyzer import Pattern, PatternRecognizer

    made = [Pattern(f"{entity} {number}", pattern, CERTAIN) for number, pattern in enumerate(patterns)]
    return PatternRecognizer(
        supported_entity=entity,
        patterns=made,
        name=f"{entity} recogniser",
        global_regex_flags=re.MULTILINE | (re.IGNORECASE if any_case else 0),
    )
