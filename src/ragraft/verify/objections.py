"""What speaks against a claim in the window that it seems to rest on: rules whose reasons a person can check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ragraft.verify.alignment import Alignment, Item
from ragraft.verify.binding import Binding
from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.orders import rests_on_denial, rests_on_order
from ragraft.verify.quantity import Quantity
from ragraft.verify.statements import Statement, Word
from ragraft.verify.turns import Objection, lost_negation, told_cues, turns
from ragraft.verify.wording import Wording

__all__ = ["Objection", "missing_names", "object_to"]

ON_TOPIC = 0.5
"""Share of the claim's wording that a window needs for its small words to be held against the claim's."""

ORDERED = "the passage orders somebody to say this, it does not say it"

DENIED = "the passage says that this is not so"

ASKED = "the passage asks this, it does not say it"

NEARLY_SAME = 0.75
"""Share of the claim's words in the same order from which on a word that differs was put in another's place."""

WORD_FOR_WORD = 0.8
"""Share of the claim's words from which on negations are compared one by one."""

NEARLY_ALL = 0.85
"""Share of the claim's words that a window must have for their order to mean who did what to whom."""

_INNER_CAPITAL = re.compile(r"[a-zß-ÿ][A-ZÀ-Þ]")

TO = frozenset({"to", "bis", "auf", "-", "–", "—"})


def object_to(
    topic: Topic,
    window: Window,
    *,
    aligned: Alignment,
    wording: Wording,
    bindings: Sequence[Binding],
    grounds: Grounds,
) -> list[Objection]:
    """Return what speaks against the claim, what weighs most first."""
    found = list(_quantities(bindings, wording))
    found += _changed(wording)
    found += _names(topic, window, wording, grounds)
    found += _unsaid(topic, window, bindings)
    if rests_on_order(topic, window):
        found.append(Objection("ordered", "not_found", ORDERED))
    if rests_on_denial(topic, window):
        found.append(Objection("denied", "contradicted", DENIED))
    if _asks(window) and not topic.statement.text.rstrip().endswith("?"):
        found.append(Objection("asked", "not_found", ASKED))
    if window.headed_cover(topic) >= ON_TOPIC:
        found += _reversed_range(topic.statement, bindings)
        found += lost_negation(wording) if wording.share >= WORD_FOR_WORD else ()
        for rule in (turns, _obliged, _attributed, _excepted, _swapped):
            found += rule(topic.statement, aligned)
    order = ("contradicted", "not_found", "partly")
    return sorted(found, key=lambda one: order.index(one.support))


def _asks(window: Window) -> bool:
    """Return whether a window is nothing but questions."""
    return all(unit.statement.text.rstrip(" \"'”’»*_").endswith("?") for unit in window.units)


def _quantities(bindings: Sequence[Binding], wording: Wording) -> Iterator[Objection]:
    changed = {change.mine for change in wording.changes if change.kind == "quantity"}
    for one in bindings:
        if one.verdict == "denied" and one.told is not None:
            said = f"{_bound(one.told)}{one.told.shown}", f"{_bound(one.claimed)}{one.claimed.shown}"
            yield Objection("quantity", "contradicted", f"the passage says {said[0]}, not {said[1]}")
        elif one.verdict == "missing" and one.claimed.shown.lower() not in changed:
            yield Objection("missing", "not_found", f"no passage says {one.claimed.shown} of this")


def _changed(wording: Wording) -> Iterator[Objection]:
    """What was put into the passage's own wording, or in place of a part of it."""
    for change in wording.changes:
        instead = f"the passage says {change.told!r}, not {change.mine!r}"
        if change.kind in ("quantity", "name", "opposite"):
            yield Objection(change.kind, "contradicted", instead)
        elif change.kind == "negation":
            yield Objection(
                "negation", "contradicted", f"the answer says {change.mine!r}, the passage does not"
            )
        elif change.kind == "modality":
            yield Objection("modality", "contradicted", instead)
        elif change.told:
            yield Objection("word", "partly", instead)
        else:
            yield Objection("word", "partly", f"the passage says this without {change.mine!r}")


def _reversed_range(claim: Statement, bindings: Sequence[Binding]) -> Iterator[Objection]:
    """From 30 to 20 is not from 20 to 30."""
    for one, other in pairwise(bindings):
        between = claim.readable[one.claimed.end : other.claimed.start].strip().lower()
        if between not in TO or one.told is None or other.told is None or one.unit is not other.unit:
            continue
        if one.verdict == other.verdict == "bound" and one.told.start > other.told.start:
            said = f"from {other.told.shown} to {one.told.shown}"
            yield Objection("swapped", "contradicted", f"the passage says {said}, not the other way round")


def _bound(quantity: Quantity) -> str:
    return {"<": "at most ", ">": "at least ", "": ""}[quantity.bound]


def missing_names(topic: Topic, window: Window, grounds: Grounds) -> list[tuple[Word, bool]]:
    """Return the claim's names that neither the window nor what stands above it has.

    Beside each: whether the same passage, near before the window, has it.
    """
    first = window.units[0]
    before = first.source.units[max(0, first.number - 3) : first.number]
    stems = frozenset().union(
        *(unit.stems for unit in window.units), *(frozenset(first.source.terms(line)) for line in first.scope)
    )
    near = frozenset().union(*(unit.stems for unit in before))
    absent = [word for word in topic.statement.names if not grounds.has(word.stem, stems)]
    absent = [word for word in absent if not _abbreviated(word, window)]
    return [(word, grounds.has(word.stem, near)) for word in absent]


