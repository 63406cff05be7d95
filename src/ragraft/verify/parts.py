"""A sentence that says several things, which may stand in several passages."""

from __future__ import annotations

import re

from ragraft.verify.statements import Statement, Terms

__all__ = ["split_parts"]

_JOINT = re.compile(
    r"\s*;\s+|,?\s+(?:and|but|while|whereas|und|aber|während|sowie)\s+|,\s+(?:so|also|damit)\s+|,\s+",
    re.IGNORECASE,
)

FEWEST = 4
"""Words that a part without a number needs to say something by itself."""


def split_parts(text: str, *, terms: Terms, language: str) -> list[str]:
    """Return the parts of a sentence that each say something: a number of something, or four words.

    A piece that says too little belongs to the one before it. A sentence of one part gives [].
    """
    pieces: list[str] = []
    start = 0
    for joint in _JOINT.finditer(text):
        here, rest = text[start : joint.start()], text[joint.end() :]
        if _stands_alone(here, terms, language) and _stands_alone(rest, terms, language):
            pieces.append(here)
            start = joint.end()
    return [*pieces, text[start:]] if pieces else []


def _stands_alone(text: str, terms: Terms, language: str) -> bool:
    statement = Statement(text, terms=terms, language=language)
    words = len(statement.words)
    return (bool(statement.quantities) and words >= 1) or words >= FEWEST
