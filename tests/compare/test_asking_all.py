"""Asking all systems: in turn, each question once, failures kept as such, and going on where it was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking_world import (
    BIRDS,
    CARD,
    LEAVE,
    LUNCH,
    QUESTIONS,
    ScriptedSystem,
    broken,
    cited_answer,
)

from ragraft.access.labels import OWNER
from ragraft.compare.asking import Asking, ask_all, said_of
from ragraft.compare.results import Cited, Given, Said
from ragraft.errors import NotAllowedError, UserError
from ragraft.types import Question, SystemCard, Usage
from small_world import STRANGER

KNOWS = {LEAVE.text: "Thirty days.", LUNCH.text: "At noon."}
MANY = tuple(Question(f"q{number}", f"What is {number}?", str(number), (), (), "") for number in range(7))


def ask(arms: Mapping[str, ScriptedSystem], **more: Any) -> dict[str, tuple[Said, ...]]:
    given = {"caller": OWNER, "revision": lambda: "first"} | more
    return ask_all(arms, given.pop("questions", QUESTIONS), **given)


def texts(said: tuple[Said, ...]) -> list[str]:
    return [one.text for one in said]


def test_every_system_answers_every_question_in_order() -> None:
    said = ask({"plain": ScriptedSystem(KNOWS), "mute": ScriptedSystem()})
    assert texts(said["plain"]) == ["Thirty days.", "At noon.", "I do not know."]
    assert texts(said["mute"]) == ["I do not know."] * 3
    assert [one.question for one in said["mute"]] == [one.id for one in QUESTIONS]


def test_systems_take_turns_and_another_begins_each_time() -> None:
    order: list[str] = []
    arms = {name: ScriptedSystem(before=lambda _, name=name: order.append(name)) for name in ("a", "b", "c")}
    ask(arms, questions=MANY[:4], batch=2)
    assert order == ["a", "a", "b", "b", "c", "c", "b", "b", "c", "c", "a", "a"]


def test_questions_are_asked_together() -> None:
    system = ScriptedSystem()
    ask({"one": system}, questions=MANY, batch=3)
    assert system.together == [3, 3]  # the last one is alone


def test_systems_are_asked_as_the_caller() -> None:
    system = ScriptedSystem()
    ask({"one": system}, caller=STRANGER)
    assert set(system.callers) == {STRANGER}


def test_one_failure_leaves_the_others_their_answers() -> None:
    said = ask({"one": ScriptedSystem(KNOWS | {LUNCH.text: broken()})})["one"]
    assert texts(said) == ["Thirty days.", "", "I do not know."]
    assert [one.failure for one in said] == ["", "ModelError: it broke", ""]


def test_a_system_that_lets_nobody_in_fails_on_every_question() -> None:
    class Closed(ScriptedSystem):
        def answer(self, question: str, **_: Any) -> Any:
            raise NotAllowedError("not for you")

    said = ask({"closed": Closed(), "open": ScriptedSystem(KNOWS)})
    assert {one.failure for one in said["closed"]} == {"NotAllowedError: not for you"}
    assert texts(said["open"])[0] == "Thirty days."


def test_a_fault_of_the_program_is_no_failure_of_a_system() -> None:
    with pytest.raises(ZeroDivisionError):
        ask({"one": ScriptedSystem({LUNCH.text: ZeroDivisionError()})})


def test_what_is_kept_is_not_asked_again(tmp_path: Path) -> None:
    first = ask({"one": ScriptedSystem(KNOWS)}, kept=tmp_path / "kept.jsonl")
    again = ScriptedSystem()
    assert ask({"one": again}, kept=tmp_path / "kept.jsonl") == first
    assert again.asked == []


def test_a_failure_is_asked_again_by_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    ask({"one": ScriptedSystem(KNOWS | {LUNCH.text: broken()})}, kept=kept)
    assert "it broke" in kept.read_text()
    again = ScriptedSystem(KNOWS)
    assert texts(ask({"one": again}, kept=kept)["one"])[1] == "At noon."
    assert again.asked == [LUNCH.text]


@pytest.mark.parametrize(
    "change",
    [
        {"revision": lambda: "second"},
        {"caller": STRANGER},
        {"caller": replace(OWNER, groups=frozenset({"staff"}))},
        {"card": replace(CARD, model="another")},
        {"card": replace(CARD, settings_hash="1")},
        {"questions": tuple(replace(one, text=f"{one.text} Please.") for one in QUESTIONS)},
    ],
    ids=["documents", "caller", "groups", "model", "settings", "words"],
)
def test_what_an_answer_depends_on_is_asked_anew_when_it_changes(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    kept = tmp_path / "kept.jsonl"
    ask({"one": ScriptedSystem(KNOWS)}, kept=kept)
    again = ScriptedSystem(card=change.pop("card", CARD))
    ask({"one": again}, kept=kept, **change)
    assert len(again.asked) == len(QUESTIONS)


@pytest.mark.parametrize(
    "change",
    [{"expected": "12 o'clock"}, {"id": "renamed"}, {"evidence": ()}],
    ids=["expected answer", "id", "evidence"],
)
def test_what_an_answer_does_not_depend_on_asks_nothing_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    kept = tmp_path / "kept.jsonl"
    ask({"one": ScriptedSystem(KNOWS)}, kept=kept)
    again = ScriptedSystem()
    changed = (LEAVE, replace(LUNCH, **change), BIRDS)
    said = ask({"one": again}, kept=kept, questions=changed)["one"]
    assert again.asked == []
    assert [one.question for one in said] == [one.id for one in changed]


def test_a_system_by_another_name_and_of_the_same_card_is_not_asked_again(tmp_path: Path) -> None:
    ask({"one": ScriptedSystem(KNOWS)}, kept=tmp_path / "kept.jsonl")
    again = ScriptedSystem()
    ask({"another name": again}, kept=tmp_path / "kept.jsonl")
    assert again.asked == []


def test_what_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    def stop(question: str) -> None:
        if question == MANY[5].text:
            raise KeyboardInterrupt

    kept = tmp_path / "kept.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask({"one": ScriptedSystem(before=stop)}, questions=MANY, batch=2, kept=kept)
    again = ScriptedSystem()
    assert len(ask({"one": again}, questions=MANY, batch=2, kept=kept)["one"]) == len(MANY)
    assert again.asked == [one.text for one in MANY[4:]]


def test_documents_that_change_meanwhile_are_said(tmp_path: Path) -> None:
    now = ["first"]
    system = ScriptedSystem(KNOWS, before=lambda _: now.__setitem__(0, "second"))
    with pytest.raises(UserError, match="the documents changed"):
        ask({"one": system}, revision=lambda: now[0])


def test_sentences_are_checked_the_same_way_for_every_system() -> None:
    seen: list[tuple[str, str]] = []

    def check(question: str, text: str) -> tuple[int, int]:
        seen.append((question, text))
        return 2, 1

    arms = {"one": ScriptedSystem(KNOWS), "two": ScriptedSystem({LEAVE.text: broken()})}
    said = ask(arms, questions=[LEAVE, LUNCH], check=check)
    assert [(one.sentences, one.unsupported) for one in said["one"]] == [(2, 1), (2, 1)]
    assert said["two"][0].sentences is None
    assert seen == [(LEAVE.text, "Thirty days."), (LUNCH.text, "At noon."), (LUNCH.text, "I do not know.")]


def test_without_a_check_nothing_is_said_of_sentences() -> None:
    assert {one.sentences for one in ask({"one": ScriptedSystem(KNOWS)})["one"]} == {None}


def test_progress_goes_from_nothing_to_all() -> None:
    seen: list[Asking] = []
    arms = {"one": ScriptedSystem({LUNCH.text: broken()}), "two": ScriptedSystem()}
    ask(arms, batch=1, on_progress=seen.append)
    assert [one.done for one in seen] == list(range(7))
    assert {one.total for one in seen} == {6}
    assert (seen[0].seconds_left, seen[-1].seconds_left, seen[-1].failed) == (None, 0.0, 1)
    assert all(one.seconds_left is not None and one.seconds_left > 0 for one in seen[1:-1])


def test_progress_counts_what_is_kept_as_done(tmp_path: Path) -> None:
    ask({"one": ScriptedSystem()}, kept=tmp_path / "kept.jsonl")
    seen: list[Asking] = []
    ask({"one": ScriptedSystem()}, kept=tmp_path / "kept.jsonl", on_progress=seen.append)
    assert [(one.done, one.total) for one in seen] == [(3, 3)]


def test_all_of_an_answer_that_a_report_needs_is_kept() -> None:
    said = said_of(LEAVE, cited_answer())
    assert said == Said(
        question="leave",
        text="Thirty days. [1]",
        origin="model",
        draft="Thirty days. [1]",
        citations=(Cited(1, "leave.md", 3, 23, 34, "thirty days", True),),
        given=(Given("leave.md", 3, 10, 44),),
        invented=2,
        confidence=0.75,
        prompt_tokens=3,
        completion_tokens=2,
        seconds={"generate": 0.5},
    )


def test_tokens_that_came_from_a_cache_are_kept() -> None:
    answer = replace(cited_answer(), usage=Usage(900, 30, cached_tokens=600))
    assert said_of(LEAVE, answer).cached_tokens == 600


def test_half_a_character_is_replaced_so_that_the_answer_can_be_kept(tmp_path: Path) -> None:
    system = ScriptedSystem({LEAVE.text: "Thirty \ud83d days."})
    ask({"one": system}, kept=tmp_path / "kept.jsonl")
    assert texts(ask({"one": ScriptedSystem()}, kept=tmp_path / "kept.jsonl")["one"])[0] == "Thirty ? days."


def test_no_questions_are_no_answers() -> None:
    assert ask({"one": ScriptedSystem()}, questions=[]) == {"one": ()}


def test_a_card_tells_systems_apart(tmp_path: Path) -> None:
    other = ScriptedSystem({}, card=SystemCard("rag", "rag", "scripted", "0"))
    said = ask({"one": ScriptedSystem(KNOWS), "two": other}, kept=tmp_path / "kept.jsonl")
    assert texts(said["one"]) != texts(said["two"])
