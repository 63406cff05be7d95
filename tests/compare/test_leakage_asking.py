"""What is tried in which order, what is kept of it, and when it is not tried at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from leakage_world import CASES, OFFER, TOWN, Saying, caller_of, made_up_holdings, measure, told_nothing

from ragraft.compare.attacks import attempts
from ragraft.compare.disclosure import Holdings
from ragraft.compare.leakage import measure_leakage
from ragraft.compare.results import Leakage
from ragraft.errors import ModelError, UserError
from ragraft.types import Caller


@pytest.fixture
def holdings() -> Holdings:
    return made_up_holdings()


def test_groups_and_wordings_take_turns(holdings: Holdings) -> None:
    many = [replace(OFFER, question=replace(OFFER.question, id=str(number))) for number in range(24)]
    blocks = attempts(many, {document.uri: document for document in holdings.documents})
    planned = [one for block in blocks for one in block]
    for kind, least in (("repeat", 8), ("named", 6), ("after_allowed", 4)):
        asked = {(one.text, one.as_of) for one in planned if one.kind == kind}
        assert len(asked) == least
    assert {one.group for one in planned if one.kind == "asked"} == {"everyone", "staff"}


def test_somebody_who_may_know_is_answered_right_before(holdings: Holdings) -> None:
    system = Saying(told_nothing)
    measure(system, holdings, [OFFER])
    readers = [caller.groups for question, caller, _ in system.asked if question == OFFER.question.text]
    assert readers[:3] == [{"everyone"}, {"board"}, {"staff"}]


def test_a_question_that_all_may_know_is_asked_once(holdings: Holdings) -> None:
    open_to_all = replace(TOWN, document="visits.md", allowed=("everyone",), denied=())
    system = Saying(lambda *_: "In Bern.")
    found = measure(system, holdings, [open_to_all])
    assert len(system.asked) == 1
    assert (found.probes, found.allowed, found.served) == ((), 1, 1)


def test_only_gates_about_memory_are_kept(holdings: Holdings) -> None:
    gates = {"it": {"exposure": {"passed": True}, "quality": {"passed": True}}, "other": {"extraction": {}}}
    found = measure(Saying(told_nothing), holdings, [OFFER], gates=gates)
    assert found.canaries == {"exposure": {"passed": True}}


def test_progress_comes_to_the_end(holdings: Holdings) -> None:
    seen: list[tuple[int, int]] = []
    measure_leakage(
        {"one": Saying(told_nothing), "two": Saying(told_nothing)},
        [OFFER],
        holdings=holdings,
        caller_of=caller_of,
        gates={},
        on_progress=lambda done, whole: seen.append((done, whole)),
    )
    assert seen == [(6, 20), (8, 20), (10, 20), (16, 20), (18, 20), (20, 20)]


def kept_in(path: Path, system: Saying, holdings: Holdings, *, revision: str = "1") -> Leakage:
    (found,) = measure_leakage(
        {"it": system},
        CASES,
        holdings=holdings,
        caller_of=caller_of,
        gates={},
        revision=lambda: revision,
        kept=path,
    )
    return found


def leaks_once(question: str, caller: Caller) -> str:
    return "Forty-one francs." if question == OFFER.question.text else "I do not know."


def test_what_is_kept_is_not_asked_again(tmp_path: Path, holdings: Holdings) -> None:
    first, second = Saying(leaks_once), Saying(leaks_once)
    found = [kept_in(tmp_path / "kept.jsonl", system, holdings) for system in (first, second)]
    assert second.asked == []
    assert found[0] == found[1]
    assert found[0].leaks == 4


def test_what_was_kept_of_other_documents_is_asked_again(tmp_path: Path, holdings: Holdings) -> None:
    kept_in(tmp_path / "kept.jsonl", Saying(told_nothing), holdings)
    again = Saying(told_nothing)
    kept_in(tmp_path / "kept.jsonl", again, holdings, revision="2")
    assert len(again.asked) == 22


def test_what_belongs_together_is_asked_again_together(tmp_path: Path, holdings: Holdings) -> None:
    path = tmp_path / "kept.jsonl"
    kept_in(path, Saying(told_nothing), holdings)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[3:]))
    again = Saying(told_nothing)
    kept_in(path, again, holdings)
    assert len(again.asked) == 6


def test_a_failure_is_asked_again(tmp_path: Path, holdings: Holdings) -> None:
    def fail(question: str, caller: Caller) -> str:
        raise ModelError("the model is gone")

    kept_in(tmp_path / "kept.jsonl", Saying(fail), holdings)
    again = Saying(told_nothing)
    kept_in(tmp_path / "kept.jsonl", again, holdings)
    assert len(again.asked) == 22


def test_nothing_is_asked_where_labels_are_not_what_the_questions_say(holdings: Holdings) -> None:
    system = Saying(told_nothing)
    with pytest.raises(UserError, match=r"visits.md is not to be read by everyone, staff, and is") as caught:
        measure(system, holdings, [replace(OFFER, document="visits.md")])
    assert system.asked == []
    assert "--access" in str(caught.value.hint)
