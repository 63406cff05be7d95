"""Erasing: no byte of the document is left in any file of the database, and no other document is harmed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER
from ragraft.config import Settings
from ragraft.documents.erase import Eraser
from ragraft.errors import DatabaseError, NotFoundError
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import Workspace, create_workspace
from small_world import add, add_files, filler, found, member, secret, write_files


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workspace with an embedded server of its own, and an ordinary document."""
    folder = tmp_path_factory.mktemp("own")
    with _open(create_workspace(folder)[0]) as bench:
        add_files(bench, folder / "plain", {"plain.md": f"# Plain\n\nNothing special. {filler('plain')}"})
        yield bench


def _open(workspace: Workspace) -> Workbench:
    return Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel())


def lived(bench: Workbench, folder: Path, name: str, word: str) -> dict[str, bytes]:
    """Add a document, let it have a history, and return what of it must not be found after an erasure."""
    docs = write_files(folder / "docs", {name: secret(word)})
    add(bench, docs, "staff")
    marks = bytes_of(bench, name, "first")
    add_files(bench, docs, {name: secret(word, edition=2)})
    add(bench, docs, "board")
    found(bench, f"{word}-medicine", member("board"))
    bench.rag.answer(f"What was the {word}-patient given?", caller=OWNER)
    with bench.database.administration() as connection:
        connection.execute("analyze")
        connection.execute("checkpoint")
    return marks | bytes_of(bench, name, "second") | {word: word.encode()}


def bytes_of(bench: Workbench, uri: str, revision: str) -> dict[str, bytes]:
    """Return the vectors, terms and hash of a document as the database stores them."""
    with bench.database.transaction(OWNER) as connection:
        number, digest = connection.execute(
            "select id, content_hash from document where uri = %s", (uri,)
        ).fetchone() or (0, b"")
        rows = connection.execute(
            "select vector, term_ids from chunk_vector v join chunk_terms t using (collection, id) where v.document = %s",
            (number,),
        ).fetchall()
    marks = {f"hash of the {revision}": bytes(digest)}
    for at, (vector, terms) in enumerate(rows):
        marks[f"vector {at} of the {revision}"] = vector.to_numpy().astype("<f2").tobytes()
        marks[f"terms {at} of the {revision}"] = b"".join(term.to_bytes(4, "little") for term in terms)
    assert len(marks) > 2
    return marks


def files_with(bench: Workbench, marks: dict[str, bytes]) -> dict[str, list[str]]:
    """Return, for each mark that is found anywhere below the workspace, the files that hold it."""
    found: dict[str, list[str]] = {}
    for path in sorted(bench.workspace.state.rglob("*")):
        if path.is_file() and not path.is_socket():
            content = path.read_bytes()
            for name, mark in marks.items():
                if mark in content:
                    found.setdefault(name, []).append(str(path.relative_to(bench.workspace.state)))
    return found


def test_no_file_holds_anything_of_an_erased_document(own: Workbench, tmp_path: Path) -> None:
    marks = lived(own, tmp_path, "quokka-name.md", "quokka")
    before = files_with(own, marks)
    receipt = own.eraser.erase("quokka-name.md", caller=OWNER)
    assert set(before) == set(marks)
    assert files_with(own, marks) == {}
    assert receipt.looked_for > 10
    assert receipt.found_afterwards == 0


def test_erasing_the_only_document_leaves_no_sample_of_it_with_the_planner(
    own: Workbench, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"database": {"schema_name": "lonely"}})
    with _open(Workspace(own.workspace.root, settings)) as bench:
        docs = write_files(tmp_path / "docs", {"zebra-name.md": secret("zebra")})
        add(bench, docs)
        marks = bytes_of(bench, "zebra-name.md", "first") | {"zebra": b"zebra-"}
        add_files(bench, docs, {"zebra-name.md": secret("zebra", edition=2)})
        marks |= bytes_of(bench, "zebra-name.md", "second")
        with bench.database.administration() as connection:
            connection.execute("analyze")
        bench.eraser.erase("zebra-name.md", caller=OWNER)
        left = files_with(bench, {name: mark for name, mark in marks.items() if name != "zebra"})
    assert left == {}


def test_a_removed_document_can_be_erased(own: Workbench, tmp_path: Path) -> None:
    marks = lived(own, tmp_path, "ferret-name.md", "ferret")
    own.library.remove("ferret-name.md", caller=OWNER)
    receipt = own.eraser.erase("ferret-name.md", caller=OWNER)
    assert files_with(own, marks) == {}
    assert (receipt.revisions, receipt.rows["chunk"]) == (2, 0)


def test_a_near_duplicate_stays_whole(own: Workbench, tmp_path: Path) -> None:
    kept_text = secret("lemur").replace("came on Monday", "went on Friday")
    add_files(own, tmp_path / "kept", {"lemur-kept.md": kept_text}, "staff")
    add_files(own, tmp_path / "gone", {"lemur-gone.md": secret("lemur")}, "staff")
    before = found_texts(own, "lemur-patient")
    receipt = own.eraser.erase("lemur-gone.md", caller=OWNER)
    assert own.library.revision("lemur-kept.md", caller=OWNER).text == kept_text
    assert found_texts(own, "lemur-patient") == [one for one in before if one[0] != "lemur-gone.md"]
    assert own.library.status(member("staff")).documents == 1
    assert receipt.found_afterwards == 0


