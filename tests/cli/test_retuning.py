"""`ragraft tune retriever`: what it takes, prints and refuses. What happens is tested in tests/tune."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragraft.cli import retuning
from ragraft.cli.main import COMMANDS
from ragraft.errors import NotAllowedError
from ragraft.tune.retriever_judge import Gain
from ragraft.tune.retriever_mining import Unplaced
from ragraft.tune.retriever_run import Outcome, Watcher
from ragraft.types import Caller, Question

Run = Callable[..., Any]

OUTCOME = Outcome(
    "all-MiniLM-L6-v2-tuned-1@0",
    switched=True,
    reason="it finds more: nDCG@10 0.700 to 0.800",
    ndcg=Gain(0.7, 0.8, 0.1, (0.05, 0.15)),
    erased=2,
    pairs=40,
    unplaced=(Unplaced("What?", "it names no evidence"),),
    seconds=12.5,
    estimate_seconds=13.0,
)


class PlannedTuning:
    """Stands for the tuning of a workspace; `asked` keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def tune(
        self, questions: list[Question], *, caller: Caller, minutes: float, force: bool, watcher: Watcher
    ) -> Outcome:
        if not caller.owner:
            raise NotAllowedError("only the owner of the workspace may tune the retriever")
        watcher.on_estimate(90.0)
        watcher.doing("searching", of=2)(1)
        self.asked.append(("tune", [question.text for question in questions], minutes, force))
        return OUTCOME

    def back(self, *, caller: Caller, watcher: Watcher) -> Outcome:
        self.asked.append("back")
        return Outcome("all-MiniLM-L6-v2@0", switched=True, reason="the tuned one is out of service")

    def forget(self, *, caller: Caller) -> list[str]:
        self.asked.append("forget")
        return ["all-MiniLM-L6-v2-tuned-1@0"]


@pytest.fixture
def tuning(monkeypatch: pytest.MonkeyPatch) -> PlannedTuning:
    planned = PlannedTuning()
    monkeypatch.setattr(retuning, "tuning_of", lambda _bench: planned)
    monkeypatch.setitem(COMMANDS, "retriever", "ragraft.cli.retuning:retriever")
    return planned


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [
        {"question": "How long is leave?", "answer": "thirty days",
         "evidence": [{"document": "leave.md", "quote": "thirty days"}]},
        {"question": "Who is the mayor?", "answer": ""},
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_it_tunes_on_the_answerable_questions_of_a_file(
    ragraft: Run, tuning: PlannedTuning, asked: Path
) -> None:
    ragraft("init")
    ragraft("retriever", asked, "--minutes", "3", "--force")
    assert tuning.asked == [("tune", ["How long is leave?"], 3.0, True)]


def test_json_has_the_promised_form(ragraft: Run, tuning: PlannedTuning, asked: Path) -> None:
    ragraft("init")
    assert ragraft("retriever", asked, "--json") == {
        "name": "all-MiniLM-L6-v2-tuned-1@0",
        "seconds": 12.5,
        "estimate_seconds": 13.0,
        "pairs": 40,
        "unplaced": [{"question": "What?", "reason": "it names no evidence"}],
        "ndcg": {"before": 0.7, "after": 0.8, "difference": 0.1, "interval": [0.05, 0.15]},
        "switched": True,
        "reason": "it finds more: nDCG@10 0.700 to 0.800",
        "erased": 2,
    }


def test_words_tell_what_was_not_used_and_what_was_erased(
    ragraft: Run, tuning: PlannedTuning, asked: Path
) -> None:
    ragraft("init")
    said = ragraft("retriever", asked)
    assert "What?: it names no evidence" in said
    assert "2 documents that have been erased" in said


def test_the_estimate_goes_to_standard_error(ragraft: Run, tuning: PlannedTuning, asked: Path) -> None:
    ragraft("init")
    ragraft("retriever", asked, "--json")
    assert "about 1.5 minutes" in ragraft.err  # type: ignore[attr-defined]  # the fixture keeps it there


def test_back_and_forget_are_passed_on(ragraft: Run, tuning: PlannedTuning) -> None:
    ragraft("init")
    assert ragraft("retriever", "--back", "--json")["ndcg"] is None
    assert ragraft("retriever", "--forget-old", "--json") == {"forgotten": ["all-MiniLM-L6-v2-tuned-1@0"]}
    assert tuning.asked == ["back", "forget"]


def test_back_takes_no_questions(ragraft: Run, tuning: PlannedTuning, asked: Path) -> None:
    ragraft("init")
    ragraft("retriever", asked, "--back", code=2)
    assert "do not go together" in ragraft.err  # type: ignore[attr-defined]  # the fixture keeps it there


def test_without_questions_and_examples_it_says_what_it_needs(ragraft: Run, tuning: PlannedTuning) -> None:
    ragraft("init")
    ragraft("retriever", code=2)
    assert "ragraft examples from-documents" in ragraft.err  # type: ignore[attr-defined]  # the fixture keeps it there


def test_another_caller_may_not_tune(ragraft: Run, tuning: PlannedTuning, asked: Path) -> None:
    ragraft("init")
    ragraft("retriever", asked, "--as-group", "staff", code=2)
    assert "only the owner" in ragraft.err  # type: ignore[attr-defined]  # the fixture keeps it there


def test_an_endpoints_embedder_cannot_be_tuned(
    ragraft: Run, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "retriever", "ragraft.cli.retuning:retriever")
    ragraft("init")
    settings = Path("ragraft.toml")
    settings.write_text('[embedder]\nurl = "http://127.0.0.1:9/v1"\nname = "e5"\n')
    ragraft("retriever", asked, code=2)
    assert "the embedder is an endpoint, e5" in ragraft.err  # type: ignore[attr-defined]  # the fixture keeps it there
