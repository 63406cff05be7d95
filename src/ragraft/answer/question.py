"""The words of a question that say what it is about."""

from __future__ import annotations

import re

from ragraft.verify.lexicon import STOP_WORDS

__all__ = ["SMALL_WORDS", "topic_words"]

_ASKING = (
    "many much long often get gets got need needs want someone somebody anyone anything something whose why "
    "i'm i've i'd i'll we're we've we'd you're he's she's it's that's there's what's who's where's how's don't doesn't "
    "didn't can't won't isn't aren't based work works working tell say says mean means happen happens have use give "
    "first right really actually currently please thing things way take takes make makes go goes going come comes "
    "today now still again already ever always soon few lot bit kind sort hold holds keep keeps stay stays left rather "
    "big large small old new hasn't haven't doesn't worth euros euro else different same start started end "
    "ich mich mir dich dir euch ihn ihm ihnen mein meine meinen meinem meiner deine unsere unseren schon noch heute "
    "möchte will brauchen bleiben bleibt geht gehen gibt gilt gelten mehr weniger vielen wenig wenige gerade eigentlich "
    "viel viele lange oft brauche braucht bekomme bekommt jemand etwas warum wann wem wen wessen"
)

SMALL_WORDS = STOP_WORDS | frozenset(_ASKING.split())
"""Words, in lower case, that occur in questions about anything."""

_WORD = re.compile(r"[^\W_]+(?:[-’'.,/][^\W_]+)*")


def topic_words(question: str) -> list[str]:
    """Return the telling words of a question as they stand in it, each once, in order."""
    written = question.replace("’", "'")
    words = (word for word in _WORD.findall(written) if word.lower() not in SMALL_WORDS)
    return list(dict.fromkeys(words))
