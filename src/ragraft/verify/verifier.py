"""Judges each sentence of an answer against passages: supported, partly, contradicted, not found, or no claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ragraft.types import Finding, Passage
from ragraft.verify.cases import examine, read_claim
from ragraft.verify.features import Case, features
from ragraft.verify.idle import claims_nothing, split_reply
from ragraft.verify.matching import Grounds, synonym_stems
from ragraft.verify.parts import split_parts
from ragraft.verify.sources import read_sources
from ragraft.verify.statements import Statement, Terms
from ragraft.verify.verdicts import judge, settle
from ragraft.verify.weights import Weights, shipped_weights

__all__ = ["Entail", "Likeness", "Verifier"]

Likeness = Callable[[Sequence[str], Sequence[str]], npt.NDArray[np.float32]]
"""Returns the cosine of each of the first texts to each of the second, (first, second)."""

Entail = Callable[[str, str], float]
"""Returns the probability that the second text follows from the first."""

Near: TypeAlias = "npt.NDArray[np.float32] | None"

TURNS = frozenset({"negation", "opposite"})
"""Objections that turn a claim round, so that its contrary is supported."""

ENTAILED = 0.8
"""Probability from which on an entailment model's word is taken for support."""

MOST_NUMBERS = 60
"""Quantities in one sentence that are checked; what has more is no sentence either."""

LONGEST = 2000
"""Characters of the longest sentence that is checked; what is longer is no sentence, and is not supported."""


class Verifier:
    """Holds the sentences of an answer against the passages it was made from.

    `terms` gives the stems of a text. `likeness` and `entail` may be None: then wording alone decides, and
    what it leaves undecided is not supported. Threads may share one.
    """

    def __init__(
        self,
        *,
        terms: Terms,
        likeness: Likeness | None = None,
        entail: Entail | None = None,
        weights: Weights | None = None,
    ) -> None:
        self._terms = terms
        self._synonyms = synonym_stems(terms)
        self._likeness = likeness
        self._entail = entail
        self._weights = weights or shipped_weights()

    def check(
        self, sentences: Sequence[str], *, passages: Sequence[Passage], question: str = ""
    ) -> list[Finding]:
        """Return a finding for each sentence, in the order given.

        A sentence that leaves out what it is about ("EUR 135.") takes it from the question.
        """
        terms = cache(self._terms)  # for this answer alone: nothing of a document outlives the call
        grounds = Grounds(read_sources(passages, terms), terms=terms, synonyms=self._synonyms)
        asked = read_claim(question, grounds) if question.strip() else None
        near = self._near(sentences, grounds)
        bench = _Bench(grounds, asked, self._weights, self._entail, likeness=near is not None)
        found: list[Finding] = []
        for at in reversed(range(len(sentences))):
            row = None if near is None else near[at]
            found.append(bench.judge(sentences[at], row, after=found[-1] if found else None))
        return found[::-1]

    def _near(self, sentences: Sequence[str], grounds: Grounds) -> npt.NDArray[np.float32] | None:
        if self._likeness is None or not grounds.units or not sentences:
            return None
        return self._likeness(sentences, [unit.statement.readable for unit in grounds.units])


@dataclass(frozen=True)
class _Bench:
    """What the sentences of one answer are judged with."""

    grounds: Grounds
    asked: Statement | None
    weights: Weights
    entail: Entail | None
    likeness: bool

    def judge(self, sentence: str, near: Near, *, after: Finding | None) -> Finding:
        """Return the finding of a sentence; `after` is that of the next one, which explains a mere yes or no."""
        if claims_nothing(sentence):
            return Finding("no_claim", 0.0, None, 0, 0, "makes no claim")
        if len(sentence) > LONGEST:
            return Finding(
                "not_found", 0.0, None, 0, 0, f"longer than {LONGEST} characters, too long to check"
            )
        reply, rest = split_reply(sentence)
        if reply is not None and not rest.strip():
            if after is not None and after.support != "no_claim":
                return after
            return self._reply(near, yes=reply)
        claim = read_claim(rest or sentence, self.grounds)
        if len(claim.quantities) > MOST_NUMBERS:
            return Finding(
                "not_found", 0.0, None, 0, 0, f"more than {MOST_NUMBERS} numbers, too many to check"
            )
        cases, finding = self._weigh(claim, near)
        if cases and finding.support != "supported" and not _settled(cases[0]):
            finding = self._by_parts(claim, near, cases[0]) or finding
        if finding.support in ("partly", "not_found") and cases:
            finding = self._asked(claim, cases[0], finding)
        return finding

    def _weigh(self, claim: Statement, near: Near) -> tuple[list[Case], Finding]:
        cases = examine(self.grounds.topic(claim, self.asked), self.grounds, likeness=near)
        if not cases:
            return [], Finding("not_found", 0.0, None, 0, 0, "there is no passage to read")
        return cases, settle([judge(case, self._score(case), self.weights) for case in cases])

    def _score(self, case: Case) -> float:
        return self.weights.score(features(case, self.grounds), likeness=self.likeness)

    def _reply(self, near: Near, *, yes: bool) -> Finding:
        """Return whether the passages answer the question with yes, or with no, which turns it round."""
        if self.asked is None:
            return Finding("not_found", 0.0, None, 0, 0, "there is no question that this could answer")
        cases, finding = self._weigh(self.asked, near)
        if yes or not cases:
            return finding
        if finding.support == "supported":
            return replace(finding, support="contradicted", score=0.1, reason="the passage says yes")
        only_turned = all(one.kind in TURNS for one in cases[0].objections)
        if finding.support == "contradicted" and only_turned:
            return replace(
                finding, support="supported", score=self.weights.supported, reason="the passage says no"
            )
        return replace(finding, support="not_found", reason="the passage does not say no")

    def _by_parts(self, claim: Statement, near: Near, whole: Case) -> Finding | None:
        """Return support from several places, one for each part of the sentence; None if a part has none."""
        parts = split_parts(claim.text, terms=self.grounds.terms, language=claim.language)
        derived = [one.claimed.shown for one in whole.bindings if one.verdict == "derived"]
        found: list[Finding] = []
        for part in parts:
            if any(shown in part for shown in derived):
                continue
            _, finding = self._weigh(read_claim(part, self.grounds), near)
            if finding.support != "supported":
                return None
            found.append(finding)
        if len(found) < 2:
            return None
        places = sorted({one.passage + 1 for one in found if one.passage is not None})
        reason = (
            f"its parts stand in passages {' and '.join(map(str, places))}"
            if len(places) > 1
            else found[0].reason
        )
        return replace(found[0], score=min(one.score for one in found), reason=reason)

    def _asked(self, claim: Statement, case: Case, finding: Finding) -> Finding:
        """Ask the entailment model about a claim that wording leaves open and no rule speaks against."""
        if self.entail is None or case.objections or finding.score < self.weights.undecided:
            return finding
        units = case.window.units
        premise = " ".join((*units[0].scope, *(unit.statement.readable for unit in units)))
        likely = self.entail(premise, claim.text)
        if likely < ENTAILED:
            return replace(finding, score=min(finding.score, likely))
        reason = "by the entailment model, the passage says so"
        return Finding("supported", likely, units[0].source.number, units[0].start, units[-1].end, reason)


def _settled(case: Case) -> bool:
    """Return whether what speaks against a sentence speaks against it however it is taken apart."""
    return any(one.kind in ("quantity", "name", "swapped", "unknown name") for one in case.objections)
