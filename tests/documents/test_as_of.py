"""Old revisions: what was true then is still found, shown and cited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ragraft.access.labels import OWNER
from ragraft.database.pool import scalar
from ragraft.errors import NotFoundError
from ragraft.systems import Workbench
from small_world import add, add_files, found, own_library

Past = tuple[Workbench, dict[str, datetime]]

FIRST = "# Price\n\nThe soup costs three francs."
SECOND = "# Price today\n\nThe soup costs four francs."
OTHER = "# Opening\n\nThe canteen opens at eleven."


def now(bench: Workbench) -> datetime:
    with bench.database.transaction(OWNER) as connection:
        moment = scalar(connection, "select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


@pytest.fixture(scope="module")
def past(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A document that was added, replaced, removed and added again; and moments between."""
    folder = tmp_path_factory.mktemp("past")
    with own_library(server_dsn, template, folder) as bench:
        yield bench, live_through(bench, folder / "docs")


def live_through(bench: Workbench, docs: Path) -> dict[str, datetime]:
    moments = {"before": now(bench)}
    add_files(bench, docs, {"price.md": FIRST, "opening.md": OTHER})
    moments["first"] = now(bench)
    add_files(bench, docs, {"price.md": SECOND})
    moments["second"] = now(bench)
    bench.library.remove("price.md", caller=OWNER)
    moments["removed"] = now(bench)
    add_files(bench, docs, {"price.md": FIRST})
    moments["back"] = now(bench)
    return moments


TEXTS = {"before": None, "first": FIRST, "second": SECOND, "removed": None, "back": FIRST}


@pytest.mark.parametrize("moment", TEXTS)
def test_show_gives_the_text_of_then(moment: str, past: Past) -> None:
    bench, history = past
    try:
        text = bench.library.revision("price.md", caller=OWNER, as_of=history[moment]).text
    except NotFoundError as error:
        assert f"as of {history[moment]:%Y-%m-%d %H:%M}" in str(error)
        text = None
    assert text == TEXTS[moment]


@pytest.mark.parametrize("moment", TEXTS)
def test_a_search_finds_the_text_of_then(moment: str, past: Past) -> None:
    bench, history = past
    passages = bench.retriever.retrieve(
        "what does the soup cost", limit=10, caller=OWNER, as_of=history[moment]
    )
    texts = [passage.chunk.text for passage in passages if passage.uri == "price.md"]
    expected = TEXTS[moment]
    assert texts == ([] if expected is None else [expected])


def test_a_passage_of_then_has_the_title_of_then(past: Past) -> None:
    bench, history = past
    for moment, title in (("first", "Price"), ("second", "Price today")):
        passages = bench.search.retrieve("soup", limit=10, caller=OWNER, as_of=history[moment])
        assert [p.title for p in passages if p.uri == "price.md"] == [title]


def test_a_document_shown_as_of_then_has_the_title_of_then(past: Past) -> None:
    bench, history = past
    revision = bench.library.revision("price.md", caller=OWNER, as_of=history["second"])
    assert (revision.document.title, revision.number) == ("Price today", 2)


def test_an_answer_as_of_then_cites_the_text_of_then(past: Past) -> None:
    bench, history = past
    answer = bench.rag.answer("Which soup costs four francs?", caller=OWNER, as_of=history["second"])
    assert "four francs" in answer.text
    for citation in answer.citations:
        passage = citation.passage
        text = bench.library.revision_text(passage.uri, passage.revision, caller=OWNER)
        assert text[citation.start : citation.end] == citation.quote


def test_a_citation_outlives_replacement_and_removal(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"price.md": FIRST})
    (citation,) = bench.rag.answer("Which soup costs four francs?", caller=OWNER).citations
    add_files(bench, docs, {"price.md": SECOND})
    bench.library.remove("price.md", caller=OWNER)
    text = bench.library.revision_text("price.md", citation.passage.revision, caller=OWNER)
    assert text[citation.start : citation.end] == citation.quote == "The soup costs three francs."


def test_an_old_text_is_found_by_its_words_when_nothing_live_has_them(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    noise = {f"{n}.md": f"# Note {n}\n\nNothing but remarks, part {n}." for n in range(150)}
    add_files(bench, docs, noise | {"code.md": "# Codes\n\nThe word of the day is xylophone."})
    then = now(bench)
    bench.library.remove("code.md", caller=OWNER)
    passages = bench.search.retrieve("xylophone", limit=1, caller=OWNER, as_of=then)
    assert [passage.uri for passage in passages] == ["code.md"]


def test_today_is_not_changed_by_yesterday(past: Past) -> None:
    bench, _ = past
    passages = bench.search.retrieve("soup costs francs", limit=10, caller=OWNER)
    assert [(p.uri, p.revision) for p in passages] == [("price.md", 3), ("opening.md", 1)]


def test_the_moment_of_a_change_belongs_to_the_new_text(past: Past) -> None:
    bench, history = past
    second = bench.library.revision("price.md", caller=OWNER, as_of=history["second"])
    first = bench.library.revision("price.md", caller=OWNER, as_of=history["first"])
    assert first.valid_to is not None
    assert first.valid_to <= second.valid_from
    at = bench.library.revision("price.md", caller=OWNER, as_of=second.valid_from)
    assert at.number == 2


def test_a_time_without_a_zone_is_read_as_utc(past: Past) -> None:
    bench, history = past
    moment = history["second"].astimezone(UTC).replace(tzinfo=None)
    assert bench.library.revision("price.md", caller=OWNER, as_of=moment).text == SECOND


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_time_far_away_is_answered(moment: datetime, past: Past) -> None:
    bench, _ = past
    passages = bench.search.retrieve("soup", limit=10, caller=OWNER, as_of=moment)
    assert len(passages) == (2 if moment.year == 9999 else 0)


def test_an_erased_document_was_never_there(bench: Workbench, tmp_path: Path) -> None:
    history = live_through(bench, tmp_path / "docs")
    bench.eraser.erase("price.md", caller=OWNER)
    for moment in history.values():
        passages = bench.search.retrieve("soup", limit=10, caller=OWNER, as_of=moment)
        assert "price.md" not in [passage.uri for passage in passages]
        with pytest.raises(NotFoundError):
            bench.library.revision("price.md", caller=OWNER, as_of=moment)
    with pytest.raises(NotFoundError):
        bench.library.revision_text("price.md", 1, caller=OWNER)


def test_a_clock_that_was_set_back_keeps_revisions_in_order(
    bench: Workbench, dsn: str, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"price.md": FIRST})
    with psycopg.connect(dsn) as connection:
        connection.execute("update ragraft.revision set valid_from = now() + interval '1 day'")
    add_files(bench, docs, {"price.md": SECOND})
    bench.library.remove("price.md", caller=OWNER)
    add(bench, docs)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select valid_from, valid_to from ragraft.revision order by number"
        ).fetchall()
    (a, b), (c, d), (e, f) = rows
    assert a < b < c < d < e
    assert f is None
    assert a - datetime.now(UTC) > timedelta(hours=23)
    assert found(bench, "soup") == ["price.md"]
    assert bench.library.revision("price.md", caller=OWNER).text == SECOND
