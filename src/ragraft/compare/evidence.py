"""Where the evidence of questions stands in the documents, and whether a citation or a passage touches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ragraft.compare.results import Cited, Given
from ragraft.types import Question
from ragraft.verify.quotes import find_spans

__all__ = ["Place", "evidence_places", "touches"]


@dataclass(frozen=True, slots=True)
class Place:
    """text[start:end] of a document as it is now."""

    document: str
    start: int
    end: int


Places = tuple[tuple[Place, ...], ...]
"""For each piece of evidence of a question, everywhere that it stands."""


def evidence_places(
    questions: Sequence[Question], *, text_of: Callable[[str], str | None]
) -> Mapping[str, Places]:
    """Return by question's id where its evidence stands; what is not found has no place.

    `text_of` returns the text of a document as it is now, None if there is none. A quotation that a document has
    several times stands in all of them: any may be cited.
    """
    read = cache(text_of)
    found: dict[str, Places] = {}
    for question in questions:
        pieces = (_places(one.document, one.quote, read(one.document)) for one in question.evidence)
        found[question.id] = tuple(piece for piece in pieces if piece)
    return found


def touches(place: Place, cited: Cited | Given) -> bool:
    """Return whether a citation or a passage has some of what stands at a place."""
    return place.document == cited.document and place.start < cited.end and cited.start < place.end


def any_touches(piece: Iterable[Place], cited: Iterable[Cited | Given]) -> bool:
    """Return whether any of the citations or passages has a piece of evidence."""
    shown = list(cited)
    return any(touches(place, one) for place in piece for one in shown)


def _places(document: str, quote: str, text: str | None) -> tuple[Place, ...]:
    if text is None:
        return ()
    spans = find_spans(quote, text) if quote.strip() else [(0, len(text))]
    return tuple(Place(document, start, end) for start, end in spans)
