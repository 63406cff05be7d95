"""Cuts an answer where its model began to repeat itself."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

from ragraft.answer.cite import claim_spans

__all__ = ["COUNTED", "NUMBERED", "without_loop"]

COUNTED = 8
"""Sentences that are the same but for one number which goes up by the same step: "Rule 1 is ..." and so on.

So many are a loop. Eight halls or grades of which the same holds are likelier to be said in one sentence.
"""

NUMBERED = 24
"""Sentences that are the same but for their numbers, whichever they are.

A price for each size looks like that, and is an answer; so many rows are not. Default budgets end before.
"""

FEWEST_WORDS = 3
"""What has fewer words beside its numbers is a row of a table or a list, in which numbers say everything."""

_LOOP = re.compile(r"(.{20,200}?)(?:[\s;,]*\1){2}", re.DOTALL)
"""A stretch within a sentence that is said three times on end."""

_MARK = re.compile(r"\[[\d\s,;]*\]")
_NUMBER = re.compile(r"\d{1,18}")
_WORD = re.compile(r"[^\W\d_]{2,}")

Numbers = tuple[str, ...]


def without_loop(text: str) -> tuple[str, bool]:
    """Return the text up to the first sentence that says again what was said, and whether there was one.

    Small models fall into loops, which only their token budget ends. Of sentences that differ in numbers alone,
    COUNTED or NUMBERED make a loop, and what stands before the last of them is kept: it may be a list, and each of
    its rows is still checked. Sentences that differ in a word are never cut.
    """
    seen: set[str] = set()
    alike: defaultdict[str, list[Numbers]] = defaultdict(list)
    for start, end in claim_spans(text):
        said = " ".join(text[start:end].casefold().split())
        form, numbers = _form(said)
        alike[form].append(numbers)
        if said in seen or (_says_something(form) and _goes_on(alike[form])):
            return text[:start].rstrip(), True
        seen.add(said)
    if loop := _LOOP.search(text):
        return text[: loop.end(1)].rstrip(), True
    return text, False


def _form(sentence: str) -> tuple[str, Numbers]:
    """Return a sentence with a sign for each number, and the numbers; those that cite passages are left out."""
    bare = _MARK.sub("", sentence)
    return _NUMBER.sub("#", bare), tuple(_NUMBER.findall(bare))


def _says_something(form: str) -> bool:
    return len(_WORD.findall(form)) >= FEWEST_WORDS


def _goes_on(rows: list[Numbers]) -> bool:
    """Return whether so many sentences of one form are a loop."""
    return len(rows) >= NUMBERED or (len(rows) >= COUNTED and _counts(rows[-COUNTED:]))


def _counts(rows: list[Numbers]) -> bool:
    """Return whether at most one number changes from row to row, and that by the same step each time."""
    changing = [column for column in zip(*rows, strict=True) if len(set(column)) > 1]
    steps = {int(later) - int(earlier) for column in changing for earlier, later in pairwise(column)}
    return len(changing) <= 1 and len(steps) <= 1
