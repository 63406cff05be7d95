"""The file of answers: whole lines count, torn ones do not, and what is of other documents goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from asking_world import BIRDS, CARD, LEAVE, cited, given, said

from ragraft.access.labels import OWNER
from ragraft.compare.answers_kept import AnswersKept, answer_key
from ragraft.compare.results import Said

WHOLE = said(
    LEAVE,
    "Thirty days. [1]",
    citations=(cited("leave.md", "thirty days"),),
    given=(given("leave.md"),),
    confidence=0.5,
    sentences=1,
    unsupported=0,
    seconds={"generate": 0.25},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one answer, under the key "a"."""
    path = tmp_path / "out" / "answers.jsonl"
    AnswersKept(path, revision="now").keep("a", WHOLE)
    return path


def test_an_answer_comes_back_as_it_was(path: Path) -> None:
    assert AnswersKept(path, revision="now").find("a", LEAVE) == WHOLE


def test_it_is_the_answer_to_the_question_that_asks_for_it(path: Path) -> None:
    found = AnswersKept(path, revision="now").find("a", BIRDS)
    assert found is not None
    assert found.question == BIRDS.id


def test_a_failure_is_on_record_and_is_no_answer(path: Path) -> None:
    AnswersKept(path, revision="now").keep("b", Said("birds", failure="it broke"))
    assert AnswersKept(path, revision="now").find("b", BIRDS) is None
    assert "it broke" in path.read_text()


def test_an_answer_after_a_failure_is_what_counts(path: Path) -> None:
    kept = AnswersKept(path, revision="now")
    kept.keep("b", Said("birds", failure="it broke"))
    kept.keep("b", said(BIRDS, "None."))
    found = AnswersKept(path, revision="now").find("b", BIRDS)
    assert found is not None
    assert found.text == "None."


@pytest.mark.parametrize("cut", [1, 2, 40, -3])
def test_a_torn_last_line_is_asked_again_and_spoils_nothing_after_it(path: Path, cut: int) -> None:
    AnswersKept(path, revision="now").keep("b", said(BIRDS, "None."))
    content = path.read_bytes()
    last = content.rstrip(b"\n").rindex(b"\n") + 1
    path.write_bytes(content[: last + cut] if cut > 0 else content[:cut])
    kept = AnswersKept(path, revision="now")
    assert kept.find("b", BIRDS) is None
    kept.keep("c", said(BIRDS, "Some."))
    again = AnswersKept(path, revision="now")
    assert again.find("a", LEAVE) == WHOLE
    assert again.find("c", BIRDS) is not None


@pytest.mark.parametrize(
    "line",
    ["", "null", "[]", '{"key": "b"}', '{"key": "b", "revision": "now", "said": {"question": 3}}', "\x00"],
)
def test_what_is_no_answer_is_passed_over(path: Path, line: str) -> None:
    path.write_text(f"{line}\n{path.read_text()}")
    kept = AnswersKept(path, revision="now")
    assert kept.find("a", LEAVE) == WHOLE
    assert kept.find("b", LEAVE) is None


def test_an_answer_that_was_kept_without_a_count_is_read_with_none_of_it(path: Path) -> None:
    line = json.loads(path.read_text())
    del line["said"]["cached_tokens"], line["said"]["embedding_tokens"]
    path.write_text(json.dumps(line))
    assert AnswersKept(path, revision="now").find("a", LEAVE) == WHOLE


def test_what_was_said_of_other_documents_leaves_the_file(path: Path) -> None:
    AnswersKept(path, revision="later").keep("b", said(BIRDS, "None."))
    assert "thirty days" not in path.read_text()
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["b"]


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    AnswersKept(path, revision="now")
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_answers_last_as_long_as_the_run() -> None:
    kept = AnswersKept(None, revision="now")
    kept.keep("a", WHOLE)
    assert kept.find("a", LEAVE) == WHOLE


def test_the_key_is_of_this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = answer_key(CARD, LEAVE, caller=OWNER, revision="now")
    monkeypatch.setattr("ragraft.compare.answers_kept.version", lambda _: "99")
    assert answer_key(CARD, LEAVE, caller=OWNER, revision="now") != before


KILLED = """
import os, signal, sys
from pathlib import Path
from ragraft.compare.answers_kept import AnswersKept
from ragraft.compare.results import Said
kept = AnswersKept(Path(sys.argv[1]), revision="now")
for number in range(5):
    kept.keep(str(number), Said(str(number), text="said"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_kept_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    kept = AnswersKept(path, revision="now")
    assert all(kept.find(str(number), LEAVE) for number in range(5))
