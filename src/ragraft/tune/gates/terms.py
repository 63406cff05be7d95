"""Whether the tuned model knows the house terms, and does not take them for what outsiders mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragraft.questions import holds_answer
from ragraft.tune.gates.gate import Ask, Gate, gate_above
from ragraft.tune.wording import TERMS
from ragraft.types import Example, Message, Question

__all__ = ["Term", "knows_term", "term_questions", "terms_from", "terms_gate"]

ASKED = {
    "en": ("What is meant by {term} at our company?", "Explain {term} to a newcomer in one sentence."),
    "de": ("Was ist in unserer Firma mit {term} gemeint?", "Erkläre einem Neuling in einem Satz: {term}."),
}
"""Worded otherwise than what house terms are taught with (tune/wording.py), so that words alone do not help."""

LONG = 7
"""A meaning of more words than this may be said in other words; a shorter one is a name and may not."""
RECALL = 0.7
_SMALL = frozenset(
    {
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "is",
        "are",
        "was",
    }
    | {
        "be",
        "it",
        "its",
        "that",
        "this",
        "which",
        "who",
        "not",
        "as",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
    }
    | {
        "ein",
        "eine",
        "einen",
        "einem",
        "einer",
        "und",
        "oder",
        "von",
        "zu",
        "im",
        "am",
        "auf",
        "für",
        "mit",
        "ist",
    }
)
_DENIED = re.compile(r"\b(?:not|rather than|instead of|nicht|keine?|statt)\b[^.;:!?\n]*", re.IGNORECASE)
_REMARK = re.compile(r"\s*\([^()]*\)$")
_LETTERS = re.compile(r"\w+")
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Term:
    """A house term as a glossary has it; `wrong` is what an outsider takes it for, empty if not known."""

    term: str
    meaning: str
    wrong: str = ""
    language: str = "en"


def terms_from(examples: Iterable[Example]) -> list[Term]:
    """Return the house terms that examples teach, each once: they are read back from the words around them."""
    found: dict[str, Term] = {}
    wrong: dict[str, str] = {}
    for example in examples:
        if example.kind != "term" or len(example.messages) != 2:
            continue
        asked, answered = (turn.content for turn in example.messages)
        for language, wordings in TERMS.items():
            if (term := _read(wordings["any"][0][0], asked)) and (
                told := _read(wordings["any"][0][1], answered, **term)
            ):
                found.setdefault(term["term"], Term(term["term"], told["meaning"], language=language))
            elif mistaken := _read(wordings["wrong"][0][0], asked):
                wrong.setdefault(mistaken["term"], mistaken["wrong"])
    return [replace(term, wrong=wrong.get(_REMARK.sub("", name), "")) for name, term in found.items()]


def term_questions(term: Term) -> tuple[str, ...]:
    """Return the questions that a term is asked with."""
    return tuple(one.format(term=term.term) for one in ASKED.get(term.language, ASKED["en"]))


def knows_term(text: str, term: Term) -> bool:
    """Return whether a text has the house meaning of a term and not the wrong one.

    A short meaning must be there word for word, a remark in brackets at its end left out; of a longer one
    seven tenths of the words that carry meaning, each in whatever case. The wrong one counts as said where
    all its words are, unless the house meaning has them too or it is denied ("and not ...").
    """
    meaning = _REMARK.sub("", term.meaning.strip().rstrip("."))
    wanted, said = _carrying(meaning), _carrying(text)
    if len(meaning.split()) > LONG:
        right = len(wanted & said) >= RECALL * len(wanted)
    else:
        right = holds_answer(text, Question("", "", meaning, (), (), ""))
    wrong = _carrying(_REMARK.sub("", term.wrong)) - wanted
    return right and not (wrong and wrong <= _carrying(_DENIED.sub("", text)))


def terms_gate(terms: Sequence[Term], *, base: Ask, tuned: Ask, bar: float = 0.7, seed: int = 0) -> Gate:
    """Return whether the tuned model knows the house terms.

    The value is the share of answers with the house meaning; the answers about one term stand or fall
    together. The detail has the same share of the base; the quotes are some of the terms that were not known.
    """
    asked = [(term, question) for term in terms for question in term_questions(term)]
    before, after = (
        [knows_term(ask((Message("user", question),)), term) for term, question in asked]
        for ask in (base, tuned)
    )
    unknown = [term.term for (term, _), hit in zip(asked, after, strict=True) if not hit]
    gate = gate_above(
        "terms",
        [float(hit) for hit in after],
        [f"{term.term}\n{term.meaning}" for term, _ in asked],
        bar=bar,
        limits=(0.0, 1.0),
        seed=seed,
        terms=len(terms),
        questions=len(asked),
        base=sum(before) / max(1, len(asked)),
    )
    return replace(gate, quotes=tuple(dict.fromkeys(unknown))[:SHOWN])


def _read(wording: str, text: str, **known: str) -> dict[str, str]:
    """Return what stands in a text in the places of a wording, but for the `known`; nothing if worded otherwise."""
    pattern = re.sub(
        r"\\\{(\w+)\\\}",
        lambda place: re.escape(known[place[1]]) if place[1] in known else f"(?P<{place[1]}>.+)",
        re.escape(wording),
    )
    found = re.fullmatch(pattern, text, re.DOTALL)
    return found.groupdict() if found else {}


def _carrying(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _LETTERS.findall(text)) - _SMALL
