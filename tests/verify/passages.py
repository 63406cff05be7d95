"""Small passages and a verifier for them."""

from __future__ import annotations

from datetime import UTC, datetime

from ragraft.retrieve.lexical import terms
from ragraft.types import Chunk, Finding, Passage
from ragraft.verify.verifier import Entail, Likeness, Verifier

NOW = datetime(2026, 1, 1, tzinfo=UTC)

KASSEL = """| What | Limit |
|---|---|
| Hotel per night, including breakfast and local tax | EUR 135 |
| Meals for a full day away (more than 24 hours) | EUR 28 |"""
BRNO = KASSEL.replace("135", "110").replace("28", "21")


def english(text: str) -> list[str]:
    return terms(text, language="en")


def passage(text: str, *, context: str = "", title: str = "") -> Passage:
    return Passage(Chunk(0, len(text), text, context), f"{title}.md", title, 1, 1.0, NOW)


def verifier(*, likeness: Likeness | None = None, entail: Entail | None = None) -> Verifier:
    return Verifier(terms=english, likeness=likeness, entail=entail)


def check(claim: str, *texts: str | Passage, question: str = "") -> Finding:
    passages = [passage(text) if isinstance(text, str) else text for text in texts]
    return verifier().check([claim], passages=passages, question=question)[0]


def policies() -> tuple[Passage, Passage]:
    return tuple(
        passage(text, context=f"Travel policy {town} > Staying there", title=f"Travel policy {town}")
        for town, text in (("Kassel", KASSEL), ("Brno", BRNO))
    )  # type: ignore[return-value]  # two of them
