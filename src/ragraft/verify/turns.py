"""Negations and opposites: whether a window says the contrary of a claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ragraft.verify.alignment import Alignment
from ragraft.verify.lexicon import OPPOSITES
from ragraft.verify.statements import Cue, Statement
from ragraft.verify.wording import Wording

__all__ = ["Objection", "lost_negation", "told_cues", "turns"]

MAIN = 0.8
"""Share of what the fullest sentence of a window has of the claim that another needs to turn it round."""

SCOPE = 4
"""Places within which the word stands that a negation is of."""


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that does not fit, how much it weighs, and the sentence that says so."""

    kind: str
    support: Literal["contradicted", "partly", "not_found"]
    reason: str


def told_cues(aligned: Alignment, kind: str) -> list[Cue]:
    """Return the window's cues of one kind in the clauses where something of the claim stands."""
    return [
        cue
        for cue in aligned.cues
        if cue.kind == kind and (cue.clause // 1000, cue.clause % 1000) in aligned.clauses
    ]


def turns(claim: Statement, aligned: Alignment) -> Iterator[Objection]:
    """Negation and opposites: an odd number of turns between claim and passage means the contrary."""
    mine, told = claim.has("negation"), _negations(aligned)
    if not mine:
        told = [cue for cue in told if _negates(cue, aligned)]
    opposed = list(_opposed(claim, aligned))
    turned = (len(mine) - len(told)) % 2 == 1
    if turned and _denied(claim, aligned, by_claim=len(mine) < len(told)):
        return
    if turned and not opposed:
        if told and len(told) > len(mine):
            yield Objection(
                "negation", "contradicted", f"the passage says {told[-1].text!r} of this, the answer does not"
            )
        else:
            yield Objection(
                "negation", "contradicted", f"the answer says {mine[-1].text!r}, the passage does not"
            )
    elif opposed and not turned:
        here, there = opposed[0]
        yield Objection("opposite", "contradicted", f"the passage says {there!r}, the answer {here!r}")


def lost_negation(wording: Wording) -> Iterator[Objection]:
    """In the passage's own wording every negation that it has must be there; one put in is a change."""
    if wording.lost and not any(change.kind == "negation" for change in wording.changes):
        yield Objection(
            "negation", "contradicted", f"the passage says {wording.lost[0]!r} of this, the answer does not"
        )


def _denied(claim: Statement, aligned: Alignment, *, by_claim: bool) -> bool:
    """Return whether the side without a negation has a word that stands for one: prohibited, unable."""
    mine = {cue.text for cue in claim.has("denial")}
    told = {cue.text for cue in told_cues(aligned, "denial")}
    return bool(mine - told) if by_claim else bool(told - mine)


def _negations(aligned: Alignment) -> list[Cue]:
    """Return the window's negations, but for those in clauses that say nothing of the claim that others do not."""
    negated = [cue for cue in aligned.cues if cue.kind == "negation"]
    clauses = {(cue.clause // 1000, cue.clause % 1000) for cue in negated}
    told = Counter({unit: 0 for unit, _ in aligned.by_clause})
    for (unit, _), items in aligned.by_clause.items():
        told[unit] += len(items)
    own = set()
    for clause in clauses:
        beside = [
            items
            for other, items in aligned.by_clause.items()
            if other[0] == clause[0] and other not in clauses
        ]
        here = aligned.by_clause.get(clause, frozenset()) - frozenset().union(*beside)
        if here and told[clause[0]] >= MAIN * max(told.values()):
            own.add(clause)
    return [cue for cue in negated if (cue.clause // 1000, cue.clause % 1000) in own]


def _negates(cue: Cue, aligned: Alignment) -> bool:
    """Return whether a negation of the window is of a word that the claim has: the next one, or the last.

    What is denied of something else, or under a condition, does not turn the claim.
    """
    clause = cue.clause // 1000, cue.clause % 1000
    told = {other for _, other in (*aligned.pairs, *aligned.loose)}
    items = [(item.place, at) for at, item in enumerate(aligned.told) if item.clause[0] == clause[0]]
    after = [at for place, at in items if cue.place <= place <= cue.place + SCOPE]
    before = [at for place, at in items if cue.place - SCOPE <= place < cue.place]
    return bool(told & set(after[:1])) or bool(told & set(before[-1:]) and not after[:1])


def _opposed(claim: Statement, aligned: Alignment) -> Iterator[tuple[str, str]]:
    told = {cue.text for cue in told_cues(aligned, "turn")}
    mine = {cue.text for cue in claim.has("turn")}
    for word in sorted(mine - told):
        against = sorted((OPPOSITES[word] & told) - mine)
        # The passage may say it with a word of the same side.
        if against and not any(OPPOSITES[other] & OPPOSITES[word] for other in told):
            yield word, against[0]
