"""All that a caller may read, in reading order: what is in it, what is not, and where it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER
from ragraft.errors import UserError
from ragraft.retrieve.everything import Everything
from ragraft.systems import Workbench
from ragraft.types import Caller, Passage
from small_world import STRANGER, add_files, filler, member

STAFF = member("staff")
FILES = {
    "a.md": "# Arrival\n\nCome at nine.\n",
    "b.md": "# Breaks\n\nAt noon.\n",
    "c.md": "# Closing\n\nAt six.\n",
}


def everything(bench: Workbench, *, tokens: int = 10_000) -> Everything:
    return Everything(database=bench.database, audit=bench.audit, tokens=tokens)


def read(
    bench: Workbench, caller: Caller = OWNER, *, tokens: int = 10_000, limit: int = 100
) -> list[Passage]:
    return everything(bench, tokens=tokens).retrieve("anything", limit=limit, caller=caller)


@pytest.fixture
def library(bench: Workbench, tmp_path: Path) -> Workbench:
    """Three short documents, the second for the group staff alone."""
    add_files(bench, tmp_path / "open", {name: FILES[name] for name in ("c.md", "a.md")}, "everyone")
    add_files(bench, tmp_path / "closed", {"b.md": FILES["b.md"]}, "staff")
    return bench


def test_documents_come_by_name(library: Workbench) -> None:
    assert [one.uri for one in read(library)] == ["a.md", "b.md", "c.md"]


def test_a_document_is_read_from_its_beginning(bench: Workbench, tmp_path: Path) -> None:
    text = "\n\n".join(f"## Part {number}\n\n{filler(f'word{number}')}" for number in range(9))
    add_files(bench, tmp_path, {"long.md": text}, "everyone")
    starts = [one.chunk.start for one in read(bench)]
    assert len(starts) > 2
    assert starts == sorted(starts)


def test_the_question_makes_no_difference(library: Workbench) -> None:
    found = everything(library)
    one, other = (
        [(passage.uri, passage.chunk) for passage in found.retrieve(query, limit=9, caller=OWNER)]
        for query in ("When is closing?", "")
    )
    assert one == other


def test_a_passage_is_what_the_search_returns(library: Workbench) -> None:
    (searched,) = library.search.retrieve("noon", limit=1, caller=STAFF)
    (passage,) = [one for one in read(library) if one.uri == searched.uri]
    assert (passage.chunk, passage.title, passage.revision) == (
        searched.chunk,
        searched.title,
        searched.revision,
    )


def test_nobody_reads_what_is_closed_to_him(library: Workbench) -> None:
    assert [one.uri for one in read(library, STRANGER)] == ["a.md", "c.md"]
    assert [one.uri for one in read(library, STAFF)] == ["a.md", "b.md", "c.md"]


def test_what_is_closed_takes_no_room_from_what_is_open(library: Workbench) -> None:
    first, *_ = read(library)
    assert [one.uri for one in read(library, STRANGER, tokens=first.chunk.tokens + 1)] == ["a.md", "c.md"]


def test_it_ends_with_the_passage_that_reaches_the_tokens(library: Workbench) -> None:
    first, second, _ = (one.chunk.tokens for one in read(library))
    assert len(read(library, tokens=first)) == 1
    assert len(read(library, tokens=first + 1)) == 2
    assert len(read(library, tokens=first + second + 1)) == 3


def test_no_more_than_asked_for_are_returned(library: Workbench) -> None:
    assert [one.uri for one in read(library, limit=2)] == ["a.md", "b.md"]


def test_a_document_that_was_removed_is_gone(library: Workbench) -> None:
    library.library.remove("a.md", caller=OWNER)
    assert [one.uri for one in read(library)] == ["b.md", "c.md"]


def test_an_empty_library_has_nothing(bench: Workbench) -> None:
    assert read(bench) == []


def test_it_has_no_past(library: Workbench) -> None:
    with pytest.raises(UserError, match="as they are now"):
        everything(library).retrieve("x", limit=1, caller=OWNER, as_of=datetime(2026, 1, 1, tzinfo=UTC))


def test_every_read_is_on_record(library: Workbench) -> None:
    read(library, STRANGER)
    entry = max(library.audit.entries(), key=lambda one: one.number)
    assert (entry.action, entry.caller, len(entry.detail["returned"])) == ("searched", STRANGER.name, 2)
