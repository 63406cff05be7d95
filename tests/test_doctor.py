"""What `ragraft doctor` says of the reader, of entailment and of the network, for settings as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_server import model_server
from ragraft.config import load_settings
from ragraft.doctor import Check, examine, network_use
from ragraft.models import reader
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.protocols import Reader
from ragraft.systems import Workbench
from ragraft.workspace import Workspace, create_workspace
from tiny_bert import write_bert

LABELS = {"0": "contradiction", "1": "entailment", "2": "neutral"}
NO_READER = "[answer]\nreader = false\n"


@contextmanager
def opened(folder: Path, dsn: str, toml: str, given: Reader | None = None) -> Iterator[Workbench]:
    """Open a workspace whose ragraft.toml is this text; only embedder and chat model are fakes."""
    made, _ = create_workspace(folder)
    made.settings_file.write_text(toml, encoding="utf-8")
    settings = load_settings(made.settings_file, {"RAGRAFT_DSN": dsn})
    workspace = Workspace(made.root, settings)
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel(), reader=given) as bench:
        yield bench


def looked_at(name: str, folder: Path, dsn: str, toml: str, given: Reader | None = None) -> Check:
    """Return the check of this name."""
    with opened(folder / "workspace", dsn, toml, given) as bench:
        (check,) = (check for check in examine(bench) if check.name == name)
    return check


def test_a_reader_that_is_left_out_is_off(tmp_path: Path, dsn: str) -> None:
    check = looked_at("reader", tmp_path, dsn, NO_READER)
    assert check.ok
    assert check.detail.startswith("off by [answer] reader")


def test_the_reader_that_ships_is_named_with_its_delta(tmp_path: Path, dsn: str) -> None:
    check = looked_at("reader", tmp_path, dsn, "")
    assert check.ok, check
    assert check.detail.startswith("reader@")
    assert check.detail.endswith(f"local, with {reader.DELTA}")


def test_a_delta_that_is_not_there_is_a_fault(
    tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "DELTA", tmp_path / "gone.safetensors")
    check = looked_at("reader", tmp_path, dsn, "")
    assert not check.ok
    assert "gone.safetensors" in check.detail


def test_a_reader_that_was_given_is_named_without_a_delta(tmp_path: Path, dsn: str) -> None:
    assert looked_at("reader", tmp_path, dsn, "", FakeReader()).detail == "fake-reader"


def test_entailment_is_off_unless_set(tmp_path: Path, dsn: str) -> None:
    check = looked_at("entailment", tmp_path, dsn, NO_READER)
    assert check.ok
    assert check.detail.startswith("off")


def test_a_local_entailment_model_is_tried_and_named_with_its_folder(tmp_path: Path, dsn: str) -> None:
    folder = write_bert(tmp_path / "nli", labels=3, id2label=LABELS)
    check = looked_at("entailment", tmp_path, dsn, f'{NO_READER}[entailment]\npath = "{folder}"\n')
    assert check.ok, check
    assert check.detail.startswith("nli@")
    assert check.detail.endswith(f"local, in {folder}")


def test_an_entailment_folder_that_is_not_there_is_a_fault_with_a_hint(tmp_path: Path, dsn: str) -> None:
    check = looked_at("entailment", tmp_path, dsn, f'{NO_READER}[entailment]\npath = "{tmp_path}/gone"\n')
    assert not check.ok
    assert "gone" in check.detail
    assert "[entailment] path" in check.hint


def test_a_model_that_does_not_name_entailment_is_a_fault(tmp_path: Path, dsn: str) -> None:
    folder = write_bert(tmp_path / "plain", labels=3)
    check = looked_at("entailment", tmp_path, dsn, f'{NO_READER}[entailment]\npath = "{folder}"\n')
    assert not check.ok
    assert "id2label" in check.hint


def test_an_entailment_endpoint_is_named_and_sent_nothing(tmp_path: Path, dsn: str) -> None:
    with model_server() as server:
        toml = f'{NO_READER}[entailment]\nurl = "{server.url}"\nname = "judge"\n'
        check = looked_at("entailment", tmp_path, dsn, toml)
        assert (check.ok, list(server.requests)) == (True, [])
    assert check.detail.startswith(f"judge at {server.url}")


def test_a_fault_does_not_stop_the_checks_after_it(tmp_path: Path, dsn: str) -> None:
    toml = f'{NO_READER}[entailment]\npath = "{tmp_path}/gone"\n'
    with opened(tmp_path / "workspace", dsn, toml) as bench:
        found = {check.name: check.ok for check in examine(bench)}
    assert (found["database"], found["entailment"], found["network"]) == (True, False, True)


def network(folder: Path, toml: str, **environment: str) -> str:
    path = folder / "ragraft.toml"
    path.write_text(toml, encoding="utf-8")
    return network_use(load_settings(path, environment))


def test_with_default_settings_the_network_is_not_used(tmp_path: Path) -> None:
    assert network(tmp_path, "") == "not used, except for addresses given to `ragraft add`"


@pytest.mark.parametrize(
    "section", ["model", "embedder", "reranker", "entailment", "teacher", "judge", "strangers.big"]
)
def test_every_endpoint_is_named(tmp_path: Path, section: str) -> None:
    said = network(tmp_path, f'[{section}]\nurl = "http://models.example/v1"\nname = "m"\n')
    assert said == "used for http://models.example/v1 and addresses given to `ragraft add`"


def test_an_endpoint_that_serves_twice_is_named_once(tmp_path: Path) -> None:
    toml = "".join(
        f'[{section}]\nurl = "http://models.example/v1"\nname = "m"\n' for section in ("model", "entailment")
    )
    assert network(tmp_path, toml).count("models.example") == 1


def test_a_database_of_your_own_is_named_without_its_password(tmp_path: Path) -> None:
    said = network(tmp_path, "", RAGRAFT_DSN="postgresql://me:secret@db.example/library")
    assert "RAGRAFT_DSN" in said
    assert "secret" not in said


@pytest.mark.parametrize("url", ["http://me:secret@models.example/v1", "http://models.example/v1?key=secret"])
def test_a_password_in_an_address_is_not_shown(tmp_path: Path, url: str) -> None:
    said = network(tmp_path, f'[entailment]\nurl = "{url}"\nname = "m"\n')
    assert "http://models.example/v1 " in said
    assert "secret" not in said
