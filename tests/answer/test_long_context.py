"""The long-context control: as much as fits is given, and what is said is checked as ever."""

from __future__ import annotations

from collections.abc import Sequence

from answer_world import passage, stems

from ragraft.access.labels import OWNER
from ragraft.answer.long_context import long_context_system
from ragraft.answer.prompt import Budget
from ragraft.models.fake import FakeChatModel
from ragraft.types import Answer, Caller, Passage, SystemCard
from ragraft.verify.verifier import Verifier

CARD = SystemCard("long_context", "long_context", "fake-chat", "0")


class Shelf:
    """Returns as many of its passages as asked for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._passages = [passage(text, uri=f"{at}.md") for at, text in enumerate(texts)]

    def retrieve(self, query: str, *, limit: int, caller: Caller, as_of: object = None) -> list[Passage]:
        return self._passages[:limit]


def answered(texts: Sequence[str], *, window: int, reply: str = "") -> Answer:
    system = long_context_system(
        card=CARD,
        everything=Shelf(texts),
        model=FakeChatModel([reply] if reply else [], window=window),
        verifier=Verifier(terms=stems),
        terms=stems,
        policy="strict",
        weigh=False,
        budget=Budget(passages=30, answer=20),
    )
    return system.answer("What does the soup cost?", caller=OWNER)


TEXTS = [f"Dish {number} costs {number} francs." for number in range(40)]


def test_the_window_is_the_limit_and_not_the_budget_for_passages() -> None:
    given = answered(TEXTS, window=4000).prompt
    assert len(given.passages) == len(TEXTS)
    assert given.dropped == ()


def test_what_does_not_fit_the_window_is_left_out_from_the_end() -> None:
    prompt = answered(TEXTS, window=400).prompt
    assert 0 < len(prompt.passages) < len(TEXTS)
    assert [one.uri for one in prompt.passages] == [f"{at}.md" for at in range(len(prompt.passages))]
    assert prompt.tokens + prompt.max_answer_tokens <= 400


def test_a_sentence_that_no_passage_supports_is_not_shown() -> None:
    answer = answered(["The soup costs three francs."], window=4000, reply="The soup costs nine francs [1].")
    assert answer.refused
    assert "nine" not in answer.text


def test_a_supported_sentence_is_cited() -> None:
    answer = answered(["The soup costs three francs."], window=4000, reply="The soup costs three francs [1].")
    assert answer.text == "The soup costs three francs. [1]"
    assert [one.quote for one in answer.citations] == ["The soup costs three francs."]
