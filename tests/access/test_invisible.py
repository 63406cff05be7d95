"""For a caller without the label, everything is as if the document did not exist."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ragraft.access.labels import OWNER
from ragraft.database.pool import scalar
from ragraft.documents.library import FIND
from ragraft.errors import NotFoundError, UserError
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReranker
from ragraft.systems import Workbench
from ragraft.types import Caller
from ragraft.workspace import Workspace
from small_world import STRANGER, add, add_files, dsn_of, found, member, open_schema, own_library

OPEN = {
    "menu.md": "# Menu\n\nLentil soup on Monday, trout on Friday, and the price is three francs.",
    "hours.md": "# Hours\n\nThe canteen opens at eleven. The price list hangs at the door.",
    "guests.md": "# Guests\n\nGuests pay the full price of nine francs for soup and trout.",
}
LATER = {"menu.md": "# Menu\n\nPumpkin soup on Monday, pike on Friday, and the price is four francs."}
SECRET = {
    "merger.md": "# Merger with Quokka\n\nThe price for Quokka is nine francs a share, soup or trout.",
    "deep/pay.md": "# Salaries\n\nThe canteen's cook earns more than the price list of the board says.",
}
SECRET_LATER = {"merger.md": "# Merger off\n\nQuokka refused the price of nine francs. No soup, no trout."}
QUERIES = ["price of soup", "trout", "quokka merger price", "canteen cook salaries", "francs", "unheard of"]
READERS = [STRANGER, member("staff"), member("staff", "guests")]

Moments = tuple[datetime, datetime]
Pair = tuple[Workbench, Workbench, list[Moments]]


@pytest.fixture(scope="module")
def pair(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two libraries with the same history, but that one also had secrets all along; and moments of both."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        own_library(server_dsn, template, folder / "one") as one,
        open_schema(folder / "other", dsn_of(one), "open_only") as other,
    ):
        yield one, other, live_through(one, other, folder / "pair")


def live_through(with_secret: Workbench, without: Workbench, tmp_path: Path) -> list[Moments]:
    moments: list[Moments] = []

    def both(files: dict[str, str], *groups: str) -> None:
        for bench in (with_secret, without):
            add_files(bench, tmp_path / "open", files, *groups)
        moments.append((now(with_secret), now(without)))

    add_files(with_secret, tmp_path / "secret", SECRET, "staff", "everyone")
    add(with_secret, tmp_path / "secret", "board")
    both(OPEN, "staff")
    add_files(with_secret, tmp_path / "secret", SECRET_LATER, "board")
    (tmp_path / "secret" / "deep" / "pay.md").unlink()
    add(with_secret, tmp_path / "secret")
    both(LATER)
    (tmp_path / "open" / "hours.md").unlink()
    both({}, "staff", "guests")
    add_files(with_secret, tmp_path / "secret", {"deep/pay.md": "# Salaries\n\nSoup, trout, francs."})
    return moments


def now(bench: Workbench) -> datetime:
    with bench.database.transaction(OWNER) as connection:
        moment = scalar(connection, "select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def passages(bench: Workbench, query: str, caller: Caller, as_of: datetime | None = None) -> list[Any]:
    """Return all that a search tells, but when it was asked."""
    found = bench.retriever.retrieve(query, limit=10, caller=caller, as_of=as_of)
    return [replace(passage, read_at=datetime.min.replace(tzinfo=UTC)) for passage in found]


# Two libraries, one with the secret


def test_a_search_gives_the_same_passages_order_and_scores(pair: Pair) -> None:
    with_secret, without, moments = pair
    for caller in READERS:
        for query in QUERIES:
            assert passages(with_secret, query, caller) == passages(without, query, caller)
            for one, other in moments:
                assert passages(with_secret, query, caller, one) == passages(without, query, caller, other)
    assert passages(without, "price of soup", READERS[-1], moments[0][1])


def test_list_and_status_are_the_same(pair: Pair) -> None:
    for caller in READERS:
        listed, status = [], []
        for bench in pair[:2]:
            documents = bench.library.documents(caller)
            listed.append([replace(document, added_at=datetime.min) for document in documents])
            status.append(bench.library.status(caller))
        assert listed[0] == listed[1]
        assert status[0] == status[1]


def test_what_is_refused_for_a_secret_is_refused_in_the_words_for_an_absent_document(pair: Pair) -> None:
    moment = pair[2][0][0]
    for caller in READERS:
        for uri in ("merger.md", "deep/pay.md"):
            told = [refusals(bench, uri, caller, moment) for bench in pair[:2]]
            assert told[0] == told[1]
            assert told[0][0][1] == f"there is no document {uri!r}"
    assert pair[0].library.revision("merger.md", caller=OWNER).number == 2


def refusals(
    bench: Workbench, uri: str, caller: Caller, moment: datetime
) -> list[tuple[type[Exception], str, str | None]]:
    """Return what each way to a document says when it is refused."""
    ways: list[Callable[[], object]] = [
        lambda: bench.library.revision(uri, caller=caller),
        lambda: bench.library.revision(uri, caller=caller, as_of=moment),
        lambda: bench.library.revision_text(uri, 1, caller=caller),
        lambda: bench.library.remove(uri, caller=caller),
        lambda: bench.eraser.erase(uri, caller=caller),
    ]
    said = []
    for way in ways:
        with pytest.raises(UserError) as caught:
            way()
        said.append((type(caught.value), str(caught.value), caught.value.hint))
    return said


def test_an_answer_is_the_same(pair: Pair) -> None:
    for caller in READERS:
        answers = [bench.rag.answer("What is the price of trout?", caller=caller) for bench in pair[:2]]
        told = [(a.text, a.refused, a.reason, a.prompt.messages, a.prompt.dropped, a.usage) for a in answers]
        assert told[0] == told[1]


def test_a_reranker_is_given_nothing_of_the_secret(workspace: Workspace, tmp_path: Path) -> None:
    class Listening(FakeReranker):
        def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
            heard.extend(texts)
            return super().rerank(query, texts)

    heard: list[str] = []
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel(), reranker=Listening()) as bench:
        add_files(bench, tmp_path / "open", OPEN, "everyone")
        add_files(bench, tmp_path / "secret", SECRET, "board")
        found(bench, "quokka price", STRANGER)
    assert heard
    assert not [text for text in heard if "Quokka" in text or "Salaries" in text]


def test_a_caller_who_sees_nothing_finds_an_empty_library(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "secret", SECRET, "board")
    assert found(bench, "quokka", STRANGER) == []
    assert bench.library.documents(STRANGER) == []
    assert bench.rag.answer("What about Quokka?", caller=STRANGER).refused


def test_a_library_of_secrets_alone_has_the_status_of_an_empty_one(bench: Workbench, tmp_path: Path) -> None:
    empty = bench.library.status(STRANGER)
    add_files(bench, tmp_path / "secret", SECRET, "board")
    assert bench.library.status(STRANGER) == empty


def test_status_names_no_language_that_only_secrets_are_in(
    bench: Workbench, dsn: str, tmp_path: Path
) -> None:
    english = (
        "The canteen of the company serves soup and trout to everybody who comes on Monday or on Friday."
    )
    german = (
        "Die Kantine des Unternehmens bietet allen Besuchern am Montag und am Freitag Suppe und Forelle an."
    )
    add_files(bench, tmp_path / "open", {"a.md": english}, "everyone")
    add_files(bench, tmp_path / "secret", {"b.md": german}, "board")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update ragraft.collection set weights = %s", ('{"en": {"dense": 1}, "de": {"dense": 0.5}}',)
        )
    status = bench.library.status(STRANGER)
    assert (set(status.languages), set(status.weights)) == ({"en"}, {"en"})
    assert set(bench.library.status(OWNER).weights) == {"en", "de"}


def test_the_old_revisions_of_a_relabelled_document_follow_its_label(
    bench: Workbench, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    add_files(bench, docs, {"a.md": SECRET["merger.md"]}, "everyone")
    before = now(bench)
    add_files(bench, docs, SECRET_LATER | {"a.md": SECRET_LATER["merger.md"]}, "board")
    with pytest.raises(NotFoundError):
        bench.library.revision("a.md", caller=STRANGER, as_of=before)
    assert passages(bench, "quokka", STRANGER, before) == []
    assert passages(bench, "quokka", member("board"), before)


# Groups


GROUPS = [
    "it's", 'say "no"', "a,b", "a", "b", "{a}", "back\\slash", "NULL", "null", " ", "Zürich 🏔", "x" * 100,
    "a') or (1=1", "Staff", "staff", "Staff ", "%",
]  # fmt: skip


def test_a_group_of_any_name_reads_its_own_and_nothing_else(bench: Workbench, tmp_path: Path) -> None:
    for number, group in enumerate(GROUPS):
        add_files(bench, tmp_path / str(number), {f"{number}.md": OPEN["menu.md"]}, group)
    for number, group in enumerate(GROUPS):
        assert [one.uri for one in bench.library.documents(member(group))] == [f"{number}.md"]
        assert found(bench, "soup price", member(group)) == [f"{number}.md"]
    assert found(bench, "soup price", member("c", "taff", "everyone", "owner")) == []


def test_everyone_reads_what_is_for_everyone(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", OPEN, "everyone")
    for caller in (STRANGER, member("staff"), member("everyone"), OWNER):
        assert len(bench.library.documents(caller)) == 3


def test_a_caller_in_one_of_several_groups_reads(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", OPEN, "staff", "board")
    assert len(bench.library.documents(member("board", "other"))) == 3


def test_what_belongs_to_the_owner_alone_is_read_by_no_group(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", OPEN)
    for caller in (STRANGER, member("owner"), member(""), Caller("owner"), Caller("audit")):
        assert bench.library.documents(caller) == []


# Time


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_a_list_reads_the_rows_of_the_callers_labels_and_no_others(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "open", OPEN, "staff")
    add_files(bench, tmp_path / "secret", SECRET, "board")
    with bench.database.transaction(OWNER) as connection:
        connection.execute(
            "insert into document (collection, uri, source, path, label, title, revision, content_hash, chunks, tokens,"
            " added_at) select collection, uri || n, source, path || n, label, title, revision, content_hash, chunks,"
            " tokens, added_at from document, generate_series(1, 3000) n where uri = 'merger.md'"
        )
    with bench.database.administration() as connection:
        connection.execute("analyze document")
    with bench.database.transaction(member("staff"), read_only=True) as connection:
        (plan,) = scalar(
            connection,
            f"explain (analyze, format json) {FIND} and d.removed_at is null order by d.uri".replace(
                "%s", "1"
            ),
        )
    (scan,) = [node for node in nodes(plan["Plan"]) if node.get("Relation Name") == "document"]
    assert scan["Index Name"] == "document_label", json.dumps(plan, indent=1)
    assert scan["Actual Rows"] == 3
    assert scan.get("Rows Removed by Filter", 0) == 0
