"""What is promoted is looked up at each question, and never keeps anybody from an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from promotion_world import arm
from ragraft.access.labels import OWNER
from ragraft.errors import ModelError, NotAllowedError, NotFoundError, RagraftError
from ragraft.promotion import PromotedSystem, Promotion, Promotions, standing
from ragraft.systems import Workbench
from ragraft.types import Answer, Caller, Message, Prompt, SystemCard, Usage
from small_world import STRANGER


class Named:
    """A system that signs its answers, or raises."""

    def __init__(self, name: str, error: RagraftError | None = None) -> None:
        self.card = SystemCard(name, "rag", "none", "0")
        self._error = error

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        if self._error:
            raise self._error
        prompt = Prompt((), (), (), 0, 0)
        return Answer(question, False, "because", (), (), (), prompt, Usage(0, 0), self.card, {})

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        return [self.answer(question, caller=caller) for question in questions]


@pytest.fixture
def promotions(bench: Workbench) -> Promotions:
    return Promotions(database=bench.database, audit=bench.audit)


def promote(promotions: Promotions, name: str, adapter: str = "") -> Promotion:
    made = arm(name, card=SystemCard(name, "raft", "none", "0"), adapter=adapter)
    return promotions.promote(made, report="f00d", forced=False, caller=OWNER)


def promoted(
    promotions: Promotions, *, error: RagraftError | None = None, later: bool = False
) -> PromotedSystem:
    """Return what is promoted; with an error, it cannot be opened, or `later` cannot answer."""

    def open_system(promotion: Promotion, caller: Caller) -> Named:
        if error and not later:
            raise error
        return Named(promotion.system, error)

    return PromotedSystem(promotions=promotions, open_system=open_system, usual=lambda: Named("rag"))


def test_without_a_promotion_the_usual_system_answers(promotions: Promotions) -> None:
    answer = promoted(promotions).answer("?", caller=STRANGER)
    assert (answer.system.name, answer.reason) == ("rag", "because")


def test_a_promotion_and_its_rollback_hold_for_a_system_that_is_open(promotions: Promotions) -> None:
    system = promoted(promotions)
    promote(promotions, "raft")
    assert system.answer("?", caller=STRANGER).system.name == "raft"
    assert system.card.name == "raft"
    promotions.roll_back(caller=OWNER)
    assert system.answer("?", caller=STRANGER).system.name == "rag"


def test_several_questions_are_answered_by_what_is_promoted(promotions: Promotions) -> None:
    promote(promotions, "raft")
    answers = promoted(promotions).answer_many(["a", "b"], caller=STRANGER)
    assert [(one.text, one.system.name) for one in answers] == [("a", "raft"), ("b", "raft")]


@pytest.mark.parametrize("later", [False, True], ids=["when opened", "when asked"])
def test_what_is_withdrawn_is_replaced_and_who_may_use_it_is_told(
    promotions: Promotions, later: bool
) -> None:
    promote(promotions, "raft")
    system = promoted(promotions, error=NotAllowedError("out of service: leave.md (erased)"), later=later)
    answer = system.answer("?", caller=STRANGER)
    assert answer.system.name == "rag"
    assert answer.reason == "the promoted system is out of service, so rag answered; because"


def test_who_may_not_know_of_it_is_told_nothing(promotions: Promotions) -> None:
    promote(promotions, "raft")
    answer = promoted(promotions, error=NotFoundError("none")).answer("?", caller=STRANGER)
    assert (answer.system.name, answer.reason) == ("rag", "because")


def test_a_failure_of_the_model_is_not_hidden_by_another_answer(promotions: Promotions) -> None:
    promote(promotions, "raft")
    with pytest.raises(ModelError):
        promoted(promotions, error=ModelError("gone"), later=True).answer("?", caller=STRANGER)


def test_promotions_at_once_come_one_after_another(promotions: Promotions) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda name: promote(promotions, name), "abcdefgh"))
    assert sorted(one.system for one in made) == list("abcdefgh")
    assert len({one.number for one in made}) == 8


def test_a_rollback_leaves_later_and_earlier_ones_as_they_are(promotions: Promotions) -> None:
    promote(promotions, "first")
    promote(promotions, "second")
    promotions.roll_back(caller=OWNER)
    promote(promotions, "third")
    undone, now = promotions.roll_back(caller=OWNER)
    assert (undone.system, now and now.system) == ("third", "first")


def test_the_table_is_the_owners_alone(bench: Workbench, promotions: Promotions) -> None:
    promote(promotions, "raft")
    with bench.database.transaction(STRANGER) as connection:
        assert connection.execute("select * from promotion").fetchall() == []
        assert connection.execute("update promotion set system = 'mine'").rowcount == 0


def test_a_library_is_told_from_another(promotions: Promotions) -> None:
    assert promotions.library() == ""  # nothing was ever done in it
    promote(promotions, "raft")
    assert len(promotions.library()) == 16


def test_a_removed_adapter_is_told_to_the_owner(bench: Workbench, promotions: Promotions) -> None:
    found = standing(promote(promotions, "raft", "house"), bench.adapters)
    assert (found.in_service, found.reason) == (False, "its adapter was removed")
