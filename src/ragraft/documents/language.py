"""Which language a text is in, told offline from samples of it."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Any

__all__ = ["detect_language"]

_PLACES = 5
_SAMPLE = 600
# Below this the most likely language is too often wrong: at 10 words 2 % of English, at 20 none.
_MIN_LETTERS = 60
# A Chinese or Japanese character says about as much as four letters.
_IDEOGRAPH_WEIGHT = 4
_MIN_CONFIDENCE = 0.9
_AGREEMENT = 0.75
_NO_LANGUAGE = "zxx"

_NOT_WORDS = re.compile(
    r"```.*?(?:```|\Z)|\w+://\S+|[\w.+-]+@[\w-]+\.[\w.]+|<[^<>]{1,500}>|[\W\d_]+", re.DOTALL
)
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def detect_language(text: str) -> str:
    """Return the ISO 639-1 code of a text's language; "" if it is short, mixed, or no language at all.

    Five stretches of the text are looked at, so the length of the text costs nothing; three quarters
    of those that say anything must agree. The first call loads the model (half a second, 120 MB).

    Source: py3langid, naive Bayes over byte n-grams (Lui & Baldwin 2012, "langid.py").
    """
    found: Counter[str] = Counter()
    for sample in _samples(text):
        words = _NOT_WORDS.sub(" ", sample)
        letters = len(words.replace(" ", "")) + (_IDEOGRAPH_WEIGHT - 1) * len(_IDEOGRAPHS.findall(words))
        if letters < _MIN_LETTERS:
            continue
        language, confidence = _identifier().classify(words)
        if confidence >= _MIN_CONFIDENCE and language != _NO_LANGUAGE:
            found[language] += 1
    if not found:
        return ""
    language, count = found.most_common(1)[0]
    return language if count >= _AGREEMENT * found.total() else ""


def _samples(text: str) -> list[str]:
    if len(text) <= _PLACES * _SAMPLE:
        return [text[start : start + _SAMPLE] for start in range(0, len(text), _SAMPLE)]
    step = (len(text) - _SAMPLE) // (_PLACES - 1)
    return [text[place * step : place * step + _SAMPLE] for place in range(_PLACES)]


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Dialects and languages without a two-letter code would take votes from those that have one.
    identifier.set_languages(
        [label for label in identifier.labels if len(label) == 2 or label == _NO_LANGUAGE]
    )
    return identifier
