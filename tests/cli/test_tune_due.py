"""`ragraft tune --due`: what is shown of adapters that are old, and what becomes of those trained again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapter_world import adapter, add_adapter, draft_folder
from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.recipe import Recipe
from ragraft.systems import Workbench
from ragraft.tune.store import Candidate
from ragraft.types import Message
from ragraft.workspace import find_workspace

Run = Callable[..., Any]


@contextmanager
def opened() -> Iterator[Workbench]:
    """The workspace of the current folder, with fake models."""
    with Workbench(find_workspace(None), embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        yield bench


@pytest.fixture
def taught(ragraft: Run, folder: Path) -> Run:
    """The command line in a workspace with two documents and an adapter that saw one of them."""
    ragraft("add", folder, "--group", "everyone")
    with opened() as bench:
        add_adapter(bench, "leave.md")
    return ragraft


@pytest.fixture
def trained(taught: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with an example to train on; training leaves made-up weights at once."""

    @contextmanager
    def follow(_: Recipe, bench: Workbench, name: str, *_given: object, **_more: object) -> Iterator[Any]:
        draft = draft_folder(bench, "again")
        yield SimpleNamespace(adapter=replace(adapter(name, path=draft), dataset_fingerprint="beef"))

    monkeypatch.setattr(Recipe, "follow", follow)
    messages = (Message("user", "How many days of leave?"), Message("assistant", "Thirty."))
    with opened() as bench:
        bench.examples.add([Candidate("question", messages, "r", (), "r", "f", 1)], groups=None, caller=OWNER)
    return taught


def measures(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {measure["kind"]: measure for measure in row["measures"]}


def test_without_adapters_nothing_is_due(ragraft: Run) -> None:
    ragraft("init")
    assert ragraft("tune", "--due", "--json") == []
    assert "no tuned models" in ragraft("tune", "--due")


def test_a_document_that_changed_is_named(taught: Run, folder: Path) -> None:
    (folder / "leave.md").write_text("# Leave\n\nThirty-one days.\n")
    taught("add", folder)
    (row,) = taught("tune", "--due", "--json")
    changed = measures(row)["changed"]
    assert (row["adapter"], row["due"]) == ("house", True)
    assert (changed["value"], changed["due"], changed["documents"]) == (1.0, True, ["leave.md"])
    assert "leave.md" in taught("tune", "--due")


def test_what_cannot_be_measured_is_null_and_says_why(taught: Run) -> None:
    (row,) = taught("tune", "--due", "--json")
    drift = measures(row)["drift"]
    assert (drift["value"], drift["due"]) == (None, False)
    assert "20 are the fewest" in drift["told"]


def test_only_the_owner_is_told(taught: Run) -> None:
    taught("tune", "--due", "--as-group", "staff", code=2)


def test_one_that_cannot_be_trained_again_is_told_and_kept(taught: Run) -> None:
    taught("remove", "leave.md")
    told = taught("tune", "--due", "--retrain", "--json", code=1)
    (outcome,) = told["outcomes"]
    assert (outcome["adapter"], outcome["became"]) == ("house", "failed")
    assert "no examples" in outcome["reason"]
    assert [row["name"] for row in taught("adapters", "list", "--json")] == ["house"]


def test_one_that_is_trained_again_takes_the_place_of_a_tainted_one(trained: Run) -> None:
    trained("remove", "leave.md")
    told = trained("tune", "--due", "--retrain", "--json")
    assert [(one["adapter"], one["became"]) for one in told["outcomes"]] == [("house", "replaced")]
    (row,) = trained("adapters", "list", "--json")
    assert (row["in_service"], row["dataset_fingerprint"]) == (True, "beef")


def test_one_that_cannot_be_held_against_the_old_one_does_not_replace_it(
    trained: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragraft.cli.due.served_file", lambda one: Path(one.path))
    monkeypatch.setattr("ragraft.cli.due.open_tuned_model", lambda *_, **__: FakeChatModel())
    (folder / "leave.md").write_text("# Leave\n\nThirty-one days.\n")
    trained("add", folder)
    told = trained("tune", "--due", "--retrain", "--json")
    (outcome,) = told["outcomes"]
    assert outcome["became"] == "kept"
    assert "0 independent groups were asked" in outcome["reason"]
    assert trained("adapters", "list", "--json")[0]["dataset_fingerprint"] == "f00d"


@pytest.mark.parametrize("options", [["--retrain"], ["--due", "--every", "24h"], ["--questions", "q.jsonl"]])
def test_options_that_go_together_are_asked_for(ragraft: Run, options: list[str]) -> None:
    Path("q.jsonl").write_text('{"question": "Is it?"}\n')
    ragraft("init")
    ragraft("tune", *options, code=2)


def test_what_is_no_interval_is_refused(ragraft: Run) -> None:
    ragraft("init")
    ragraft("tune", "--due", "--retrain", "--every", "soon", code=2)
    assert "no interval" in ragraft.err  # type: ignore[attr-defined]
