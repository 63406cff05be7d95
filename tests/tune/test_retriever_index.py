"""An index beside the old one: filled while the library is in use, switched at one moment, given up again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from retriever_world import TUNED, TurnedEmbedder, filled_space, search_of, spaces_of, switch, tuned

from ragraft.access.labels import OWNER, AccessRules
from ragraft.database.pool import scalar
from ragraft.documents.sync import Sync
from ragraft.errors import ModelError, NotAllowedError, WorkspaceError
from ragraft.models.fake import FakeEmbedder
from ragraft.retrieve.calibrator import Calibrator
from ragraft.systems import Workbench
from ragraft.tune import retriever_vectors
from ragraft.types import Vectors
from small_world import STRANGER, add_files, filler, member, write_files

WORDS = ("walrus", "lemur", "heron", "otter", "ibex", "civet")
PAGES = {f"{word}.md": f"# The {word}\n\n{filler(word)}\n" for word in WORDS}


@pytest.fixture
def pages(bench: Workbench, tmp_path: Path) -> Workbench:
    """A library with a page on each animal, readable for staff."""
    add_files(bench, tmp_path / "pages", PAGES, "staff")
    return bench


def dense(bench: Workbench, word: str, *, as_of: datetime | None = None) -> str:
    """Return the uri that is nearest to a word by vectors alone, in the space in service."""
    with closing(search_of(bench)) as search, bench.database.transaction(OWNER, read_only=True) as connection:
        found = search.search(f"{word} {word} {word}", limit=1, caller=OWNER, as_of=as_of)
        assert found.collection is not None
        assert found.vector is not None
        nearest = connection.execute(
            "select d.uri from chunk_vector v join document d on d.id = v.document where v.space = %s"
            " order by v.vector <#> %s::real[]::vector::halfvec limit 1",
            (found.collection.space, found.vector.tolist()),
        ).fetchone()
    return str(nearest[0]) if nearest else ""


def count(bench: Workbench, table: str, space: int) -> int:
    with bench.database.transaction(OWNER, read_only=True) as connection:
        return int(scalar(connection, f"select count(*) from {table} where space = %s", (space,)))


def sync_of(bench: Workbench, tmp_path: Path, embedder: FakeEmbedder | None = None) -> Sync:
    """Return a Sync that follows the library to the tuned embedder."""
    made = bench.sync
    made._embedders = type(made._embedders)(embedder or bench.embedder, tuned=tuned)
    return made


def test_the_old_index_serves_while_the_new_one_is_filled(pages: Workbench) -> None:
    seen: list[str] = []
    embedder = TurnedEmbedder(on_embed=lambda _: seen.append(dense(pages, "otter")))
    spaces_of(pages).fill(spaces_of(pages).open(embedder, sources={}), embedder)
    assert seen == ["otter.md"] * len(seen) != []


def test_after_the_switch_a_search_is_in_the_new_space_by_the_new_embedder(pages: Workbench) -> None:
    space = switch(pages, OWNER)
    with closing(search_of(pages)) as search:
        found = search.search("otter", limit=1, caller=member("staff"))
    assert found.collection is not None
    assert (found.collection.space, found.collection.embedder) == (space.id, TUNED)
    assert dense(pages, "otter") == "otter.md"


def test_a_retriever_that_was_open_before_follows_the_switch(pages: Workbench) -> None:
    with closing(search_of(pages)) as search:
        before = search.search("heron heron", limit=1, caller=OWNER)
        switch(pages, OWNER)
        after = search.search("heron heron", limit=1, caller=OWNER)
    assert before.vector is not None
    assert after.vector is not None
    assert before.vector.tolist() == after.vector.tolist()[::-1]
    assert [passage.uri for passage in after.passages] == [passage.uri for passage in before.passages]


def test_a_process_without_the_tuned_embedder_refuses_to_search(pages: Workbench) -> None:
    switch(pages, OWNER)
    with (
        closing(search_of(pages, opened=lambda _: None)) as search,
        pytest.raises(WorkspaceError, match=f"embedded with {TUNED}, but fake-embedder is configured"),
    ):
        search.search("heron", limit=1, caller=OWNER)


def test_every_search_beside_the_switch_is_wholly_in_one_space(pages: Workbench) -> None:
    """The query's vector and the space are read together, whenever the switch happens."""
    space, stop, faults = filled_space(pages), threading.Event(), []
    plain = FakeEmbedder().embed(["civet civet"])[0].tolist()

    def look() -> None:
        with closing(search_of(pages)) as search:
            while not stop.is_set():
                found = search.search("civet civet", limit=1, caller=OWNER)
                turned = found.collection is not None and found.collection.space == space.id
                vector = found.vector.tolist() if found.vector is not None else []
                if vector != (plain[::-1] if turned else plain) or found.passages[0].uri != "civet.md":
                    faults.append(found)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    old = next(one for one in spaces_of(pages).spaces() if one.in_service)
    for _ in range(5):
        spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
        spaces_of(pages).switch(old, FakeEmbedder(), caller=OWNER, back=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_filling_that_was_stopped_goes_on_where_it_was(
    pages: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retriever_vectors, "BATCH", 2)
    spaces = spaces_of(pages)
    embedded: list[int] = []

    def stop_at_the_third(texts: Sequence[str]) -> None:
        embedded.append(len(texts))
        if len(embedded) == 3:
            raise KeyboardInterrupt

    space = spaces.open(TurnedEmbedder(), sources={})
    with pytest.raises(KeyboardInterrupt):
        spaces.fill(space, TurnedEmbedder(on_embed=stop_at_the_third))
    assert count(pages, "chunk_vector", space.id) == 4
    rest = spaces.fill(space, TurnedEmbedder())
    assert rest == spaces.size() - 4
    assert spaces.check(space, TurnedEmbedder()).fault == ""


def test_what_changes_after_the_filling_is_right_once_switched(pages: Workbench, tmp_path: Path) -> None:
    space = filled_space(pages)
    write_files(tmp_path / "pages", {"zebra.md": "# Zebra\n\n" + filler("zebra"),
                                     "otter.md": "# Otter\n\n" + filler("weasel")})  # fmt: skip
    (tmp_path / "pages" / "ibex.md").unlink()
    pages.sync.add_path(tmp_path / "pages", rules=AccessRules(), caller=OWNER)
    spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
    assert spaces_of(pages).check(space, TurnedEmbedder()).fault == ""
    assert (dense(pages, "zebra"), dense(pages, "weasel")) == ("zebra.md", "otter.md")


def test_documents_added_after_the_switch_get_vectors_of_the_new_space(
    pages: Workbench, tmp_path: Path
) -> None:
    space = switch(pages, OWNER)
    write_files(tmp_path / "pages", {"zebra.md": "# Zebra\n\n" + filler("zebra")})
    sync_of(pages, tmp_path).add_path(tmp_path / "pages", rules=AccessRules(), caller=OWNER)
    assert spaces_of(pages).check(space, TurnedEmbedder()).fault == ""
    assert dense(pages, "zebra") == "zebra.md"


def test_a_sync_under_way_follows_the_switch(pages: Workbench, tmp_path: Path) -> None:
    """The switch comes between the embedding of a document and its writing."""
    space = filled_space(pages)

    class SlowEmbedder(FakeEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            vectors = super().embed(texts)
            if any("zebra" in text for text in texts):
                spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
            return vectors

    write_files(tmp_path / "pages", {"zebra.md": "# Zebra\n\n" + filler("zebra")})
    sync_of(pages, tmp_path, SlowEmbedder()).add_path(tmp_path / "pages", rules=AccessRules(), caller=OWNER)
    assert spaces_of(pages).check(space, TurnedEmbedder()).fault == ""
    assert dense(pages, "zebra") == "zebra.md"


def test_a_document_erased_meanwhile_is_in_neither_space(pages: Workbench) -> None:
    space = filled_space(pages)
    pages.eraser.erase("lemur.md", caller=OWNER)
    old = next(one for one in spaces_of(pages).spaces() if one.in_service)
    assert count(pages, "chunk_vector", space.id) == count(pages, "chunk_vector", old.id)
    spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
    assert dense(pages, "lemur") != "lemur.md"


def test_an_embedder_that_saw_an_erased_document_says_so(pages: Workbench) -> None:
    with pages.database.transaction(OWNER, read_only=True) as connection:
        numbers = [row[0] for row in connection.execute("select id from document order by uri").fetchall()]
    spaces_of(pages).open(TurnedEmbedder(), sources=dict.fromkeys(numbers, 1))
    pages.eraser.erase("lemur.md", caller=OWNER)
    assert [space.erased for space in spaces_of(pages).spaces()] == [0, 1]


def test_a_relabelled_document_is_hidden_in_both_spaces(pages: Workbench, tmp_path: Path) -> None:
    space = filled_space(pages)
    add_files(pages, tmp_path / "pages", PAGES, "board")
    spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
    with closing(search_of(pages)) as search:
        assert search.retrieve("otter", limit=5, caller=member("staff")) == []
        assert search.retrieve("otter", limit=1, caller=member("board"))[0].uri == "otter.md"


def test_questions_as_of_then_are_answered_in_the_new_space(pages: Workbench, tmp_path: Path) -> None:
    then = datetime.now(UTC)
    add_files(pages, tmp_path / "pages", {"otter.md": "# Otter\n\n" + filler("weasel")}, "staff")
    switch(pages, OWNER)
    with closing(search_of(pages)) as search:
        found = search.search("otter otter", limit=1, caller=OWNER, as_of=then)
    assert [(one.uri, one.revision) for one in found.passages] == [("otter.md", 1)]


def test_going_back_embeds_what_came_meanwhile(pages: Workbench, tmp_path: Path) -> None:
    space = switch(pages, OWNER)
    write_files(tmp_path / "pages", {"zebra.md": "# Zebra\n\n" + filler("zebra")})
    sync_of(pages, tmp_path).add_path(tmp_path / "pages", rules=AccessRules(), caller=OWNER)
    old = next(one for one in spaces_of(pages).spaces() if not one.in_service)
    spaces_of(pages).switch(old, FakeEmbedder(), caller=OWNER, back=True)
    assert spaces_of(pages).check(old, FakeEmbedder()).fault == ""
    assert dense(pages, "zebra") == "zebra.md"
    assert [one.id for one in spaces_of(pages).spaces() if not one.in_service] == [space.id]


def test_weights_of_the_legs_belong_to_their_space(pages: Workbench) -> None:
    space = filled_space(pages)
    old = spaces_of(pages).collection()
    Calibrator(database=pages.database, embedder=TurnedEmbedder(), space=space.id).calibrate()
    with pages.database.transaction(OWNER) as connection:
        connection.execute('update space set weights = \'{"en": {"dense": 0.7}}\' where id = %s', (space.id,))
    assert spaces_of(pages).collection().weights == old.weights
    spaces_of(pages).switch(space, TurnedEmbedder(), caller=OWNER)
    assert spaces_of(pages).collection().weights == {"en": {"dense": 0.7}}


def test_forgetting_deletes_every_space_out_of_service(pages: Workbench) -> None:
    switch(pages, OWNER)
    assert spaces_of(pages).forget(caller=OWNER) == ["fake-embedder"]
    assert [space.embedder for space in spaces_of(pages).spaces()] == [TUNED]
    with pages.database.transaction(OWNER, read_only=True) as connection:
        spaces = connection.execute("select distinct space from chunk_vector").fetchall()
    assert len(spaces) == 1


def missing(bench: Workbench, space: int) -> None:
    with bench.database.transaction(OWNER) as connection:
        connection.execute(
            "delete from chunk_vector where space = %s and id = (select min(id) from chunk)", (space,)
        )


def foreign(bench: Workbench, space: int) -> None:
    with bench.database.transaction(OWNER) as connection:
        connection.execute(
            "update chunk_vector set vector = (select o.vector from chunk_vector o where o.id = chunk_vector.id"
            " and o.space <> %(s)s) where space = %(s)s",
            {"s": space},
        )


@pytest.mark.parametrize(
    ("damage", "fault"), [(missing, "1 passages have no vector"), (foreign, "made anew")]
)
def test_a_damaged_space_is_found_out(
    pages: Workbench, damage: Callable[[Workbench, int], None], fault: str
) -> None:
    space = filled_space(pages)
    damage(pages, space.id)
    assert fault in spaces_of(pages).check(space, TurnedEmbedder()).fault


def test_vectors_of_another_embedder_are_never_taken_into_service(pages: Workbench) -> None:
    space = filled_space(pages)
    with pytest.raises(ModelError, match="did not make the vectors"):
        spaces_of(pages).switch(space, FakeEmbedder(), caller=OWNER)


def test_two_tunings_at_once_are_refused(pages: Workbench) -> None:
    with (
        spaces_of(pages).alone(),
        pytest.raises(WorkspaceError, match="being tuned already"),
        spaces_of(pages).alone(),
    ):
        raise AssertionError("the second got in")


@pytest.fixture(params=["switch", "forget"])
def owners_only(request: pytest.FixtureRequest, pages: Workbench) -> Iterator[Callable[[], object]]:
    space = filled_space(pages)
    yield {
        "switch": lambda: spaces_of(pages).switch(space, TurnedEmbedder(), caller=STRANGER),
        "forget": lambda: spaces_of(pages).forget(caller=STRANGER),
    }[request.param]


def test_only_the_owner_changes_the_index(owners_only: Callable[[], object]) -> None:
    with pytest.raises(NotAllowedError):
        owners_only()


def test_the_switch_is_on_record(pages: Workbench) -> None:
    switch(pages, OWNER)
    last = pages.audit.entries(limit=1)[0]
    assert (last.action, last.detail) == ("retriever switched", {"embedder": TUNED, "back": False})
