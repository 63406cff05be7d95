"""Replay: prompts of our own that no gate asks, answered by the base itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ragraft.models.fake import FakeChatModel
from ragraft.tune.gates.context import given_passages, retrieval_frame
from ragraft.tune.gates.forgetting import general_tasks, general_text
from ragraft.tune.likeness import NearText
from ragraft.tune.replay import rehearse, replay_prompts
from ragraft.types import EVERYONE, Completion, Message, Usage

USAGE = Usage(1, 1)


def bare(question: str, passage: str) -> Sequence[Message]:
    return (Message("system", passage), Message("user", question))


def prompts(count: int) -> list[tuple[Message, ...]]:
    return [(Message("user", f"Prompt {number}?"),) for number in range(count)]


def echo(messages: Sequence[Message]) -> Completion:
    return Completion(f"I was asked: {messages[-1].content}", USAGE, "stop")


def each(ask: Callable[[Sequence[Message]], Completion]) -> Callable[..., list[Completion]]:
    return lambda prompts: [ask(prompt) for prompt in prompts]


def test_there_are_100_requests_and_60_passages() -> None:
    made = replay_prompts(bare)
    assert len(made) == 160
    assert sum(prompt[0].role == "system" for prompt in made) == 60


def test_no_prompt_is_there_twice() -> None:
    assert len(set(replay_prompts(bare))) == 160


def test_no_prompt_is_like_anything_of_a_gate() -> None:
    asked = [(task.id, task.ask) for task in general_tasks()]
    given = [(one.id, text) for one in given_passages() for text in (one.passage, one.question)]
    texts = [(str(number), text) for number, text in enumerate(general_text())]
    gates = NearText(
        ((f"{name}/{at}", text) for at, (name, text) in enumerate([*asked, *given, *texts])), at_least=0.5
    )
    said = [turn.content for prompt in replay_prompts(bare) for turn in prompt]
    assert [(text, found) for text in said if (found := gates.nearest(text))] == []


def test_a_passage_stands_in_the_frame_of_the_retrieval_prompt() -> None:
    framed = replay_prompts(retrieval_frame(FakeChatModel()))[-1]
    assert "numbered passages" in framed[0].content
    assert "The violinist played two pieces" in framed[-1].content
    assert "What was the title of the encore?" in framed[-1].content


def test_the_base_answers_for_itself() -> None:
    rehearsal = rehearse(prompts(3), ask_many=each(echo), count=3, seed=1)
    for example in rehearsal.examples:
        assert example.kind == "replay"
        assert example.messages[-1].content == f"I was asked: {example.messages[0].content}"
    assert rehearsal.left_out == {}


def test_anybody_may_read_what_is_rehearsed() -> None:
    (example,) = rehearse(prompts(1), ask_many=each(echo), count=1, seed=1).examples
    assert example.label.groups == {EVERYONE}


def test_the_same_seed_draws_the_same_prompts_and_another_seed_others() -> None:
    first, again, other = (
        rehearse(prompts(50), ask_many=each(echo), count=5, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        (" \n", "stop", "empty"),
        ("It is warm today. It is warm today. It is warm today.", "stop", "goes in circles"),
        ("The first reason is that", "length", "cut"),
        ("So they ask:\nPrompt 3?\nWell.", "stop", "says the prompt again"),
        ("<<Passage\nA passage.\n>>", "stop", "says the prompt again"),
    ],
)
def test_an_answer_that_teaches_nothing_is_left_out_and_another_prompt_drawn(
    text: str, finish: str, fault: str
) -> None:
    def ask(messages: Sequence[Message]) -> Completion:
        return Completion(text, USAGE, finish) if "Prompt 3" in messages[-1].content else echo(messages)  # type: ignore[arg-type]  # one of two words

    rehearsal = rehearse(prompts(5), ask_many=each(ask), count=5, seed=0)
    assert len(rehearsal.examples) == 4
    assert rehearsal.left_out == {fault: 1}


def test_no_more_is_asked_than_is_wanted() -> None:
    asked: list[Sequence[Message]] = []

    def ask(messages: Sequence[Message]) -> Completion:
        asked.append(messages)
        return echo(messages)

    rehearse(prompts(50), ask_many=each(ask), count=5, seed=0)
    assert len(asked) == 5
