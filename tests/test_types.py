"""The nouns: who may read what, and values that nobody can change."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from datetime import UTC, datetime

import pytest

import ragraft.types
from ragraft.types import EVERYONE, AccessLabel, Caller, Chunk, Passage


def label(*groups: str) -> AccessLabel:
    return AccessLabel(frozenset(groups))


def caller(*groups: str) -> Caller:
    return Caller("somebody", frozenset(groups))


@pytest.mark.parametrize(
    ("who", "what", "allowed"),
    [
        (caller(), label(), False),
        (caller("staff"), label(), False),
        (caller(), label("staff"), False),
        (caller("staff"), label("staff"), True),
        (caller("staff"), label("board"), False),
        (caller("staff", "board"), label("board", "law"), True),
        (caller("Staff"), label("staff"), False),
        (caller(), label(EVERYONE), True),
        (caller("staff"), label(EVERYONE, "board"), True),
        (caller(EVERYONE), label("staff"), False),
        (Caller("owner", owner=True), label(), True),
        (Caller("owner", owner=True), label("board"), True),
        (Caller("owner"), label(), False),
    ],
)
def test_a_caller_reads_what_his_groups_may_read(who: Caller, what: AccessLabel, allowed: bool) -> None:
    assert who.may_read(what) is allowed


def test_a_label_is_written_out_in_order() -> None:
    assert str(label("staff", "board")) == "board, staff"
    assert str(label()) == "owner only"


def test_labels_with_the_same_groups_are_equal() -> None:
    assert label("a", "b") == label("b", "a")
    assert len({label("a", "b"), label("b", "a")}) == 1


def test_the_full_text_of_a_chunk_has_its_context_above_it() -> None:
    assert Chunk(0, 4, "Text", "Title > Heading").full_text == "Title > Heading\nText"
    assert Chunk(0, 4, "Text").full_text == "Text"


def nouns() -> list[type]:
    return [
        value
        for _, value in inspect.getmembers(ragraft.types, inspect.isclass)
        if value.__module__ == "ragraft.types"
    ]


def test_every_noun_is_frozen_slotted_and_listed() -> None:
    for noun in nouns():
        assert dataclasses.is_dataclass(noun)
        assert noun.__dataclass_params__.frozen, noun  # type: ignore[attr-defined]  # made by dataclass
        assert "__slots__" in vars(noun), noun
        assert noun.__name__ in ragraft.types.__all__


def test_a_value_cannot_be_changed() -> None:
    passage = Passage(Chunk(0, 1, "x"), "a.md", "A", 1, 0.5, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(dataclasses.FrozenInstanceError):
        passage.score = 1.0  # type: ignore[misc]  # what is tested
    assert dataclasses.replace(passage, score=1.0).score == 1.0


def test_the_nouns_import_nothing_of_ours() -> None:
    tree = ast.parse(inspect.getsource(ragraft.types))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name and name.startswith("ragraft")]
