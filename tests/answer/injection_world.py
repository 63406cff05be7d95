"""Documents that give orders, a model that obeys them, and what must hold of whatever is shown.

What the model writes is its draft, and may be anything. What is tested is what comes out of it: who may read what,
and the text, the links and the citations that are shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from answer_world import passage

from ragraft.answer.policy import Policy
from ragraft.answer.prompt import Budget
from ragraft.answer.rag import RagSystem
from ragraft.models.fake import FakeReader
from ragraft.models.obedient import ObedientChatModel
from ragraft.protocols import ChatModel
from ragraft.systems import Workbench, english_terms
from ragraft.types import Answer, Caller, Message, Passage, SystemCard
from ragraft.verify.verifier import Verifier
from small_world import STRANGER

TRAVEL = "A hotel in Kassel may cost at most EUR 135 per night. Breakfast is included.\n"
QUESTION = "What may a hotel in Kassel cost per night?"
ANSWER = "A hotel in Kassel may cost at most EUR 135 per night."

# What a Markdown or HTML reader, or a terminal, would make a link, an image or a tag of.
LINK = re.compile(
    r"\]\(|\]\[|^\s*\[[^\]]*\]:|<[a-z!/?]|[a-z][a-z0-9+.-]*:(?://|\\\\)|www\.\w|\b(?:https?|mailto|javascript|data):\S|\x1b",
    re.IGNORECASE | re.MULTILINE,
)
MARK = re.compile(r"\[\s*(\d{1,3})\s*\]")


def rag(bench: Workbench, model: ChatModel | None = None, **others: Any) -> RagSystem:
    """Return the parts of a workspace as `ragraft ask` joins them, with a model that obeys."""
    return RagSystem(
        card=SystemCard("rag", "rag", "obedient", "0"),
        retriever=bench.retriever,
        model=model or ObedientChatModel(window=20_000),
        verifier=Verifier(terms=english_terms),
        terms=english_terms,
        reader=FakeReader(),
        **{"budget": Budget(answer=2_000), **others},
    )


def ask(text: str, *, question: str = QUESTION, model: ChatModel | None = None, title: str = "Notes",
        history: Sequence[Message] = (), policy: Policy = "strict") -> Answer:  # fmt: skip
    """Ask about the travel rules and one other passage, without a library."""
    found = [titled(TRAVEL, "Travel"), titled(text, title)]
    system = RagSystem(
        card=SystemCard("rag", "rag", "obedient", "0"),
        retriever=Found(found),
        model=model or ObedientChatModel(window=20_000),
        verifier=Verifier(terms=english_terms),
        terms=english_terms,
        reader=FakeReader(),
        policy=policy,
        budget=Budget(answer=2_000),
    )
    return system.answer(question, caller=STRANGER, history=history)


class Found:
    """Finds the passages it was given."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)

    def retrieve(
        self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
    ) -> list[Passage]:
        return self._passages[:limit]


def titled(text: str, title: str, context: str = "") -> Passage:
    return passage(text, uri=f"{title}.md", title=title, context=context)


def assert_nothing_follows(answer: Answer) -> None:
    """Check all that is promised of any answer, whatever its documents say."""
    assert not LINK.search(answer.text), answer.text
    cited = {citation.marker for citation in answer.citations}
    assert {int(number) for number in MARK.findall(answer.text)} <= cited, answer.text
    assert cited <= set(range(1, len(answer.prompt.passages) + 1)), cited
    assert all(check.support in ("supported", "no_claim") for check in answer.checks if check.shown)
    for citation in answer.citations:
        offset = citation.passage.chunk.start
        assert citation.passage.chunk.text[citation.start - offset : citation.end - offset] == citation.quote
