"""The command contract: JSON shapes, exit codes, callers. Fake models, a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragraft.cli.main import COMMANDS
from ragraft.systems import Workbench

Run = Callable[..., Any]


def test_add_reports_exactly_the_contract(ragraft: Run, folder: Path) -> None:
    report = ragraft("add", folder, "--json")
    assert {name: report[name] for name in ("added", "replaced", "removed", "unchanged", "failed")} == {
        "added": 2, "replaced": 0, "removed": 0, "unchanged": 0, "failed": [],
    }  # fmt: skip
    assert set(report) == {
        "added", "replaced", "removed", "unchanged", "failed", "chunks", "tokens", "seconds",
    }  # fmt: skip
    assert report["chunks"] >= 2
    assert report["tokens"] > 10


def test_adding_again_follows_the_folder(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    (folder / "leave.md").write_text("# Leave\n\nEvery employee has thirty-one days of annual leave.\n")
    (folder / "finance" / "budget.md").unlink()
    (folder / "new.txt").write_text("A new policy on bicycles in the yard.")
    report = ragraft("add", folder, "--json")
    assert (report["added"], report["replaced"], report["removed"], report["unchanged"]) == (1, 1, 1, 0)


def test_list_has_its_shape(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    assert {tuple(sorted(row)) for row in ragraft("list", "--json")} == {
        ("added_at", "chunks", "groups", "revision", "title", "uri")
    }


def test_a_caller_sees_what_his_groups_may_read(ragraft: Run, folder: Path, tmp_path: Path) -> None:
    rules = {
        "groups": {"everyone": "", "finance": ""},
        "documents": {"leave.md": ["everyone"], "finance/budget.md": ["finance"]},
    }
    access = tmp_path / "access.json"
    access.write_text(json.dumps(rules))
    ragraft("add", folder, "--access", access)
    assert [row["uri"] for row in ragraft("list", "--as-group", "support", "--json")] == ["leave.md"]
    assert [row["uri"] for row in ragraft("list", "--as-group", "finance", "--json")] == [
        "finance/budget.md",
        "leave.md",
    ]
    found = ragraft("search", "budget of the Hamburg site", "--as-group", "support", "--json")
    assert {passage["document"] for passage in found} == {"leave.md"}
    ragraft("show", "finance/budget.md", "--as-group", "support", code=2)
    hidden = ragraft.err  # type: ignore[attr-defined]
    ragraft("show", "finance/budgex.md", "--as-group", "support", code=2)
    assert hidden == ragraft.err.replace("budgex", "budget")  # type: ignore[attr-defined]


def test_a_known_caller_has_the_groups_of_the_settings(ragraft: Run, folder: Path) -> None:
    ragraft("init")
    Path("ragraft.toml").write_text('[callers]\nmaria = ["finance"]\n')
    ragraft("add", folder, "--group", "finance")
    assert len(ragraft("list", "--as", "maria", "--json")) == 2
    ragraft("list", "--as", "nobody", code=2)
    assert "no caller named 'nobody'" in ragraft.err  # type: ignore[attr-defined]


def test_only_the_owner_may_write(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder, "--group", "everyone")
    for command in (
        ["add", folder],
        ["remove", "leave.md"],
        ["erase", "leave.md", "--yes"],
        ["audit", "show"],
        ["doctor"],
    ):
        ragraft(*command, "--as-group", "everyone", code=2)
        assert "only the owner" in ragraft.err  # type: ignore[attr-defined]


def test_removed_documents_are_gone_at_once_and_remembered_as_of(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    before = ragraft("show", "leave.md", "--json")["valid_from"]
    assert ragraft("remove", "leave.md", "--json") == {"removed": 1}
    assert [row["uri"] for row in ragraft("list", "--json")] == ["finance/budget.md"]
    assert ragraft("search", "annual leave", "--as-of", before, "--json")[0]["document"] == "leave.md"


def test_erase_wants_a_yes_and_gives_a_receipt(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    ragraft("erase", "leave.md", "--json", code=2)
    assert "--yes" in ragraft.err  # type: ignore[attr-defined]
    receipt = ragraft("erase", "leave.md", "--yes", "--json")
    assert receipt["uri"] == "leave.md"
    assert receipt["revisions"] == 1
    ragraft("show", "leave.md", code=2)
    assert ragraft("audit", "verify", "--json")["intact"]


def test_a_file_that_cannot_be_read_is_reported_and_does_not_stop_the_rest(
    ragraft: Run, folder: Path
) -> None:
    (folder / "noise.pdf").write_bytes(bytes(range(256)) * 40)
    report = ragraft("add", folder, "--json")
    assert report["added"] == 2
    assert [failure["uri"] for failure in report["failed"]] == ["noise.pdf"]
    assert report["failed"][0]["reason"]
    assert ragraft("add", folder, "--json")["failed"] == report["failed"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["search", "x"], "no ragraft workspace"),
        (["add", "nowhere"], "there is no 'nowhere'"),
        (["search", "x", "--workspace", "/nowhere"], "no ragraft workspace"),
        (["search", "x", "--limit", "0"], "--limit"),
        (["search", "x", "--as-of", "yesterday"], "no date like"),
        (["frobnicate"], "No such command"),
        (["search"], "Missing argument"),
        (["list", "--as", "a", "--as-group", "b"], "cannot be used together"),
        (["add", ".", "--group", "a;b"], "no name of a group"),
    ],
)
def test_the_users_mistakes_are_one_line_and_exit_2(ragraft: Run, arguments: list[str], word: str) -> None:
    if arguments[0] == "list":
        ragraft("init")
    ragraft(*arguments, code=2)
    assert word in ragraft.err  # type: ignore[attr-defined]
    assert "Traceback" not in ragraft.err  # type: ignore[attr-defined]


def test_a_fault_of_ours_is_one_line_and_exits_1(ragraft: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ragraft("init")
    monkeypatch.setattr(Workbench, "library", property(lambda _: 1 / 0))
    ragraft("list", code=1)
    assert "ZeroDivisionError" in ragraft.err  # type: ignore[attr-defined]
    assert "RAGRAFT_DEBUG" in ragraft.err  # type: ignore[attr-defined]


def test_the_workspace_is_found_from_a_folder_below(
    ragraft: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ragraft("add", folder)
    below = Path("some/where")
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert len(ragraft("list", "--json")) == 2


def test_init_twice_keeps_the_settings(ragraft: Run) -> None:
    assert ragraft("init", "--json")["made"]
    Path("ragraft.toml").write_text("# mine\n")
    assert not ragraft("init", "--json")["made"]
    assert Path("ragraft.toml").read_text() == "# mine\n"


def test_wrong_settings_are_all_named_at_once(ragraft: Run) -> None:
    ragraft("init")
    Path("ragraft.toml").write_text("[search]\ndepth = 5\ncolour = 1\n[answer]\npassages = 0\n")
    ragraft("list", code=2)
    for word in ("search.depth", "search.colour", "answer.passages"):
        assert word in ragraft.err  # type: ignore[attr-defined]


def test_doctor_finds_a_sound_workspace_sound(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    report = ragraft("doctor", "--json")
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
    assert {"database", "row-level security", "audit", "embedder", "model"} <= {
        c["name"] for c in report["checks"]
    }


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(ragraft: Run, name: str) -> None:
    assert "Usage: ragraft" in ragraft(name, "--help")
