"""The words of a question that say what it is about."""

from __future__ import annotations

import re

from ragraft.verify.lexicon import STOP_WORDS

__all__ = ["SMALL_WORDS", "topic_words"]

_ASKING = (
    "many much long often get gets got need needs want someone somebody anyone anything something whose why "
    "viel viele lange oft brauche braucht bekomme bekommt jemand etwas warum wann wem wen wessen"
)

SMALL_WORDS = STOP_WORDS | frozenset(_ASKING.split())
"""Words, in lower case, that occur in questions about anything."""

_WORD = re.compile(r"[^\W_]+(?:[-’'.,/][^\W_]+)*")


def topic_words(question: str) -> list[str]:
    """Return the telling words of a question as they stand in it, each once, in order."""
    words = (word for word in _WORD.findall(question) if word.lower() not in SMALL_WORDS)
    return list(dict.fromkeys(words))
