"""Who takes part in a comparison, from what the user writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapter_world import adapter
from ragraft.contestants import Contestant, read_contestants
from ragraft.errors import UserError
from ragraft.types import Adapter


def reading(name: str) -> Adapter:
    return adapter(name, card={"recipe": {"raft": True}})


MADE = (
    adapter("old"),
    replace(adapter("house"), made_at=adapter().made_at + timedelta(days=1)),
    reading("desk"),
)


def test_systems_stand_under_the_names_that_they_were_given() -> None:
    found = read_contestants("plain, rag,tuned:old", adapters=MADE)
    assert list(found) == ["plain", "rag", "tuned:old"]
    assert found["tuned:old"] == Contestant("tuned", adapter="old")


def test_of_several_adapters_the_one_made_last_is_taken() -> None:
    assert read_contestants("rag,tuned", adapters=MADE)["tuned"].adapter == "house"


def test_raft_takes_an_adapter_that_was_taught_to_read_and_tuned_one_that_was_not() -> None:
    found = read_contestants("raft,tuned_rag", adapters=MADE)
    assert (found["raft"].adapter, found["tuned_rag"].adapter) == ("desk", "house")


def test_a_tainted_adapter_is_not_taken_unless_named() -> None:
    tainted = replace(MADE[1], tainted_by=("leave.md",))
    made = (MADE[0], tainted)
    assert read_contestants("rag,tuned", adapters=made)["tuned"].adapter == "old"
    assert read_contestants("rag,tuned:house", adapters=made)["tuned:house"].adapter == "house"


def test_without_a_list_all_that_there_are_take_part() -> None:
    assert list(read_contestants("", adapters=MADE)) == ["plain", "rag", "tuned", "tuned_rag", "raft"]
    assert list(read_contestants("", adapters=())) == ["plain", "rag"]


def test_a_stranger_is_named() -> None:
    assert read_contestants("rag,stranger:big", adapters=())["stranger:big"] == Contestant(
        "stranger", stranger="big"
    )


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("rag,magic", "there is no system 'magic'"),
        ("rag,plain:house", "there is no system 'plain:house'"),
        ("rag,rag", "named twice"),
        ("rag", "one system cannot be compared"),
        ("rag,stranger", "which stranger"),
        ("rag,raft", "no tuned model for raft"),
    ],
)
def test_what_cannot_take_part_is_refused(named: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        read_contestants(named, adapters=MADE[:2])
    assert raised.value.hint
