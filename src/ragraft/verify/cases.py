"""A claim examined: the windows it may rest on, each with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from ragraft.verify.alignment import align
from ragraft.verify.binding import Contest
from ragraft.verify.features import Case
from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.objections import object_to
from ragraft.verify.statements import Statement
from ragraft.verify.wording import compare_wording

__all__ = ["examine", "read_claim"]

WINDOWS = 5
"""How many windows are looked at closely."""

COMPARED = 3
"""For how many of them, the nearest ones, everything is worked out."""


def read_claim(text: str, grounds: Grounds) -> Statement:
    """Return a sentence taken apart, in the language of the passages where its own cannot be told."""
    return Statement(text, terms=grounds.terms, language=grounds.language)


def examine(topic: Topic, grounds: Grounds, *, likeness: npt.NDArray[np.float32] | None = None) -> list[Case]:
    """Return the cases of a claim, that of the nearest window first; none if there is nothing to read."""
    windows = grounds.windows(topic, likeness=likeness, limit=WINDOWS)
    contest = Contest(topic, windows, grounds)
    cases: list[Case] = []
    for window in windows[:COMPARED]:
        cases.append(_case(topic, window, windows, contest, grounds))
        if cases[-1].verbatim and not cases[-1].objections:
            break  # word for word: nothing that another window says would count
    return cases


def _case(
    topic: Topic, window: Window, windows: Sequence[Window], contest: Contest, grounds: Grounds
) -> Case:
    aligned = align(topic.statement, window, grounds)
    wording = compare_wording(topic.statement, window, grounds)
    bindings = contest.bind(window, wording)
    objections = object_to(
        topic, window, aligned=aligned, wording=wording, bindings=bindings, grounds=grounds
    )
    verbatim = _is_verbatim(topic.statement, window, grounds)
    if verbatim and _is_whole(topic.statement, window, grounds):
        # Word for word and whole: only what the words leave out, such as a sign of money, may still differ.
        objections = [one for one in objections if one.kind in ("quantity", "missing", "ordered")]
    return Case(topic, window, windows, aligned, wording, bindings, objections, verbatim)


def _is_whole(claim: Statement, window: Window, grounds: Grounds) -> bool:
    """Return whether a claim is just the words of the window's units, or of some of them."""
    words = grounds.terms(claim.readable)
    told = [grounds.terms(unit.statement.readable) for unit in window.units]
    ranges = ((first, last) for first in range(len(told)) for last in range(first + 1, len(told) + 1))
    return any(list(words) == list(chain.from_iterable(told[first:last])) for first, last in ranges)


def _is_verbatim(claim: Statement, window: Window, grounds: Grounds) -> bool:
    """Return whether the window has the claim's words, all of them, one after another."""
    words = grounds.terms(claim.readable)
    told = [stem for unit in window.units for stem in grounds.terms(unit.statement.readable)]
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(told)} "
