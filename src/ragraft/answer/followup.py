"""A follow-up question, rewritten so that it stands alone.

Search sees one question and nothing before it, so "And in Brno?" must become a whole question. Rules do it
without a model; a model may do it better, and what it writes is used only if it adds no words of its own.
What asks for nothing ("Thanks!") or may be a topic of its own is left as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ragraft.answer.courtesy import asks_nothing, without_courtesy
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
    r"(?:(?:what|how) about|i meant?|(?:and|und) (?=\w)|wie (?:ist|sieht|steht) es (?:mit|bei|in)|was ist mit|"
    r"ich meint?e)?\s*",
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
    r"^(?:and|or|but|what about|how about|i meant?|und|oder|aber|was ist mit|wie (?:ist|sieht|steht) es|ich meint?e)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?\s*$|^(?:what|when|where|which|who|whom|whose|why|how|was|wann|wo|welche\w*|wer|wem|wen|wessen|warum|wieso|wie)\b",
    re.IGNORECASE,
)
_GO_ON = frozenset(
    [
        "more",
        "details",
        "explain",
        "elaborate",
        "continue",
        "example",
        "examples",
        "mehr",
        "genauer",
        "weiter",
        "beispiel",
    ]
)
_NAME = r"[A-ZÄÖÜ][\w-]*(?: [A-ZÄÖÜ\d][\w-]*)*"
_NAMED = re.compile(rf"(?P<before>[^\W_]+) (?P<name>{_NAME})")
_FRAGMENT = re.compile(
    r"^(?:((?i:in|at|for|from|to|with|on|of|bei|für|aus|nach|mit))\s+)?(?:(?:the|der|die|das|den|dem)\s+)?"
    rf"({_NAME})\s*[?.!]*$"
)
# In German every noun has a capital, and so has whatever begins a question: there it is no sign of a name.
_CAPITALS_TELL = re.compile(r"^(?:(?:and|or|but|(?:what|how) about|i meant?)\b|[A-Z]+-?\d)", re.IGNORECASE)
_PLACED = frozenset({"in", "at", "for"})
"""What may stand before one and the same name: "in Hamburg", "and for Berlin?"."""


def rewrite_by_rules(question: str, history: Sequence[Message]) -> str:
    """Return the question as one that stands alone: itself, or with what it points back to.

    "And in Brno?" after "What may a hotel in Kassel cost?" puts Brno in the place of Kassel; anything else
    that points back is put behind the question before. What asks for nothing is itself, and is looked past by
    what comes after it.
    """
    before = ""
    asked = _on_one_line(question)
    if asks_nothing(asked):
        return asked
    for turn in [*(_on_one_line(turn.content) for turn in history if turn.role == "user"), asked]:
        if not asks_nothing(turn):
            bare = without_courtesy(turn)
            before = _join(before, bare) if before and _leans(bare) else turn
    return before


def rewrite_by_model(model: ChatModel) -> Rewriter:
    """Return a rewriter that asks a model, and falls back on the rules where its words are not ours."""

    def rewrite(question: str, history: Sequence[Message]) -> str:
        turns = [turn for turn in history if turn.role != "system"]
        if not turns or asks_nothing(_on_one_line(question)):
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


def _on_one_line(turn: str) -> str:
    return " ".join(turn.split())


def _leans(question: str) -> bool:
    """Return whether a question needs the one before it; a bare word may be a topic of its own, and does not."""
    words = _lower(topic_words(question))
    if words <= _GO_ON or _LINKED.search(question):
        return True
    if len(question.split()) < 9 and _POINTS_BACK.search(question):
        return True
    if fragment := _FRAGMENT.match(question):
        return bool(fragment[1] or _CAPITALS_TELL.search(question))
    return len(words) < 2 and bool(_ASKS.search(question))


def _join(before: str, question: str) -> str:
    fragment = _FRAGMENT.match(_OPENING.sub("", question, count=1))
    if fragment and fragment[2].lower() not in SMALL_WORDS:
        telling = bool(_CAPITALS_TELL.search(question))
        if swapped := _swap(
            before, preposition=(fragment[1] or "").lower(), name=fragment[2], telling=telling
        ):
            return swapped
    return f"{before} {question}" if len(before) + len(question) < LONGEST else question


def _swap(before: str, *, preposition: str, name: str, telling: bool) -> str:
    """Return the question before with `name` in the place of its like, or nothing if no place is plain.

    Like is what stands behind the same preposition, and has a digit if the name has one. Where capitals are
    `telling`, a name alone takes the place of a name, and "for Berlin" that of "in Hamburg".
    """
    names = [
        one
        for one in _NAMED.finditer(before)
        if one["name"] != "I" and _has_digit(one["name"]) == _has_digit(name)
    ]
    if preposition and (same := [one for one in names if one["before"].lower() == preposition]):
        return _replaced(before, [one.span("name") for one in same], name)
    if telling and preposition in _PLACED:
        places = [one.span() for one in names if one["before"].lower() in _PLACED]
        return _replaced(before, places, f"{preposition} {name}")
    if telling and not preposition:
        return _replaced(before, [one.span("name") for one in names], name)
    return ""


def _replaced(text: str, places: Sequence[tuple[int, int]], new: str) -> str:
    if len(places) != 1:
        return ""
    ((start, end),) = places
    return text[:start] + new + text[end:]


def _has_digit(name: str) -> bool:
    return any(letter.isdigit() for letter in name)


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
