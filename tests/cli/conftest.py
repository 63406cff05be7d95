"""Commands run in a workspace of the test's own, with fake models and a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ragraft.cli.main import run
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.systems import Workbench

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    (root / "finance").mkdir(parents=True)
    (root / "leave.md").write_text("# Leave\n\nEvery employee has thirty days of annual leave in a year.\n")
    (root / "finance" / "budget.md").write_text(
        "# Budget\n\nThe budget of the Hamburg site is nine million euros.\n"
    )
    return root


@pytest.fixture
def chat_model(request: pytest.FixtureRequest) -> FakeChatModel:
    """The model that commands ask; a test scripts its replies by indirect parameters."""
    return FakeChatModel(getattr(request, "param", ()))


@pytest.fixture
def ragraft(
    tmp_path: Path,
    dsn: str,
    chat_model: FakeChatModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command in a workspace of this test's own; returns parsed JSON (not if `raw`), or standard output."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("RAGRAFT_DSN", dsn)
    made = partial(Workbench, embedder=FakeEmbedder(), model=chat_model, reader=FakeReader())
    monkeypatch.setattr("ragraft.cli.options.Workbench", made)

    def call(*arguments: object, code: int = 0, raw: bool = False) -> Any:
        capsys.readouterr()
        found = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert found == code, err
        call.err = err  # type: ignore[attr-defined]
        return json.loads(out) if "--json" in arguments and out and not raw else out

    return call
