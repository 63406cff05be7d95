"""Every sentence of a draft against the passages: verdicts, and citations set right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragraft.answer.cite import Claim
from ragraft.protocols import Verifier
from ragraft.types import Check, Citation, Finding, Passage, Verdict

__all__ = ["check_claims"]

_LEAD_IN = re.compile(
    r"^(?:based on|according to|as per|laut|gemäß|nach) (?:the |den |dem |der )?(?:given |provided |numbered |above )*"
    r"(?:documents?|passages?|text|information|answer|context|dokumente?n?|unterlagen)\b[^,.]{0,30},\s+",
    re.IGNORECASE,
)
"""How an answer says that it is one; it claims nothing of its own."""

A_HEADING = Finding("no_claim", 0.0, None, 0, 0, "a heading claims nothing")


def check_claims(
    claims: Sequence[Claim], *, passages: Sequence[Passage], verifier: Verifier, question: str
) -> list[Check]:
    """Return one check per claim; nothing is shown yet, that is for the policy to say.

    A sentence is held against the passages that it cites, and against all of them if those do not support
    it: what is true but cited to the wrong passage, or to none, is cited to the right one.
    """
    sentences = [_LEAD_IN.sub("", claim.text) for claim in claims]
    anywhere = verifier.check(sentences, passages=passages, question=question)
    checks = []
    for claim, found in zip(claims, anywhere, strict=True):
        if claim.text.startswith("#"):
            checks.append(_check(claim, A_HEADING, passages, repaired=False))
            continue
        cited = found
        if found.passage is not None and claim.named and found.passage + 1 not in claim.named:
            cited = _against_cited(claim, passages=passages, verifier=verifier, question=question)
        repaired = cited.support != "supported" and found.support == "supported" and cited is not found
        best = found if repaired else cited
        without_number = not claim.named and best.support == "supported"
        checks.append(_check(claim, best, passages, repaired=repaired or without_number))
    return checks


def _against_cited(
    claim: Claim, *, passages: Sequence[Passage], verifier: Verifier, question: str
) -> Finding:
    """Return the finding for a claim among the passages it cites, with the place in all of them."""
    places = [number - 1 for number in claim.named]
    (found,) = verifier.check(
        [_LEAD_IN.sub("", claim.text)], passages=[passages[at] for at in places], question=question
    )
    if found.passage is None:
        return found
    return Finding(found.support, found.score, places[found.passage], found.start, found.end, found.reason)


def _check(claim: Claim, found: Finding, passages: Sequence[Passage], *, repaired: bool) -> Check:
    verdicts: tuple[Verdict, ...] = ()
    if found.passage is not None and found.support != "no_claim":
        passage = passages[found.passage]
        offset = passage.chunk.start
        citation = Citation(
            marker=found.passage + 1,
            claim=claim.text,
            passage=passage,
            start=offset + found.start,
            end=offset + found.end,
            quote=passage.chunk.text[found.start : found.end],
        )
        verdicts = (Verdict(citation, found.support == "supported", found.reason),)
    return Check(
        sentence=claim.text,
        support=found.support,
        reason=found.reason,
        score=found.score,
        verdicts=verdicts,
        repaired=repaired,
        shown=False,
    )
