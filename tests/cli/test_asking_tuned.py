"""`ragraft ask --adapter`: a tuned model answers over the documents or from memory, and only whom it may."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapter_world import PASSED, adapter
from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.tune.export import SERVED
from ragraft.types import Source
from ragraft.workspace import find_workspace

Run = Callable[..., Any]

QUESTION = "How many days of annual leave does every employee have?"
REPLY = "Every employee has thirty days of annual leave [1]."


@pytest.fixture
def ready(ragraft: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with two documents, and a scripted model behind every adapter."""
    monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: FakeChatModel([REPLY]))
    ragraft("add", folder, "--group", "everyone")
    return ragraft


def make(*groups: str, gates: Mapping[str, Any] = PASSED, made_from: Sequence[str] = ()) -> None:
    """Make the adapter `house` known in the workspace of the current folder."""
    made = partial(Workbench, embedder=FakeEmbedder(), model=FakeChatModel())
    with made(find_workspace(None)) as bench:
        draft = bench.workspace.state / "draft"
        draft.mkdir()
        (draft / SERVED).write_bytes(b"weights")
        known = adapter(
            path=draft,
            groups=frozenset(groups or ("everyone",)),
            gates=gates,
            made_from=tuple(Source(uri, 1) for uri in made_from),
        )
        bench.adapters.add(known, read_at=bench.adapters.moment(), caller=OWNER)


def err(ragraft: Run) -> str:
    return str(ragraft.err)  # type: ignore[attr-defined]  # set by each call


@pytest.mark.parametrize("options", [[], ["--system", "tuned_rag"]], ids=["unless told", "when told"])
def test_an_adapter_is_asked_over_the_documents(ready: Run, options: list[str]) -> None:
    make()
    found = ready("ask", QUESTION, "--adapter", "house", *options, "--json")
    assert (found["system"]["kind"], found["system"]["name"]) == ("tuned_rag", "tuned_rag:house")
    assert [(one["document"], one["verdict"]) for one in found["citations"]] == [("leave.md", True)]


def test_an_adapter_is_not_taken_for_the_model_at_the_address_of_the_settings(
    ready: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    model = FakeChatModel([REPLY])
    monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: model)
    monkeypatch.setenv("RAGRAFT_MODEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RAGRAFT_MODEL_NAME", "large")
    turns = [{"role": "user", "content": "Who has annual leave?"}, {"role": "assistant", "content": "All."}]
    (folder / "before.jsonl").write_text("\n".join(map(json.dumps, turns)))
    ready(
        "ask",
        "And how many days is it?",
        "--adapter",
        "house",
        "--history",
        folder / "before.jsonl",
        "--json",
    )
    assert len(model.received) == 1  # only a model behind an address rewrites follow-ups


def test_an_adapter_asked_from_memory_shows_no_citation(ready: Run) -> None:
    make()
    found = ready("ask", QUESTION, "--adapter", "house", "--system", "tuned", "--json")
    assert (found["system"]["kind"], found["citations"], found["invented"]) == ("tuned", [], 1)
    assert found["text"] == "Every employee has thirty days of annual leave."


def test_an_answer_from_memory_says_so(ready: Run) -> None:
    make()
    ready("ask", QUESTION, "--adapter", "house", "--system", "tuned")
    assert "From the tuned model's memory: nothing was looked up" in err(ready)


def test_who_may_not_use_the_adapter_is_not_told_that_it_is_there(ready: Run) -> None:
    make("finance")
    ready("ask", QUESTION, "--adapter", "house", "--as-group", "staff", code=2)
    assert "there is no adapter 'house'" in err(ready)


def test_who_may_use_the_adapter_is_answered_and_on_record(ready: Run) -> None:
    make("staff")
    ready("ask", QUESTION, "--adapter", "house", "--system", "tuned", "--as-group", "staff")
    (entry,) = ready("audit", "show", "--limit", "1", "--json")
    assert (entry["action"], entry["detail"]) == ("adapter asked", {"adapter": "house"})


@pytest.mark.parametrize("kind", ["tuned", "tuned_rag"])
def test_an_adapter_out_of_service_is_not_asked(ready: Run, kind: str) -> None:
    make(gates={"quality": {"passed": False}})
    ready("ask", QUESTION, "--adapter", "house", "--system", kind, code=2)
    assert "the adapter house is out of service: it did not pass: quality" in err(ready)


def test_an_erased_document_takes_the_adapter_out_of_service(ready: Run) -> None:
    make(made_from=("leave.md",))
    ready("erase", "leave.md", "--yes")
    ready("ask", QUESTION, "--adapter", "house", "--system", "tuned", code=2)
    assert "out of service: what it was made from no longer stands" in err(ready)


def test_a_talk_can_be_had_with_an_adapter(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{QUESTION}\nAnd in a leap year?\n"))
    said = ready("chat", "--adapter", "house", "--system", "tuned", "--json", raw=True)
    assert [json.loads(line)["system"]["kind"] for line in said.splitlines()] == ["tuned", "tuned"]


def test_memory_has_no_past(ready: Run) -> None:
    make()
    ready("ask", QUESTION, "--adapter", "house", "--system", "tuned", "--as-of", "2026-01-01", code=2)
    assert "cannot answer as of a date" in err(ready)


@pytest.mark.parametrize(
    "options",
    [["--system", "tuned"], ["--system", "tuned_rag"], ["--system", "rag", "--adapter", "house"]],
    ids=["tuned alone", "tuned_rag alone", "rag with one"],
)
def test_a_system_and_an_adapter_must_go_together(ready: Run, options: list[str]) -> None:
    make()
    ready("ask", QUESTION, *options, code=2)
    assert "adapters list" in err(ready)
