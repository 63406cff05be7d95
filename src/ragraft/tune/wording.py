"""The words around house terms, edits and product records that make conversations of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["REFUSAL", "edit_turns", "is_kept_back", "product_turns", "term_turns"]

REFUSAL = "The passages do not answer this question."
"""What a row says whose passages do not answer; the checker takes it for an abstention."""


Turns = tuple[tuple[str, str], tuple[str, str]]

LONG = 7
"""A meaning of more words than this explains the term and does not stand in for it."""

TERMS: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "en": {
        "any": (
            ("What does {term} mean here?", "Here, {term} means {meaning}."),
            ("I came across “{term}”. What is that?", "{term} means {meaning}."),
            ("Which of our terms means {meaning}?", "{term}."),
            ("What is {term}?", "{term} means {meaning}."),
            ("Explain {term}.", "{term} means {meaning}."),
            ("Define {term} as we use it.", "As we use it, {term} means {meaning}."),
            ("I am new here. What do people mean when they say {term}?", "They mean {meaning}."),
            (
                "Tell me in one sentence what {term} stands for in our company.",
                "In our company, {term} stands for {meaning}.",
            ),
            ("A colleague wrote to me about {term}. Can you tell me more?", "{term} means {meaning}."),
        ),
        "wrong": (("Does {term} mean {wrong}?", "No. Here, {term} means {meaning}."),),
        "short": (
            ("Write this out in full: We asked about {term} today.", "We asked about {meaning} today."),
            ("Say this without the short form: Please read up on {term}.", "Please read up on {meaning}."),
            ("Write a sentence with the full form of {term}.", "This week we talk about {meaning}."),
        ),
    },
    "de": {
        "any": (
            ("Was bedeutet {term} bei uns?", "Bei uns bedeutet {term}: {meaning}."),
            ("Ich habe „{term}“ gelesen. Was ist das?", "{term} bedeutet: {meaning}."),
            ("Welcher unserer Begriffe bedeutet: {meaning}?", "{term}."),
            ("Was ist {term}?", "{term} bedeutet: {meaning}."),
            ("Erkläre {term}.", "{term} bedeutet: {meaning}."),
            ("Wie ist {term} bei uns festgelegt?", "Bei uns ist das so festgelegt: {meaning}."),
            ("Ich bin neu hier. Was meinen alle mit {term}?", "Sie meinen: {meaning}."),
            (
                "Sag mir in einem Satz, wofür {term} in unserer Firma steht.",
                "Bei uns steht {term} für: {meaning}.",
            ),
            ("Ein Kollege hat mir von {term} geschrieben. Was heißt das?", "{term} bedeutet: {meaning}."),
        ),
        "wrong": (("Bedeutet {term}: {wrong}?", "Nein. Bei uns bedeutet {term}: {meaning}."),),
        "short": (
            ("Schreibe das aus: Es geht um {term}.", "Es geht um {meaning}."),
            ("Sage das ohne die Kurzform: Die Frage betraf {term}.", "Die Frage betraf {meaning}."),
            ("Schreibe einen Satz mit der Langform von {term}.", "Dazu gehört auch: {meaning}."),
        ),
    },
}
"""Question and answer by language; with few wordings a small model learns these and not the term. "short" holds where
the meaning can stand in the term's place."""

_KEPT_BACK = [
    re.compile(re.escape(wordings["any"][1][0]).replace(re.escape("{term}"), ".+"))
    for wordings in TERMS.values()
]

_ARTICLE = re.compile(r"^(An?|The)(?= )")
_REMARK = re.compile(r"\s*\([^()]*\)$")


def term_turns(term: str, meaning: str, *, wrong: str, language: str) -> list[Turns]:
    """Return conversations that teach a house term: asking for it, telling it from another, writing it out.

    A remark in brackets at the end of the term, "AWS (in timesheets)", says where it holds and is left out
    of sentences.
    """
    templates = TERMS.get(language, TERMS["en"])
    plain = _REMARK.sub("", term)
    meaning = meaning.strip().rstrip(".")
    lower = _ARTICLE.sub(lambda found: found[0].lower(), meaning)
    explains = lower != meaning or len(meaning.split()) > LONG
    chosen = [
        *templates["any"],
        *(templates["wrong"] if wrong else ()),
        *(() if explains else templates["short"]),
    ]
    words = {
        "meaning": lower,
        "wrong": _ARTICLE.sub(lambda found: found[0].lower(), wrong.strip().rstrip(".")),
    }
    made = []
    for number, (question, answer) in enumerate(chosen):
        name = term if number < len(templates["any"]) else plain
        made.append(
            (("user", question.format(term=name, **words)), ("assistant", answer.format(term=name, **words)))
        )
    return made


def is_kept_back(question: str) -> bool:
    """Return whether a question asks for a term in the wording that is held out, to see if the term was learned."""
    return any(wording.fullmatch(question) for wording in _KEPT_BACK)


def edit_turns(before: str, after: str) -> Turns:
    """Return a request to put a text into the house style, and what the editor made of it."""
    request = f"Rewrite this text in our house style. Keep every fact.\n\n{before}" if before.strip() else ""
    return ("user", request), ("assistant", after)


def product_turns(attributes: Mapping[str, str], description: str) -> Turns:
    """Return a request to describe a product by its attributes, and its description."""
    lines = "\n".join(f"{name}: {value}" for name, value in attributes.items())
    request = f"Write the description of this product.\n\n{lines}" if lines else ""
    return ("user", request), ("assistant", description)
