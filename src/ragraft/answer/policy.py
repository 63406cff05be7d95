"""What of a checked draft is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragraft.answer.cite import Claim
from ragraft.types import Check, Citation, Verdict

__all__ = ["UNSUPPORTED_MARK", "Policy", "Shown", "apply_policy"]

Policy = Literal["strict", "flag"]
"""strict: a sentence that is not supported is taken out. flag: it stays, marked."""

UNSUPPORTED_MARK = "[unsupported]"


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that is shown, with its citations; `claims` says whether it states anything supported."""

    text: str
    checks: tuple[Check, ...]
    citations: tuple[Citation, ...]
    verdicts: tuple[Verdict, ...]
    claims: bool


def apply_policy(claims: Sequence[Claim], checks: Sequence[Check], *, policy: Policy) -> Shown:
    """Return what of a draft is shown under a policy.

    Sentences that claim nothing stay only beside one that is supported: alone they are no answer.
    """
    supported = any(check.support == "supported" for check in checks)
    parts: list[str] = []
    decided: list[Check] = []
    for claim, check in zip(claims, checks, strict=True):
        known = check.support == "supported"
        shown = bool(claim.text) and (known or (policy == "flag" and check.support != "no_claim"))
        decided.append(replace(check, shown=shown))
        if not shown:
            continue
        marks = dict.fromkeys(verdict.citation.marker for verdict in check.verdicts if verdict.supported)
        end = "".join(f" [{marker}]" for marker in marks) if known else f" {UNSUPPORTED_MARK}"
        parts.append((claim.before if parts else "") + claim.text + end)
    verdicts = tuple(verdict for check in decided if check.shown for verdict in check.verdicts)
    return Shown(
        text="".join(parts).strip(),
        checks=tuple(decided),
        citations=tuple(verdict.citation for verdict in verdicts if verdict.supported),
        verdicts=verdicts,
        claims=supported,
    )
