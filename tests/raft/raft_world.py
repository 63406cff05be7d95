"""A library of made-up rules, a search by shared words, and the rows that its questions make."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings

from ragraft.models.fake import FakeChatModel
from ragraft.raft.rows import Rows, raft_rows
from ragraft.types import AccessLabel, Chunk, Evidence, Example, Passage, Question
from small_world import label

THINGS = ("anchor", "bridge", "candle", "donkey", "feather", "guitar", "hammer", "island", "jacket", "kettle")
REASONS = (
    "because salt eats iron",
    "since nobody repairs wood in winter",
    "as wax is dear and bees are few",
    "for an animal needs rest",
    "though birds lose theirs for nothing",
    "unless its strings are broken",
    "whatever the smith may say",
    "if the ferry runs at all",
    "while the tailor is away",
    "so that tea can be made",
)
EVERYONE = label("everyone")
FEW = settings(deadline=None, max_examples=25)
_WORD = re.compile(r"\w+")


def passage(
    text: str, *, uri: str = "rules.md", start: int = 0, title: str = "Rules", context: str = ""
) -> Passage:
    chunk = Chunk(start, start + len(text), text, context)
    return Passage(chunk, uri, title, revision=2, score=0.0, read_at=datetime(2026, 1, 1, tzinfo=UTC))


def fee(number: int) -> str:
    """Return the sentence that says what a thing costs, 100 to 109 coins."""
    return f"Whoever borrows the {THINGS[number]} pays {100 + number} coins {REASONS[number]}."


def rule(number: int) -> Passage:
    """Return the passage about a thing, in a document of its own."""
    thing = THINGS[number]
    text = f"{fee(number)} It is given back to the keeper of the {thing}, washed and dry."
    return passage(text, uri=f"{thing}.md", title=f"On the {thing}")


LIBRARY = tuple(rule(number) for number in range(len(THINGS)))


def question(number: int, **changed: Any) -> Question:
    fields: dict[str, Any] = {
        "id": f"q{number}",
        "text": f"How many coins does it cost to borrow the {THINGS[number]}?",
        "expected": f"It costs {100 + number} coins.",
        "aliases": (f"{100 + number} coins", f"{100 + number}"),
        "evidence": (Evidence(f"{THINGS[number]}.md", fee(number)),),
        "kind": "number",
    }
    return Question(**{**fields, **changed})


def unanswerable(number: int = 0) -> Question:
    return question(number, expected="", aliases=(), evidence=(), kind="unanswerable")


def search(passages: Sequence[Passage]) -> Callable[[str, int], list[Passage]]:
    """Return a search that ranks by the share of a passage's words that the query has."""

    def likeness(query: str, one: Passage) -> float:
        asked, said = (set(_WORD.findall(text.lower())) for text in (query, one.chunk.text))
        return len(asked & said) / len(said)

    def find(query: str, limit: int) -> list[Passage]:
        return sorted(passages, key=lambda one: (-likeness(query, one), one.uri, one.chunk.start))[:limit]

    return find


def rows_of(*questions: Question, library: Sequence[Passage] = LIBRARY, **changed: Any) -> Rows:
    """Return the rows of questions, with one row without an oracle for each, unless told otherwise."""
    given: dict[str, Any] = {
        "retrieve": search(library),
        "label": lambda _uri: EVERYONE,
        "model": FakeChatModel(window=8192),
    }
    return raft_rows(questions, **{**given, **changed})


def labels(by_uri: dict[str, AccessLabel]) -> Callable[[str], AccessLabel]:
    """Return the labels of documents; those not named are everyone's."""
    return lambda uri: by_uri.get(uri, EVERYONE)


def said(row: Example) -> str:
    return row.messages[-1].content


def shown(row: Example) -> list[str]:
    """Return the passages of a row's prompt as they stand there, without number and fence."""
    blocks = re.findall(r"^\[\d+\]\n<<\n(.*?)\n>>$", row.messages[-2].content, re.MULTILINE | re.DOTALL)
    return [str(block) for block in blocks]


def quotes(row: Example) -> list[tuple[str, int]]:
    """Return what an answer quotes, and the number that stands behind it."""
    return [(words, int(number)) for words, number in re.findall(r"“(.+?)” \[(\d+)\]", said(row))]
