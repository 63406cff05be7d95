"""Near-duplicates, found exactly: the likeness of two texts is the Jaccard index of their five-letter pieces.

Two sets that are alike to a degree t share at least one of the rarest |A| - ceil(t |A|) + 1 pieces of each,
so only those are indexed and looked up.
Source: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search", section 4; the pieces as in
Broder 1997, "On the resemblance and containment of documents".
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

__all__ = ["NearText"]

PIECE = 5
_NO_WORD = re.compile(r"[\W_]+")


class NearText:
    """Texts by name, to be asked which of them is nearly the same as another."""

    def __init__(self, texts: Iterable[tuple[str, str]], *, at_least: float) -> None:
        self._at_least = at_least
        self._pieces = {name: pieces_of(text) for name, text in texts}
        self._counts = Counter(piece for pieces in self._pieces.values() for piece in pieces)
        self._by_piece: dict[str, list[str]] = defaultdict(list)
        for name, pieces in self._pieces.items():
            for piece in self._rarest(pieces):
                self._by_piece[piece].append(name)

    def nearest(self, text: str) -> tuple[str, float] | None:
        """Return the name and likeness of the text most like this one, if one is like it enough."""
        pieces = pieces_of(text)
        names = dict.fromkeys(
            name for piece in self._rarest(pieces) for name in self._by_piece.get(piece, ())
        )
        alike = ((name, _jaccard(pieces, self._pieces[name])) for name in names)
        best = max(alike, key=lambda found: found[1], default=None)
        return best if best is not None and best[1] >= self._at_least else None

    def _rarest(self, pieces: frozenset[str]) -> list[str]:
        """Return as many of the rarest pieces as a likeness of `at_least` cannot do without."""
        # The tolerance keeps 0.8 * 10 from being rounded up to 9.
        count = len(pieces) - math.ceil(self._at_least * len(pieces) - 1e-9) + 1
        return sorted(pieces, key=lambda piece: (self._counts[piece], piece))[:count]


def pieces_of(text: str) -> frozenset[str]:
    """Return the pieces of a text; case, punctuation and white space do not count."""
    plain = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()
    return frozenset(plain[at : at + PIECE] for at in range(max(1, len(plain) - PIECE + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
