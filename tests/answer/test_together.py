"""Several prompts at once: which model is asked in which way, and that each completion finds its prompt."""

from __future__ import annotations

from collections.abc import Sequence

from ragraft.answer.stopwatch import Stopwatch
from ragraft.answer.together import complete_all
from ragraft.models.fake import FakeChatModel
from ragraft.types import Completion, Message, Prompt


class Chorus(FakeChatModel):
    """Says back the last message, several at once; `calls` has how many were asked with how many tokens each time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, int]] = []

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        self.calls.append((len(conversations), max_tokens))
        return [
            FakeChatModel([one[-1].content]).generate(one, max_tokens=max_tokens) for one in conversations
        ]


def asked(*texts: str, tokens: Sequence[int] = ()) -> list[tuple[Prompt, Stopwatch]]:
    most = tokens or [20] * len(texts)
    return [
        (Prompt((Message("user", text),), (), (), 5, number), Stopwatch())
        for text, number in zip(texts, most, strict=True)
    ]


def test_a_model_that_can_is_asked_once_for_all() -> None:
    model = Chorus()
    made = complete_all(model, asked("one", "two", "three"))
    assert [one.text for one in made] == ["one", "two", "three"]
    assert model.calls == [(3, 20)]
    assert model.received == []


def test_each_prompt_keeps_its_own_limit_and_place() -> None:
    model = Chorus()
    made = complete_all(model, asked("a b c", "d e f", "g h i", tokens=[3, 2, 3]))
    assert [one.text for one in made] == ["a b c", "d e", "g h i"]
    assert model.calls == [(1, 2), (2, 3)]


def test_a_model_that_cannot_is_asked_in_turn() -> None:
    model = FakeChatModel(["first", "second"])
    made = complete_all(model, asked("one", "two"))
    assert [one.text for one in made] == ["first", "second"]
    assert [messages[0].content for messages in model.received] == ["one", "two"]


def test_every_stopwatch_notes_its_share_of_the_writing() -> None:
    waiting = asked("one", "two", "three")
    complete_all(Chorus(), waiting)
    times = [clock.timings["generate"] for _, clock in waiting]
    assert len(set(times)) == 1 and times[0] >= 0


def test_nothing_asked_is_nothing_written() -> None:
    assert complete_all(Chorus(), []) == []