def found_texts(bench: Workbench, query: str) -> list[tuple[str, str]]:
    passages = bench.search.retrieve(query, limit=100, caller=member("staff"))
    return sorted((passage.uri, passage.chunk.text) for passage in passages)


def test_a_receipt_counts_what_was_destroyed(own: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(own, docs, {"heron.md": secret("heron")})
    first = own.library.status(OWNER).chunks
    add_files(own, docs, {"heron.md": secret("heron", edition=2)})
    receipt = own.eraser.erase("heron.md", caller=OWNER)
    chunks = first - own.library.status(OWNER).chunks
    assert receipt.revisions == receipt.rows["revision"] == 2
    assert receipt.chunks == 2 * chunks
    assert receipt.rows == {"chunk": chunks, "chunk_vector": chunks, "chunk_terms": chunks,
                            "archived_chunk": chunks, "archived_vector": chunks, "revision": 2}  # fmt: skip
    assert receipt.uri == "heron.md"


def test_the_audit_has_an_erasure_without_its_name(own: Workbench, tmp_path: Path) -> None:
    add_files(own, tmp_path / "docs", {"ibex.md": secret("ibex")})
    receipt = own.eraser.erase("ibex.md", caller=OWNER)
    asked, erased = own.audit.entries(limit=2)
    assert (asked.action, asked.detail) == (
        "erase asked",
        {"document": receipt.document, "adapters": []},
    )
    assert (erased.action, erased.number) == ("erased", receipt.audit)
    assert erased.detail == {"document": receipt.document, "found_afterwards": 0}
    assert own.audit.verify().faults == ()


def test_an_address_is_erased_with_its_source(own: Workbench, tmp_path: Path) -> None:
    from ragraft.access.labels import AccessRules
    from ragraft.documents.fetch import Fetched

    url = "https://example.test/ocelot-secret"
    sync = own.sync
    sync._fetch = lambda address: Fetched(secret("ocelot").encode(), "text/markdown", address, "ocelot")
    sync.add_url(url, rules=AccessRules(), caller=OWNER)
    own.eraser.erase(url, caller=OWNER)
    assert files_with(own, {"ocelot": b"ocelot"}) == {}


def test_while_an_old_query_runs_the_erasure_waits_and_is_finished_later(
    own: Workbench, tmp_path: Path
) -> None:
    marks = lived(own, tmp_path, "badger-name.md", "badger")
    with own.database.transaction(OWNER, read_only=True) as reader:
        reader.execute("select count(*) from document")
        with pytest.raises(DatabaseError, match="still running") as caught:
            own.eraser.erase("badger-name.md", caller=OWNER, wait_seconds=0.1)
        assert caught.value.hint is not None
        assert "--finish" in caught.value.hint
        assert found(own, "badger-medicine", member("board")) == []
        with pytest.raises(NotFoundError):
            own.library.revision("badger-name.md", caller=OWNER)
        assert own.library.status(OWNER).unfinished_erasures == 1
    assert own.eraser.finish() == 1
    assert own.library.status(OWNER).unfinished_erasures == 0
    assert files_with(own, marks) == {}
    assert own.audit.entries(limit=1)[0].action == "erased"


def test_an_erasure_that_was_killed_after_deleting_is_finished_by_the_next(
    own: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = lived(own, tmp_path, "weasel-name.md", "weasel")
    add_files(own, tmp_path / "next", {"next.md": secret("next")})

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Eraser, "_destroy", die)
        with pytest.raises(KeyboardInterrupt):
            own.eraser.erase("weasel-name.md", caller=OWNER)
    assert own.library.status(OWNER).unfinished_erasures == 1
    with _open(own.workspace) as later:
        receipt = later.eraser.erase("next.md", caller=OWNER)
    assert own.library.status(OWNER).unfinished_erasures == 0
    assert files_with(own, marks) == {}
    erased = [entry.detail for entry in own.audit.entries(limit=4) if entry.action == "erased"]
    assert len(erased) == 2
    assert erased[1]["document"] == receipt.document
    assert erased[0]["found_afterwards"] is None


def test_searches_and_writes_go_on_beside_an_erasure(own: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    add_files(own, docs, {"otter.md": secret("otter"), "busy.md": "# Busy\n\nEdition 0."})

    def write() -> None:
        for edition in range(1, 5):
            add_files(own, tmp_path / "docs", {"busy.md": f"# Busy\n\nEdition {edition}."})

    with ThreadPoolExecutor(3) as threads:
        (docs / "otter.md").rename(tmp_path / "otter.kept")
        searching = threads.submit(lambda: [found(own, "busy edition") for _ in range(20)])
        writing = threads.submit(write)
        erasing = threads.submit(own.eraser.erase, "plain.md", caller=OWNER)
        assert all("busy.md" in uris for uris in searching.result(60))
        writing.result(60)
        assert erasing.result(60).found_afterwards == 0
