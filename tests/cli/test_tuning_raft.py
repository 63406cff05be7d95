"""`ragraft tune --raft`: what it learns from, and what it says when there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from test_tuning import err, here

from making_world import Workshop
from model_server import model_server
from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel
from ragraft.tune.store import Candidate
from ragraft.tune.wording import REFUSAL
from ragraft.types import Completion, Dataset, Example, Message, Usage
from small_world import add_files

Run = Callable[..., Any]
TOWNS = (
    "Ardane",
    "Belmor",
    "Corvin",
    "Dunwick",
    "Estry",
    "Falmer",
    "Gorst",
    "Hexley",
    "Ilmar",
    "Jorvik",
    "Kelby",
    "Lorn",
)
GROUPS = ("everyone", "staff")


def text_of(town: str) -> str:
    return f"The museum of {town} opens at {len(town)}:1{TOWNS.index(town) % 10}. Dogs stay outside."


def opening(town: str) -> str:
    return f"{len(town)}:1{TOWNS.index(town) % 10}"


def asked(town: str) -> dict[str, Any]:
    return {
        "id": town,
        "question": f"When does the museum of {town} open?",
        "answer": f"At {opening(town)}.",
        "answer_aliases": [opening(town)],
        "evidence": [{"document": f"{town}.md", "quote": text_of(town).split(". ")[0] + "."}],
    }


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Example]:
    """The rows that training was given; everything that takes long is left out."""
    shop = Workshop(monkeypatch, tmp_path / "base")
    rows: list[Example] = []
    train = shop._train

    def watched(dataset: Any, **told: Any) -> None:
        if told["out"].name == "adapter":
            rows.extend(dataset.train)
        train(dataset, **told)

    monkeypatch.setattr("ragraft.tune.run.train", watched)
    monkeypatch.setattr("ragraft.recipe.open_base", lambda *_, **__: shop.base)
    monkeypatch.setattr("ragraft.recipe.accelerated", lambda: False)
    (shop.base.folder / "config.json").write_text('{"max_position_embeddings": 8192}')
    return rows


@pytest.fixture
def ready(ragraft: Run, seen: list[Example], tmp_path: Path) -> Run:
    """The command line in a workspace with a document for each town, half of them for the staff."""
    ragraft("init")
    with here() as bench:
        for number, group in enumerate(GROUPS):
            files = {f"{town}.md": text_of(town) for town in TOWNS[number::2]}
            add_files(bench, tmp_path / group, files, group)
    return ragraft


def question_file(folder: Path, towns: tuple[str, ...] = TOWNS) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(json.dumps(asked(town)) for town in towns))
    return path


def test_rows_of_a_question_file_are_learned(ready: Run, seen: list[Example], tmp_path: Path) -> None:
    ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--force")
    assert {row.kind for row in seen} == {"raft"}
    assert all("<<" in row.messages[-2].content for row in seen)
    said = [row.messages[-1].content for row in seen]
    assert any(text.startswith("“The museum of") for text in said)
    assert "The passages do not answer this question." in said


def test_rows_for_a_group_hold_no_passage_of_another(ready: Run, seen: list[Example], tmp_path: Path) -> None:
    ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--for", "everyone", "--force")
    shown = " ".join(row.messages[-2].content.split("Question:")[0] for row in seen)
    assert any(town in shown for town in TOWNS[0::2])
    assert not any(town in shown for town in TOWNS[1::2])
    assert ready("adapters", "list", "--json")[0]["groups"] == ["everyone"]


def test_without_a_file_the_questions_of_examples_are_learned(ready: Run, seen: list[Example]) -> None:
    with here() as bench:
        made = [
            Candidate(
                "question",
                (Message("user", asked(town)["question"]), Message("assistant", opening(town))),
                town,
                (f"{town}.md",),
                "row",
                "told.jsonl",
                number,
            )
            for number, town in enumerate(TOWNS)
        ]
        bench.examples.add(made, groups=None, caller=OWNER)
    ready("tune", "--raft", "--force")
    assert any("“The museum of" in row.messages[-1].content for row in seen)


def test_without_a_question_it_says_what_it_needs(ready: Run) -> None:
    ready("tune", "--raft", code=2)
    told = err(ready)
    assert "no example asks about a passage" in told
    assert "ragraft tune --raft --questions FILE" in told


def test_a_file_about_other_documents_is_refused(ready: Run, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({**asked("Lorn"), "evidence": [{"document": "x.md", "quote": "Dogs"}]}))
    ready("tune", "--raft", "--questions", str(path), code=2)
    assert "none of the documents it names is in the library" in err(ready)


def test_the_recipe_is_on_the_card(ready: Run, tmp_path: Path) -> None:
    path = question_file(tmp_path)
    ready("tune", "--raft", "--questions", str(path), "--name", "house", "--force")
    recipe = ready("adapters", "show", "house", "--json")["training"]["recipe"]
    assert (recipe["raft"], recipe["questions"]) == (True, str(path))


class Trained:
    """Stands in for the models of a sweep: those that learned some refusals refuse where the answer is missing, and
    those that learned more than a fifth refuse everything."""

    def __init__(self) -> None:
        self.refusals: dict[str, float] = {}

    def train(self, dataset: Dataset, *, out: Path, **_: Any) -> None:
        said = [row.messages[-1].content for row in dataset.train]
        self.refusals[out.name] = said.count(REFUSAL) / len(said)
        out.mkdir(parents=True)

    def open(self, served: Path, **_: Any) -> Any:
        share = self.refusals[served.parent.name]
        model = FakeChatModel()

        def say(messages: Sequence[Message]) -> str:
            passages, _, question = messages[-1].content.partition("Question:")
            [town] = [town for town in TOWNS if town in question]
            missing = opening(town) not in passages
            return REFUSAL if share > 0.2 or (share and missing) else f"At {opening(town)}. [1]"

        def generate_many(asked: Sequence[Sequence[Message]], *, max_tokens: int) -> list[Completion]:
            return [Completion(say(messages), Usage(max_tokens, 1), "stop") for messages in asked]

        model.generate_many = generate_many  # type: ignore[attr-defined]  # what a fake has not
        return model


@pytest.fixture
def sweeping(ready: Run, monkeypatch: pytest.MonkeyPatch) -> Trained:
    trained = Trained()
    monkeypatch.setattr("ragraft.raft.trial.train", trained.train)
    monkeypatch.setattr("ragraft.raft.trial.write_served", lambda *_, **__: None)
    monkeypatch.setattr("ragraft.raft.trial.LocalChatModel", trained.open)
    return trained


def sweep(ready: Run, path: Path) -> dict[str, Any]:
    asked = ("tune", "--raft", "--questions", str(path), "--name", "house", "--sweep", "--force", "--json")
    return dict(ready(*asked))


def test_a_sweep_goes_on_with_the_share_that_does_best(
    ready: Run, sweeping: Trained, seen: list[Example], tmp_path: Path
) -> None:
    trials = sweep(ready, question_file(tmp_path))["shares"]
    assert [trial["success"] for trial in trials] == [1.0, 0.95, 0.9, 0.8, 0.6]
    assert [trial["outcome"]["wrongly_refused"] for trial in trials] == [0, 0, 0, 0, 2]
    chosen = ready("adapters", "show", "house", "--json")["training"]["recipe"]["success"]
    best = next(trial for trial in trials if trial["success"] == chosen)
    assert best["outcome"]["refused"] == best["outcome"]["unanswerable"] == 2
    assert [row.messages[-1].content for row in seen].count(REFUSAL) == best["rows"] - 10


def test_a_sweep_that_was_stopped_tries_nothing_twice(
    ready: Run, sweeping: Trained, seen: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, path = sweeping.train, question_file(tmp_path)

    def stopped(dataset: Dataset, **told: Any) -> None:
        if len(sweeping.refusals) == 2:
            raise KeyboardInterrupt
        train(dataset, **told)

    monkeypatch.setattr("ragraft.raft.trial.train", stopped)
    ready("tune", "--raft", "--questions", str(path), "--name", "house", "--sweep", code=130)
    tried = dict(sweeping.refusals)
    monkeypatch.setattr("ragraft.raft.trial.train", train)
    sweeping.refusals.clear()
    sweep(ready, path)
    assert len(tried) == 2
    assert not tried.keys() & sweeping.refusals.keys()


def test_a_sweep_needs_held_out_questions(ready: Run, tmp_path: Path) -> None:
    path = question_file(tmp_path, TOWNS[:2])
    ready("tune", "--raft", "--questions", str(path), "--sweep", code=2)
    assert "too few questions are held out to sweep" in err(ready)


def test_minutes_are_of_one_training(ready: Run) -> None:
    ready("tune", "--raft", "--sweep", "--minutes", "5", code=2)
    assert "--minutes are of one training" in err(ready)


def test_paraphrases_need_a_teacher(ready: Run, tmp_path: Path) -> None:
    ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--paraphrases", "3", code=2)
    assert "needs a teacher, and none is set" in err(ready)


def test_a_card_asks_for_a_teachers_words_only_if_it_had_them(ready: Run, tmp_path: Path) -> None:
    ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--name", "house", "--force")
    assert ready("adapters", "show", "house", "--json")["training"]["recipe"]["paraphrases"] == 0


def test_a_sweep_is_of_passages_alone(ready: Run) -> None:
    ready("tune", "--sweep", code=2)
    assert "go with --raft" in err(ready)


def test_a_teacher_words_each_answer_in_other_ways_and_is_asked_once(
    ready: Run, seen: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = f"Come at {' or '.join(map(opening, TOWNS))}."
    with model_server(chat=FakeChatModel([reply])) as teacher:
        monkeypatch.setenv("RAGRAFT_TEACHER_URL", teacher.url)
        monkeypatch.setenv("RAGRAFT_TEACHER_NAME", "sage")
        for name in ("one", "two"):
            seen.clear()
            ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--name", name, "--force")
            assert any("Come at " in row.messages[-1].content for row in seen)
        assert "sending the questions with their answers to sage" in err(ready)
        assert len(teacher.requests) == 10
        seen.clear()
        ready("tune", "--raft", "--questions", str(question_file(tmp_path)), "--paraphrases", "0", "--force")
        assert not any("Come at " in row.messages[-1].content for row in seen)


def test_questions_without_raft_or_due_are_refused(ready: Run, tmp_path: Path) -> None:
    ready("tune", "--questions", str(question_file(tmp_path)), code=2)
    assert "--due or --raft" in err(ready)
