"""Turns of a conversation that ask for nothing: thanks, greetings, yes and no, a choice among what nobody listed."""

from __future__ import annotations

import re

__all__ = ["asks_nothing", "without_courtesy"]

_PHRASES = """
thanks, thank you, many thanks, thx, cheers, a lot, so much, very much, for your help, for the help, for
that, hello, hello there, hi, hi there, hey, good morning, good afternoon, good evening, good night, good
day, bye, goodbye, see you, see you later, how are you, how are you doing, how do you do, nice to meet you,
welcome, you're welcome, ok, okay, k, alright, all right, fine, great, good, very good, nice, cool, perfect,
awesome, amazing, excellent, brilliant, wonderful, lovely, super, sure, right, correct, exactly, yes, yeah,
yep, yup, no, nope, please, sorry, pardon, understood, got it, i got it, i see, i understand, i know, never
mind, well, wow, oh, ah, aha, hm, hmm, haha, lol, done, who are you, what are you, what can you do, can you
help me, help me, that is all, that's all, that was all, that is it, that's it, that helps, that helped,
well done, that is great, that's great, that is good, that's good, that was helpful, that's helpful, good
job, danke, danke schön, danke sehr, danke dir, danke ihnen, dankeschön, vielen dank, vielen lieben dank,
besten dank, herzlichen dank, für die hilfe, für deine hilfe, für ihre hilfe, hallo, guten morgen, guten
tag, guten abend, gute nacht, moin, servus, tschüss, tschüß, ciao, auf wiedersehen, bis bald, bis später,
wie geht's, wie geht es dir, wie geht es ihnen, ja, nein, nee, doch, bitte, bitte schön, gut, sehr gut,
toll, klasse, prima, perfekt, schön, wunderbar, alles klar, klar, genau, richtig, stimmt, verstehe, ich
verstehe, verstanden, schon gut, passt, das passt, das war's, das war alles, das hilft, entschuldigung,
verzeihung, ach so, wer bist du, was kannst du, merci, merci beaucoup, bonjour, salut, au revoir, oui, non,
gracias, muchas gracias, hola, sí, grazie, grazie mille, buongiorno, obrigado, obrigada, děkuji, děkuju,
díky, ahoj, dziękuję, dzięki, dank je, bedankt, tack
"""
_LISTED = (re.escape(" ".join(phrase.split())) for phrase in _PHRASES.split(","))
_PHRASE = rf"(?:{'|'.join(sorted(_LISTED, key=len, reverse=True))})(?!\w)".replace("'", "['’]")
_COURTESY = re.compile(rf"[\W_]*{_PHRASE}(?:[\W_]+(?:and|und)\b)?", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]*")
_OPENING = re.compile(_PHRASE, re.IGNORECASE)
_MORE = re.compile(rf"[\s,]+{_PHRASE}", re.IGNORECASE)
# "Great, Britain ..." begins with a courtesy; "Great Britain ..." does not.
_END = re.compile(r"(?:\s*[,.!;:…–-]+\s+|\s+(?=(?:and|und)\b))(?=\w)", re.IGNORECASE)
_CHOICE = re.compile(
    r"(?:not |nicht )?(?:the|that|this|those|these|der|die|das|den|dem|diese[rnms]?)"
    r"(?: (?:other|first|second|third|next|last|one|ones|two|(?:ander|erst|zweit|dritt|nächst|letzt)\w+))*[.!]*",
    re.IGNORECASE,
)


def asks_nothing(turn: str) -> bool:
    """Return whether a turn, on one line, has nothing that could be looked up: "ok, thank you", "no, the other one"."""
    rest = turn[_last_end(_COURTESY, turn, 0) :]
    return bool(_SIGNS.fullmatch(rest) or _CHOICE.fullmatch(without_courtesy(turn)))


def without_courtesy(turn: str) -> str:
    """Return a turn, on one line, without the courtesy before its question: "Thanks! And in Brno?"."""
    opening = _OPENING.match(turn)
    found = _END.match(turn, _last_end(_MORE, turn, opening.end())) if opening else None
    return turn[found.end() :] if found else turn


def _last_end(pattern: re.Pattern[str], turn: str, start: int) -> int:
    """Return where the last of the matches ends that follow each other from `start` on."""
    # Not one expression of possessive parts: Python 3.11.2, which Debian 12 has, finds too little with those.
    while found := pattern.match(turn, start):
        start = found.end()
    return start
