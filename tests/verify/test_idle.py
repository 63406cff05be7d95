from __future__ import annotations

import pytest

from ragraft.verify.idle import claims_nothing, split_reply


@pytest.mark.parametrize(
    "sentence",
    [
        "I hope this helps!",
        "Let me know if you have more questions.",
        "The documents do not say how much a hotel costs in Lyon.",
        "not in the documents",
        "I don't know.",
        "Which site do you work at?",
        "Die Dokumente enthalten dazu keine Angaben.",
        "Sorry.",
        "...",
        "",
        "🙂",
    ],
)
def test_it_claims_nothing(sentence: str) -> None:
    assert claims_nothing(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The documents do not say so, but a hotel may cost much.",
        "I don't know, however hotels are free.",
        "The hotel is free.",
        "The documents do not name a limit of 150.",
        "Sure, the hotel in Lyon costs what the hotel in Paris costs, as everybody knows.",
        "Yes.",
        "The passage is blocked.",
        "Was it late? It was late.",
    ],
)
def test_it_claims_something(sentence: str) -> None:
    assert not claims_nothing(sentence)


@pytest.mark.parametrize(
    ("sentence", "reply", "rest"),
    [
        ("Yes.", True, ""),
        ("No, it is not.", False, "it is not."),
        ("Nein: das geht nicht.", False, "das geht nicht."),
        ("Nobody knows.", None, "Nobody knows."),
        ("No hotel is free.", None, "No hotel is free."),
    ],
)
def test_yes_and_no_are_split_off(sentence: str, reply: bool | None, rest: str) -> None:
    assert split_reply(sentence) == (reply, rest)
