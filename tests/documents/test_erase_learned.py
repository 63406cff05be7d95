"""Erasing what was learned from a document: its examples to the last byte; adapters and trainings by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter_world import add_adapter
from ragraft.access.labels import OWNER
from ragraft.documents.erase import Discarded, Eraser
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.tune.store import Candidate, ExampleStore
from ragraft.types import Message
from ragraft.workspace import create_workspace
from small_world import add_files, filler, secret


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workspace with an embedded server of its own, and an ordinary document."""
    folder = tmp_path_factory.mktemp("learned")
    workspace = create_workspace(folder)[0]
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        add_files(bench, folder / "plain", {"plain.md": f"# Plain\n\nNothing special. {filler('plain')}"})
        yield bench


def teach(bench: Workbench, answer: str, *documents: str) -> None:
    messages = (Message("user", "What has to be known?"), Message("assistant", answer))
    candidate = Candidate("question", messages, "row", documents, "file.jsonl:1", "file.jsonl", 1)
    store = ExampleStore(database=bench.database, audit=bench.audit)
    store.add([candidate], groups=None, caller=OWNER)
    with bench.database.administration() as connection:
        connection.execute("analyze")
        connection.execute("checkpoint")


def files_with(bench: Workbench, mark: bytes) -> list[str]:
    files = (path for path in bench.workspace.state.rglob("*") if path.is_file() and not path.is_socket())
    return [str(path) for path in files if mark in path.read_bytes()]


@pytest.mark.parametrize("length", [1, 400], ids=["in a page", "out of line"])
def test_no_file_holds_anything_of_an_example_made_from_an_erased_document(
    own: Workbench, tmp_path: Path, length: int
) -> None:
    add_files(own, tmp_path / "docs", {"numbat.md": secret("numbat")})
    teach(own, "The wombat of ward nine was given a syrup. " * length, "numbat.md")
    before = files_with(own, b"wombat")
    receipt = own.eraser.erase("numbat.md", caller=OWNER)
    assert before
    assert files_with(own, b"wombat") == []
    assert receipt.found_afterwards == 0


def test_pieces_of_examples_are_looked_for_too(own: Workbench, tmp_path: Path) -> None:
    text = "The code is 4711-XY."
    add_files(own, tmp_path / "docs", {"short.md": text})
    teach(own, "The opossum of ward nine was given a syrup.", "short.md")
    assert own.eraser.erase("short.md", caller=OWNER).looked_for == 3


def test_what_an_example_without_a_document_says_as_well_is_not_looked_for(
    own: Workbench, tmp_path: Path
) -> None:
    text = "The code is 0815-AB."
    add_files(own, tmp_path / "docs", {"told.md": text})
    teach(own, f'They say: "{text}"\nSo it is.')
    receipt = own.eraser.erase("told.md", caller=OWNER)
    assert (receipt.looked_for, receipt.found_afterwards) == (0, 0)


def test_the_receipt_names_the_adapters_that_saw_the_document(bench: Workbench, tmp_path: Path) -> None:
    files = {"a.md": "# A\n\nOne.", "b.md": "# B\n\nTwo."}
    add_files(bench, tmp_path / "docs", files, "everyone")
    add_adapter(bench, "a.md", "b.md", name="both")
    add_adapter(bench, "a.md", name="alone")
    add_adapter(bench, "b.md", name="other")
    receipt = bench.eraser.erase("a.md", caller=OWNER)
    assert receipt.adapters == ("alone", "both")


def test_the_audit_has_the_adapters_that_an_erasure_withdrew(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."}, "everyone")
    add_adapter(bench, "a.md")
    bench.eraser.erase("a.md", caller=OWNER)
    asked, _ = bench.audit.entries(limit=2)
    assert asked.detail["adapters"] == ["house"]


def eraser(bench: Workbench, discarded: Discarded, calls: list[int] | None = None) -> Eraser:
    """An eraser that finds unfinished trainings; `calls` notes how many documents there were at each call."""

    def unfinished() -> Discarded:
        if calls is not None:
            calls.append(bench.library.status(OWNER).documents)
        return discarded

    return Eraser(database=bench.database, audit=bench.audit, data_folder=None, discard=unfinished)


def test_trainings_are_discarded_once_the_rows_are_gone(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."})
    calls: list[int] = []
    receipt = eraser(bench, Discarded(names=("house",)), calls).erase("a.md", caller=OWNER)
    assert calls == [0]
    assert receipt.trainings_discarded == ("house",)


def test_a_training_under_way_is_a_limit_of_the_erasure(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."})
    receipt = eraser(bench, Discarded(running=("house",))).erase("a.md", caller=OWNER)
    assert [limit for limit in receipt.limits if "the training of house, which is under way" in limit]


def test_a_training_that_could_not_be_deleted_is_a_limit_of_the_erasure(
    bench: Workbench, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."})
    receipt = eraser(bench, Discarded(undeletable=("house",))).erase("a.md", caller=OWNER)
    assert [
        limit for limit in receipt.limits if "training of house" in limit and "delete it yourself" in limit
    ]


def test_an_interrupted_erasure_discards_trainings_when_it_is_finished(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."})
    calls: list[int] = []
    stopping = eraser(bench, Discarded(), calls)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stopping, "_discard", die)
        with pytest.raises(KeyboardInterrupt):
            stopping.erase("a.md", caller=OWNER)
    stopping.finish()
    assert calls == [0]
