"""What kind of thing a question asks for, and whether a text has one: a passage without cannot answer it.

Source: answer types as in Li & Roth 2002, "Learning Question Classifiers", of which these are three coarse ones;
English and German. A question that is not recognised asks for anything.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["AnswerType", "answer_type", "has_type"]

AnswerType = Literal["number", "time", "name"]

_ASKS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "time",
        re.compile(
            r"^when\b|\bwhat (?:time|date|day|year|month)\b|\bwhich (?:day|date|year|month)\b"
            r"|\b(?:by|since|until) when\b|\bhow (?:soon|late|early)\b|\bdeadline\b"
            r"|^(?:ab |bis |seit )?wann\b|\bum wie viel uhr\b|\bwelche[mnrs]? (?:tag|datum|jahr|monat)\b",
            re.I,
        ),
    ),
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|long|often|far|big|high|old|heavy|large|wide|deep|fast)\b|\bpercent"
            r"|\b(?:limit|cost|price|rate|fee|amount|budget|maximum|minimum|max|number|salary|size|penalty|percentage)\b"
            r"|\bwie ?(?:viele?[mnrs]?|lange|oft|hoch|weit|groß|schwer|alt|schnell|teuer)\b|\bwas kostet\b",
            re.I,
        ),
    ),
    (
        "name",
        re.compile(
            r"^whom?\b|\bto whom\b|^we[rnm]\b"
            r"|\bwhich (?:person|supplier|company|firm|team|colleague|office|agency|vendor)\b",
            re.I,
        ),
    ),
)
_COUNTED = (
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty hundred "
    "thousand half quarter once twice none free unlimited no ein eine zwei drei vier fünf sechs sieben acht neun "
    "zehn elf zwölf zwanzig hundert halb einmal zweimal kein keine kostenlos"
)
_TIMES = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december daily weekly monthly quarterly yearly annually every noon midnight "
    "immediately before after morning evening montag dienstag mittwoch donnerstag freitag samstag sonntag januar "
    "februar märz mai juni juli oktober dezember täglich wöchentlich monatlich jährlich jeden mittag mitternacht "
    "sofort vor nach morgens abends"
)
_PEOPLE = "team office manager desk department owner lead chief director agency leitung abteilung büro"


def _any_of(words: str) -> str:
    return rf"\b(?:{'|'.join(words.split())})s?\b"


_HAS: dict[AnswerType, re.Pattern[str]] = {
    "number": re.compile(rf"\d|{_any_of(_COUNTED)}", re.I),
    "time": re.compile(rf"\d|{_any_of(_TIMES)}", re.I),
    # A word with a capital that does not open the text, a cell or a sentence; or an address.
    "name": re.compile(rf"(?<![.!?:|*\n-] )(?<!^)\b[^\W\d_a-zäöü][^\W\d_A-ZÄÖÜ]+|@|(?i:{_any_of(_PEOPLE)})"),
}


def answer_type(question: str) -> AnswerType | None:
    """Return what a question asks for, or None for anything else."""
    for kind, pattern in _ASKS:
        if pattern.search(question.strip()):
            return kind
    return None


def has_type(text: str, kind: AnswerType | None) -> bool:
    """Return whether a text has a thing of this kind; any text has what None stands for."""
    return kind is None or _HAS[kind].search(text) is not None