def _abbreviated(name: Word, window: Window) -> bool:
    """Return whether the window spells an abbreviation out, or holds one that the name begins."""
    if not (name.text.isupper() and 2 <= len(name.text) <= 6):
        return False
    capitals = "".join(word.text[0] for unit in window.units for word in unit.statement.words if word.capital)
    return name.text in capitals


def _names(topic: Topic, window: Window, wording: Wording, grounds: Grounds) -> Iterator[Objection]:
    replaced = {change.mine for change in wording.changes if change.kind == "name"}
    for word in topic.statement.words:  # GitHub is a name; FridayThe are two sentences run together
        if _INNER_CAPITAL.search(word.text) and word.stem not in grounds.known:
            yield Objection("unknown name", "not_found", f"no passage mentions {word.text}")
    for word, near in missing_names(topic, window, grounds):
        if word.text.lower() in replaced:
            continue
        if not grounds.alike(word.stem):
            yield Objection("unknown name", "not_found", f"no passage mentions {word.text}")
        elif not near:
            yield Objection("other name", "partly", f"the passage says this without naming {word.text}")


def _unsaid(topic: Topic, window: Window, bindings: Sequence[Binding]) -> Iterator[Objection]:
    """A clause of which the window has nothing but what other clauses said already: "..., and is free"."""
    statement = topic.statement
    clauses = sorted({word.clause for word in statement.words})
    bound = {
        clause
        for clause, binding in zip(statement.clauses, bindings, strict=True)
        if binding.verdict in ("bound", "derived")
    }
    seen: set[str] = set()
    for clause in clauses if len(clauses) > 1 else ():
        here = [(word, at) for at, word in enumerate(statement.words) if word.clause == clause]
        new = [(word, at) for word, at in here if word.stem not in seen]
        seen.update(word.stem for word, _ in here)
        if new and clause not in bound and not any(window.own[at] or window.scope[at] for _, at in new):
            yield Objection("unsaid", "partly", f"the passage does not say {new[0][0].text!r} of this")
            return


def _obliged(claim: Statement, aligned: Alignment) -> Iterator[Objection]:
    kinds = ("must", "should", "may")
    mine = {kind for kind in kinds if claim.has(kind)}
    told = {kind: cues[0].text for kind in kinds if (cues := told_cues(aligned, kind))}
    negated = claim.has("negation") and told_cues(aligned, "negation")
    if mine and told and mine.isdisjoint(told) and not negated:
        word = next(iter(told.values()))
        cue = claim.has(next(iter(mine)))[0].text
        support: Literal["contradicted", "partly"] = (
            "contradicted" if {"must", "may"} <= mine | set(told) else "partly"
        )
        yield Objection("modality", support, f"the passage says {word!r}, the answer {cue!r}")
    tentative = [cue for cue in told_cues(aligned, "tentative") if cue.text not in claim.text.lower()]
    if tentative and not claim.has("tentative") and not mine:
        yield Objection("tentative", "partly", f"the passage says so only as {tentative[0].text!r}")
    absolute = [cue for cue in claim.has("absolute") if aligned.share >= NEARLY_SAME]
    if absolute and not any(cue.kind == "absolute" for cue in aligned.cues):
        yield Objection("absolute", "partly", f"the answer says {absolute[0].text!r}, the passage does not")


def _attributed(claim: Statement, aligned: Alignment) -> Iterator[Objection]:
    units = {unit for unit, _ in aligned.clauses}
    cues = [cue for cue in aligned.cues if cue.kind == "attribution" and cue.clause // 1000 in units]
    if cues and not claim.has("attribution"):
        yield Objection(
            "attribution", "partly", f"the passage gives it as what someone {cues[0].text!r}, not as a fact"
        )


def _excepted(claim: Statement, aligned: Alignment) -> Iterator[Objection]:
    """What an exception is made for is claimed of it."""
    if claim.has("exception"):
        return
    for cue in (one for one in aligned.cues if one.kind == "exception"):
        unit, clause = cue.clause // 1000, cue.clause % 1000
        inside = [
            aligned.told[other]
            for _, other in (*aligned.pairs, *aligned.loose)
            if aligned.told[other].clause == (unit, clause) and aligned.told[other].place > cue.place
        ]
        if inside:
            yield Objection(
                "exception", "partly", f"the passage makes an exception here: {cue.text!r} {inside[0].text}"
            )
            return


def _swapped(claim: Statement, aligned: Alignment) -> Iterator[Objection]:
    """The same names on the other sides of the same word: who did it, and to whom."""
    where = dict((*aligned.pairs, *aligned.loose))
    spots = [at for at in sorted(where) if _is_party(aligned.claim[at])]
    for at, one in enumerate(spots):
        for other in spots[at + 1 :]:
            first, second = aligned.told[where[one]], aligned.told[where[other]]
            if first.clause[0] != second.clause[0] or first.place <= second.place:
                continue
            between = [
                aligned.claim[middle].text
                for middle in range(one + 1, other)
                if middle in where
                and not _is_party(aligned.claim[middle])
                and second.place < aligned.told[where[middle]].place < first.place
            ]
            if between and aligned.share >= 0.5 and len(aligned.matched) >= NEARLY_ALL * len(aligned.claim):
                yield Objection(
                    "swapped",
                    "contradicted",
                    f"the passage has it the other way round: {second.text} {between[0]} {first.text}",
                )
                return


def _is_party(item: Item) -> bool:
    return isinstance(item.what, Word) and item.what.capital and not item.what.text.isdigit()
