"""The packaged model, asked several questions at once and one by one."""

from __future__ import annotations

import pytest
from answer_world import passage, stems

from ragraft.access.labels import OWNER
from ragraft.answer.plain import PlainSystem
from ragraft.answer.prompt import Budget
from ragraft.answer.rag import RagSystem
from ragraft.models.fake import FakeReader
from ragraft.models.files import chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.protocols import System
from ragraft.types import Answer, Caller, Passage, SystemCard
from ragraft.verify.verifier import Verifier

QUESTIONS = [
    "What does the soup cost?",
    "On which day is trout sold?",
    "Who keeps the key of the cellar?",
    "What is the capital of France?",
]
TEXTS = [
    "The soup costs three francs. Bread is free.",
    "Trout is sold on Friday, and pike on Monday.",
    "The key of the cellar is kept by the cook.",
]
TOKENS = 24
"""Enough to see where two sums in another order would have chosen another word."""


class Menu:
    """Finds the same passages for every question."""

    def retrieve(self, query: str, *, limit: int, caller: Caller, as_of: object = None) -> list[Passage]:
        return [passage(text, uri=f"{at}.md") for at, text in enumerate(TEXTS)][:limit]


@pytest.fixture(scope="module")
def model() -> LocalChatModel:
    """The packaged model, which writes several answers at once and keeps what prompts have in common."""
    return LocalChatModel(chat_model_file(), threads=1, prefix_caching=True)


def plain(model: LocalChatModel) -> System:
    return PlainSystem(card=SystemCard("plain", "plain", model.name, ""), model=model, answer_tokens=TOKENS)


def rag(model: LocalChatModel) -> System:
    return RagSystem(
        card=SystemCard("rag", "rag", model.name, ""),
        retriever=Menu(),
        model=model,
        verifier=Verifier(terms=stems),
        terms=stems,
        reader=FakeReader(),
        budget=Budget(answer=TOKENS),
    )


def lasting(answer: Answer) -> tuple[object, ...]:
    """Return what does not differ from one time to the next."""
    cited = [(one.marker, one.passage.uri, one.start, one.end) for one in answer.citations]
    return answer.text, answer.draft, answer.refused, answer.reason, cited, answer.usage, answer.question


@pytest.mark.parametrize("make", [plain, rag])
def test_answers_made_together_are_those_made_one_by_one(make: object, model: LocalChatModel) -> None:
    system: System = make(model)  # type: ignore[operator]  # one of the two above
    many = system.answer_many(QUESTIONS, caller=OWNER)
    assert all(answer.draft for answer in many)
    assert [lasting(answer) for answer in many] == [
        lasting(system.answer(question, caller=OWNER)) for question in QUESTIONS
    ]
