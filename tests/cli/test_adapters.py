"""`ragraft adapters`: what a caller sees of tuned models, and how they leave."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapter_world import adapter, registry_of, write_lora, write_tiny_llama, write_tokenizer
from ragraft.cli.main import COMMANDS
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.models.gguf_header import check_whole
from ragraft.systems import Workbench
from ragraft.tune.export import base_name
from ragraft.types import Source
from ragraft.workspace import find_workspace

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "adapters", "ragraft.cli.adapters:adapters")


def make(
    *documents: str, name: str = "house", groups: tuple[str, ...] = ("everyone",), base: str = "tiny@0"
) -> None:
    """Make an adapter known in the workspace of the current folder, with the weights of a small LoRA."""
    made = partial(Workbench, embedder=FakeEmbedder(), model=FakeChatModel())
    with made(find_workspace(None)) as bench:
        registry, draft = registry_of(bench), bench.workspace.state / "draft"
        write_lora(draft)
        known = adapter(
            name,
            path=draft,
            groups=frozenset(groups),
            made_from=tuple(Source(uri, 1) for uri in documents),
            base=base,
        )
        registry.add(known, read_at=registry.moment(), caller=bench.caller())


@pytest.fixture
def filled(ragraft: Run, folder: Path) -> Run:
    """The command line in a workspace with two documents that everyone may read."""
    ragraft("add", folder, "--group", "everyone")
    return ragraft


def test_a_workspace_without_adapters_says_so(ragraft: Run) -> None:
    ragraft("init")
    assert "no adapters" in ragraft("adapters", "list")
    assert ragraft("adapters", "list", "--json") == []


def test_list_tells_what_is_in_service(filled: Run) -> None:
    make("leave.md")
    (row,) = filled("adapters", "list", "--json")
    assert (row["name"], row["in_service"], row["reason"], row["stale"]) == ("house", True, "", [])
    assert row["documents"] == [{"document": "leave.md", "revision": 1}]
    assert "in service" in filled("adapters", "list")


def test_a_caller_sees_only_what_he_may_use(filled: Run) -> None:
    make(name="secret", groups=("finance",))
    make(name="open")
    assert [row["name"] for row in filled("adapters", "list", "--as-group", "staff", "--json")] == ["open"]
    filled("adapters", "show", "secret", "--as-group", "staff", code=2)
    assert "there is no adapter 'secret'" in filled.err  # type: ignore[attr-defined]


def test_an_erased_document_is_named_by_number_as_the_reason(filled: Run) -> None:
    make("leave.md")
    receipt = filled("erase", "leave.md", "--yes", "--json")
    row = filled("adapters", "show", "house", "--json")
    assert row["in_service"] is False
    assert row["tainted_by"] == [f"document {receipt['document']} (erased)"]
    assert "out of service" in filled("adapters", "list")


def test_a_replaced_document_is_named_as_stale(filled: Run, folder: Path) -> None:
    make("leave.md")
    (folder / "leave.md").write_text("# Leave\n\nThirty-one days.\n")
    filled("add", folder)
    row = filled("adapters", "show", "house", "--json")
    assert (row["in_service"], row["stale"]) == (True, ["leave.md"])
    assert "replaced since: leave.md" in filled("adapters", "list")


def test_show_prints_the_card(filled: Run) -> None:
    make("leave.md")
    page = filled("adapters", "show", "house")
    assert "# house" in page
    assert "| leave.md | 1 |" in page
    assert "| quality | yes | 0.1 | [0.0, 0.2] | 0.0 |" in page


def test_remove_takes_the_weights_with_it(filled: Run) -> None:
    make()
    assert filled("adapters", "remove", "house", "--json") == {"removed": "house"}
    assert filled("adapters", "list", "--json") == []
    assert list((find_workspace(None).state / "adapters").iterdir()) == []


def test_only_the_owner_removes_and_exports(filled: Run, tmp_path: Path) -> None:
    make()
    for command in (["remove", "house"], ["export", "house", "--to", tmp_path / "out", "--format", "peft"]):
        filled("adapters", *command, "--as-group", "everyone", code=2)
        assert "only the owner" in filled.err  # type: ignore[attr-defined]


def test_an_export_is_written_and_on_record(filled: Run, tmp_path: Path) -> None:
    make()
    done = filled("adapters", "export", "house", "--to", tmp_path / "out", "--format", "peft", "--json")
    assert set(done) == {"path", "format", "files", "limits"}
    assert sorted(done["files"]) == sorted(path.name for path in (tmp_path / "out").iterdir())
    (entry,) = filled("audit", "show", "--limit", "1", "--json")
    assert (entry["action"], entry["detail"]) == ("adapter exported", {"adapter": "house", "format": "peft"})


def test_an_export_says_how_vllm_opens_it(filled: Run, tmp_path: Path) -> None:
    make()
    filled("adapters", "export", "house", "--to", tmp_path / "out", "--format", "peft")
    assert "--max-lora-rank 8" in filled.err  # type: ignore[attr-defined]


def test_an_adapter_of_another_base_is_not_merged(filled: Run, tmp_path: Path) -> None:
    make()
    filled("adapters", "export", "house", "--to", tmp_path / "out", "--format", "gguf", code=2)
    assert "was made for tiny@0" in filled.err  # type: ignore[attr-defined]
    assert not (tmp_path / "out").exists()


def test_a_gguf_is_written_with_the_base_that_is_named(filled: Run, tmp_path: Path) -> None:
    write_tiny_llama(tmp_path / "base", vocabulary=49152)
    write_tokenizer(tmp_path / "base")
    make(base=base_name(tmp_path / "base"))
    place = ("--to", tmp_path / "out", "--base", tmp_path / "base")
    filled("adapters", "export", "house", *place, "--format", "gguf", "--type", "q8_0")
    check_whole(tmp_path / "out" / "house.q8_0.gguf")
    assert "ollama create house" in filled.err  # type: ignore[attr-defined]


def test_a_tainted_adapter_is_not_exported(filled: Run, tmp_path: Path) -> None:
    make("leave.md")
    filled("remove", "leave.md")
    filled("adapters", "export", "house", "--to", tmp_path / "out", "--format", "peft", code=2)
    assert "leave.md (removed)" in filled.err  # type: ignore[attr-defined]
    assert not (tmp_path / "out").exists()
