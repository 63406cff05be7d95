"""A follow-up question, rewritten so that it stands alone.

Search sees one question and nothing before it, so "And in Brno?" must become a whole question. Rules do it
without a model; a model may do it better, and what it writes is used only if it adds no words of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ragraft.answer.question import SMALL_WORDS, topic_words
from ragraft.errors import ModelError
from ragraft.protocols import ChatModel
from ragraft.types import Message

__all__ = ["Rewriter", "rewrite_by_model", "rewrite_by_rules"]

Rewriter = Callable[[str, Sequence[Message]], str]

LONGEST = 300
"""A rewriting has at most this many characters; a longer earlier question is left out of it."""

_OPENING = re.compile(
    r"^(?:(?:and|or|but|then|ok|okay|und|oder|aber|dann)\b[\s,]*)?"
    r"(?:(?:what|how) about|(?:and|und) (?=\w)|wie (?:ist|sieht|steht) es (?:mit|bei|in)|was ist mit)?\s*",
    re.IGNORECASE,
)
# "Is there soup?" and "this year" point nowhere; German "Sie" is who is spoken to.
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|this(?! (?:year|quarter|month|week)\b)|that|these|those|he|she|his|her|him|"
    r"(?<!is )(?<!are )there(?! (?:is|are)\b)|then|one|ones|same|instead|else|"
    r"er|(?-i:sie)|ihn|ihm|ihr|ihre|dies\w*|jene\w*|dort|dafür|davon|damit|dabei|dazu|dasselbe|sonst|stattdessen)\b",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"^(?:and|or|but|what about|how about|und|oder|aber|was ist mit|wie (?:ist|sieht|steht) es)\b",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(
    r"^(?:(in|at|for|from|to|with|on|of|bei|in|für|aus|nach|mit)\s+)?(?:(?:the|der|die|das|den|dem)\s+)?([A-ZÄÖÜ][\w-]*)\s*\?*$"
)


def rewrite_by_rules(question: str, history: Sequence[Message]) -> str:
    """Return the question as one that stands alone: itself, or with what it points back to.

    "And in Brno?" after "What may a hotel in Kassel cost?" puts Brno in the place of Kassel; anything else
    that points back is put behind the question before.
    """
    before = ""
    for turn in [*(turn.content for turn in history if turn.role == "user"), question]:
        turn = " ".join(turn.split())
        before = _join(before, turn) if before and _leans(turn) else turn
    return before


def rewrite_by_model(model: ChatModel) -> Rewriter:
    """Return a rewriter that asks a model, and falls back on the rules where its words are not ours."""

    def rewrite(question: str, history: Sequence[Message]) -> str:
        turns = [turn for turn in history if turn.role != "system"]
        if not turns:
            return rewrite_by_rules(question, history)
        asked = [
            Message(
                "system",
                "Rewrite the user's last question so that it can be understood without the conversation. Use only words "
                "of the conversation. Reply with the question alone; if it stands alone already, repeat it.",
            ),
            *turns[-6:],
            Message("user", f"Last question: {question}"),
        ]
        try:
            written = model.generate(asked, max_tokens=80).text
        except ModelError:
            return rewrite_by_rules(question, history)
        said = " ".join([question, *(turn.content for turn in turns)])
        return _accepted(written, question=question, said=said) or rewrite_by_rules(question, history)

    return rewrite


def _leans(question: str) -> bool:
    """Return whether a question needs the one before it."""
    short = len(question.split()) < 9 and bool(_POINTS_BACK.search(question))
    return short or len(topic_words(question)) < 2 or bool(_LINKED.search(question))


def _join(before: str, question: str) -> str:
    fragment = _FRAGMENT.match(_OPENING.sub("", question, count=1))
    named = fragment and fragment[2].lower() not in SMALL_WORDS
    if fragment and named and (swapped := _swap(before, preposition=fragment[1] or "", name=fragment[2])):
        return swapped
    return f"{before} {question}" if len(before) + len(question) < LONGEST else question


def _swap(before: str, *, preposition: str, name: str) -> str:
    """Return the question before with `name` in the place of its like, or nothing if no place is plain."""
    names = list(re.finditer(r"(?<=[^\W_] )[A-ZÄÖÜ][\w-]*(?: [A-ZÄÖÜ][\w-]*)*", before))
    led = [one for one in names if before[: one.start()].lower().endswith(f" {preposition.lower()} ")]
    place = led if preposition and led else names
    if len(place) != 1 or place[0][0] == "I":
        return ""
    return before[: place[0].start()] + name + before[place[0].end() :]


def _accepted(written: str, *, question: str, said: str) -> str:
    """Return a model's rewriting if it is one line of words that were said, else nothing.

    It must keep the question's names and numbers, or it is another question.
    """
    lines = [line.strip().strip('"“”') for line in written.strip().splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > LONGEST:
        return ""
    words = _lower(topic_words(lines[0]))
    names = _lower(word for word in topic_words(question) if any(map(_names, word)))
    return lines[0] if words and names <= words <= _lower(topic_words(said)) else ""


def _names(letter: str) -> bool:
    return letter.isupper() or letter.isdigit()


def _lower(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)
