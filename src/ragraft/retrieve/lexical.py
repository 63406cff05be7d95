"""The words of a text as BM25 terms: tokens, stems, stable numbers and stored weights.

BM25 (Robertson & Zaragoza 2009, section 3) is a sum over query terms of idf x document part. The
document part is stored with the chunk as a sparse vector {term_id: weight}; idf is worked out when a
query is asked, over the chunks that the caller may see. Nothing stored for one chunk depends on another.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b

import Stemmer

__all__ = ["STEMMED", "count_terms", "idf", "query_terms", "term_id", "terms", "weights"]

K1 = 1.2
B = 0.75
PIVOT = 100.0
"""The length in terms at which a text is neither favoured nor held back. Fixed, where BM25 proper has the
running average: that would have to be rewritten in every chunk with each new one, and would tell a caller
how long the chunks are that he may not see."""

STEMMED: Mapping[str, str] = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""Languages (ISO 639-1) whose words are stemmed, with their Snowball algorithm."""

# Python's \w leaves out combining marks, which are inside words in the Indic scripts and in Arabic and
# Hebrew with points.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_LETTER = rf"(?:[^\W_]|[{_MARKS}])"
# Scripts written without spaces between words; Hangul has spaces, but glues endings onto words.
_UNSPACED = (
    "\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)+"  # 191,900  3.14  10.0.0.1
    r"|(?<![^\W_])[^\W\d_](?:\+\+|\#)(?![^\W\d])"  # C++  F#
    rf"|[^\W\d_]+(?=\d+[.,]\d)"  # the v of v1.2.3
    rf"|{_LETTER}+(?:['’\-‐‑](?!\d+[.,]\d){_LETTER}+)*"  # e-mail  HTTP-404  employee's
)
_GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
_JOINTS = re.compile(r"['’\-‐‑]")
_RUN = re.compile(rf"[{_UNSPACED}]+")
# English endings after an apostrophe; after any other apostrophe a new word begins (l'avion, O'Brien).
_ENDING = re.compile(r"['’](s|t|d|m|ll|re|ve)(?=$|[\-‐‑])")


def terms(text: str, *, language: str) -> list[str]:
    """Return the terms of `text` in order: folded, split and stemmed as `language` asks for.

    A hyphenated word gives its parts and itself joined (e-mail: e, mail, email); a number loses its
    grouping (191,900: 191900); a run of a script without spaces gives its characters and their pairs.
    A language that is not in STEMMED, such as "" for unknown, is not stemmed.
    """
    found: list[str] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()):
        found.extend(_terms_of(token, language))
    return found


@lru_cache(maxsize=1 << 18)
def _terms_of(token: str, language: str) -> tuple[str, ...]:
    if token[0].isdigit() and ("," in token or "." in token):
        return _number(token)
    parts = [part for part in _JOINTS.split(_ENDING.sub("", token)) if part]
    if len(parts) > 1:
        parts.append("".join(parts))
    stem = _stemmer(language)
    found: list[str] = []
    for part in parts:
        if _RUN.search(part):
            found.extend(_pairs(part))
        else:
            found.append(stem(part))
    return tuple(found)


def _number(token: str) -> tuple[str, ...]:
    """Return a number without grouping and with a point before its decimals; a list as its items."""
    if _GROUPED.fullmatch(token):
        return (re.sub(r"[.,]", "", token),)
    head, _, decimals = re.split(r"([.,])(?=\d+$)", token)
    if head.isdigit() or _GROUPED.fullmatch(head):
        return (re.sub(r"[.,]", "", head) + "." + decimals,)
    return (token,) if "," not in token else tuple(re.split(r"[.,]", token))


def _pairs(word: str) -> list[str]:
    found: list[str] = []
    start = 0
    for run in _RUN.finditer(word):
        found.extend([word[start : run.start()]] if run.start() > start else [])
        characters = run.group()
        found.extend(characters)
        found.extend(a + b for a, b in itertools.pairwise(characters))
        start = run.end()
    return found + ([word[start:]] if start < len(word) else [])


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    algorithm = STEMMED.get(language)
    if algorithm is None:
        return str
    # No cache of its own: _terms_of has one, for all languages together.
    stem: Callable[[str], str] = Stemmer.Stemmer(algorithm, 0).stemWord
    return stem


@lru_cache(maxsize=1 << 18)
def term_id(term: str, *, language: str) -> int:
    """Return the number of a term in its language, from 1 to 999,999,999, the same on every machine.

    Two terms share a number about once in a billion pairs.
    """
    key = f"{language if language in STEMMED else ''}\0{term}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big") % 999_999_999 + 1


def count_terms(text: str, *, language: str) -> Counter[int]:
    """Return how often each term, by its number, is in `text`."""
    return Counter(term_id(term, language=language) for term in terms(text, language=language))


def weights(counts: Mapping[int, int], length: float) -> dict[int, float]:
    """Return the document part of BM25 for each term of a text that is `length` terms long."""
    norm = K1 * (1 - B + B * length / PIVOT)
    return {term: count * (K1 + 1) / (count + norm) for term, count in counts.items()}


def idf(documents: int, having: int) -> float:
    """Return the weight of a query term that `having` of `documents` visible texts have. Never negative."""
    return math.log1p((documents - having + 0.5) / (having + 0.5))


def query_terms(query: str, *, languages: Iterable[str]) -> dict[str, dict[int, float]]:
    """Return the query part of BM25 for each of the query's terms, as a document of each language has them.

    It is 1 for every term: that a question says a word twice means little (k3 of 0).
    """
    return {language: dict.fromkeys(count_terms(query, language=language), 1.0) for language in languages}
