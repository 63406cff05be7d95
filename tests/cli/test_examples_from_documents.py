"""`ragraft examples from-documents`: what is said before anything is sent, and what is printed at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_server import ModelServer, fails, model_server
from ragraft.config import Settings
from ragraft.doctor import network_use
from ragraft.models.fake import FakeChatModel
from ragraft.types import Completion

PAIR = {
    "question": "How many days of annual leave does every employee have?",
    "answer": "Every employee has thirty days of annual leave.",
    "evidence": "Every employee has thirty days of annual leave in a year.",
}
REPLY = json.dumps({"pairs": [PAIR]})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A teacher that writes the same pair about every passage, set by the environment."""
    with model_server(chat=FakeChatModel([REPLY])) as served:
        monkeypatch.setenv("RAGRAFT_TEACHER_URL", served.url.replace("://", "://user:secret@"))
        monkeypatch.setenv("RAGRAFT_TEACHER_NAME", "the-teacher")
        monkeypatch.setenv("RAGRAFT_TUNE_REDACT", "false")
        yield served


def test_without_a_teacher_it_says_what_to_set(ragraft: Any, folder: Path) -> None:
    ragraft("add", folder)
    ragraft("examples", "from-documents", code=2)
    assert ragraft.err.count("\n") == 2
    assert "needs a teacher, and none is set" in ragraft.err
    assert "[teacher] url and name" in ragraft.err


def test_every_passage_and_pair_is_accounted_for(ragraft: Any, folder: Path, server: ModelServer) -> None:
    ragraft("add", folder, "--group", "staff")
    found = ragraft("examples", "from-documents", "--json")
    assert (found["passages"], found["asked"], found["not_asked"], found["failed"]) == (2, 2, 0, [])
    assert (found["pairs"], found["kept"], len(found["rejected"])) == (2, 1, 1)
    assert found["rejected"][0]["row"] == "finance/budget.md:1 pair 1"
    assert found["interrupted"] is False
    (kept,) = ragraft("examples", "list", "--json", "--as-group", "staff")
    assert (kept["file"], kept["line"], kept["groups"]) == ("leave.md", 3, ["staff"])
    assert kept["made_from"] == [{"document": "leave.md", "revision": 1}]


def test_before_anything_is_sent_it_says_how_much_goes_where(
    ragraft: Any, folder: Path, server: ModelServer
) -> None:
    ragraft("add", folder)
    ragraft("examples", "from-documents", "--limit", 1, "--per-passage", 2)
    place = server.url
    assert (
        f"sending 1 passages of 1 documents to the-teacher at {place}, for up to 2 pairs each" in ragraft.err
    )
    assert "1 are over the limit" in ragraft.err
    assert "secret" not in ragraft.err
    assert "up to 2 questions" in server.requests[0].body["messages"][-1]["content"]
    assert len(server.requests) == 1


def test_run_again_it_leaves_out_what_has_examples(ragraft: Any, folder: Path, server: ModelServer) -> None:
    ragraft("add", folder / "leave.md")
    ragraft("examples", "from-documents")
    ragraft("examples", "from-documents")
    assert "sending 0 passages" in ragraft.err
    assert len(server.requests) == 1


def test_somebody_elses_documents_are_not_sent(ragraft: Any, folder: Path, server: ModelServer) -> None:
    ragraft("add", folder / "leave.md", "--group", "staff")
    ragraft("add", folder / "finance" / "budget.md", "--group", "board")
    assert ragraft("examples", "from-documents", "--as-group", "staff", "--json")["kept"] == 1
    assert "Hamburg" not in str([asked.body for asked in server.requests])


def test_evaluation_questions_are_not_taught(
    ragraft: Any, folder: Path, server: ModelServer, tmp_path: Path
) -> None:
    questions = tmp_path / "test.jsonl"
    questions.write_text(json.dumps({"id": "q1", "question": PAIR["question"], "answer": "Thirty."}))
    ragraft("add", folder / "leave.md")
    shown = ragraft("examples", "from-documents", "--avoid", questions)
    assert "0 pairs kept, 1 rejected" in shown
    assert "leave.md:1 pair 1: near-duplicate of the evaluation question q1" in shown


def test_a_teacher_that_only_fails_ends_with_one(ragraft: Any, folder: Path, server: ModelServer) -> None:
    server.faults.extend([fails(401, "no"), fails(401, "no")])
    ragraft("add", folder)
    shown = ragraft("examples", "from-documents", code=1)
    assert "2 of 2 passages asked about, 2 without a usable reply" in shown
    assert "answered 401" in shown


def test_stopped_it_reports_what_was_kept(
    ragraft: Any, folder: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(FakeChatModel):
        def generate(self, messages: Any, **more: Any) -> Completion:
            if self.received:
                raise KeyboardInterrupt
            return super().generate(messages, **more)

    ragraft("add", folder)
    teacher = Stopped([REPLY])
    monkeypatch.setattr("ragraft.cli.teaching._teacher", lambda _settings: teacher)
    found = ragraft("examples", "from-documents", "--json", code=130)
    assert (found["interrupted"], found["asked"], found["not_asked"]) == (True, 1, 1)


def test_the_network_line_names_the_teacher() -> None:
    settings = Settings.model_validate({"teacher": {"url": "http://me:pw@teacher.test/v1", "name": "t"}})
    assert network_use(settings) == "used for http://teacher.test/v1 and addresses given to `ragraft add`"
