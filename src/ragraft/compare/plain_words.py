"""What an answer says, without the form it says it in: quotations, numbers of passages, and talk about both."""

from __future__ import annotations

import re

__all__ = ["own_words", "without_form"]

_QUOTATION = re.compile(r"[“\"][^“”\"\n]{1,2000}[”\"]\s*(?:\[\d{1,3}\])+[.,;]?")
_MARK = re.compile(r"\s*\[\s*(?:\d{1,3}(?:\s*[,;]\s*\d{1,3})*|unsupported)\s*\]")
_QUOTES = re.compile(r"[“”\"]")
_LEAD_IN = re.compile(
    r"""(?:^|(?<=[.!?]\s))(?:
      (?:based\s+on|according\s+to|as\s+per|in)\s+(?:the\s+)?(?:given\s+|provided\s+|numbered\s+|above\s+)*
        (?:documents?|passages?|texts?|information|context)\b(?:\s+\d{1,3})?(?:\s+(?:given|provided|above))?,\s*
    | (?:the\s+)?(?:documents?|passages?|texts?)(?:\s+\d{1,3})?\s+(?:says?|states?|mentions?)(?:\s+that)?:?\s+
    | (?:the\s+)?answer(?:\s+to\s+(?:the|your)\s+question)?(?:\s+is\b|\s*:)\s*(?:that\s+|:\s*)?
    | (?:sure|certainly|of\s+course)[,!.]\s*
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def own_words(text: str) -> str:
    """Return a text without what it quotes with a passage's number."""
    return _QUOTATION.sub(" ", text)


def without_form(text: str) -> str:
    """Return the answer in a text: no quoted source with its number, no marks, no words that only lead up to it.

    A text that is nothing but quotations keeps their words. Systems are taught different forms, and a measure of
    words would else tell the forms apart and not the answers.
    """
    bare = own_words(text)
    if not any(sign.isalnum() for sign in _MARK.sub("", bare)):
        bare = text
    bare = _QUOTES.sub("", _MARK.sub("", bare))
    return " ".join(_LEAD_IN.sub("", bare.strip()).split())
