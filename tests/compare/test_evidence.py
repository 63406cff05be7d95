"""Where evidence stands, and what touches it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asking_world import BIRDS, LEAVE, LUNCH, TEXTS

from ragraft.compare.evidence import Place, any_touches, evidence_places
from ragraft.compare.results import Given
from ragraft.types import Evidence


def test_evidence_stands_where_its_words_do() -> None:
    ((place,),) = evidence_places([LEAVE], text_of=TEXTS.get)["leave"]
    assert TEXTS[place.document][place.start : place.end] == "thirty days"


def test_words_that_stand_twice_stand_in_both_places() -> None:
    ((one, other),) = evidence_places([LEAVE], text_of=lambda _: "thirty days, thirty days")["leave"]
    assert (one.start, other.start) == (0, 13)


def test_each_piece_of_evidence_has_places_of_its_own() -> None:
    both = replace(LEAVE, evidence=LEAVE.evidence + LUNCH.evidence)
    assert [len(piece) for piece in evidence_places([both], text_of=TEXTS.get)["leave"]] == [1, 1]


@pytest.mark.parametrize(
    "evidence",
    [(), (Evidence("gone.md", "thirty days"),), (Evidence("leave.md", "forty days"),)],
    ids=["none", "no such document", "other words"],
)
def test_what_is_not_there_has_no_place(evidence: tuple[Evidence, ...]) -> None:
    assert evidence_places([replace(LEAVE, evidence=evidence)], text_of=TEXTS.get) == {"leave": ()}


def test_evidence_without_words_is_the_whole_document() -> None:
    whole = replace(LEAVE, evidence=(Evidence("leave.md", " "),))
    assert evidence_places([whole], text_of=TEXTS.get)["leave"] == (
        (Place("leave.md", 0, len(TEXTS["leave.md"])),),
    )


def test_each_document_is_read_once() -> None:
    read: list[str] = []
    evidence_places([LEAVE, LEAVE, BIRDS], text_of=lambda name: read.append(name) or TEXTS[name])
    assert read == ["leave.md"]


@pytest.mark.parametrize(
    ("start", "end", "touched"), [(0, 5, False), (0, 6, True), (9, 20, True), (10, 20, False), (6, 7, True)]
)
def test_a_place_is_touched_by_what_shares_a_character_with_it(start: int, end: int, touched: bool) -> None:
    piece = (Place("leave.md", 5, 10),)
    assert any_touches(piece, [Given("leave.md", 1, start, end)]) is touched


def test_the_same_place_of_another_document_is_another_place() -> None:
    assert not any_touches((Place("leave.md", 5, 10),), [Given("hours.md", 1, 5, 10)])
