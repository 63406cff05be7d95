"""A whole comparison on a library of its own, with models that say what they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapter_world import PASSED, adapter, draft_folder
from ragraft.access.labels import OWNER
from ragraft.answering import Answering
from ragraft.compare.access_questions import read_access_questions
from ragraft.compare.changes import read_changes
from ragraft.compare.labels import Label
from ragraft.compare.prices import PriceList
from ragraft.compare.report.folder import write_folder
from ragraft.compare.report_file import read_report
from ragraft.compare.results import Report
from ragraft.comparison import Comparing, Wishes, compare
from ragraft.contestants import Contestant, read_contestants
from ragraft.errors import NotAllowedError, UserError
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.systems import Workbench
from ragraft.tune.export import SERVED
from ragraft.types import Completion, Evidence, Message, Question, Usage
from small_world import STRANGER, add_files

TOWNS = ("Ardane", "Belmor", "Corvin", "Dunwick", "Estry", "Falmer", "Gorst", "Hexley")
SECRET = "The vault of Mirrum holds ninety silver crowns."


def text_of(number: int) -> str:
    return f"The museum of {TOWNS[number]} opens at {number + 6} o'clock. Dogs stay outside."


def question(number: int) -> Question:
    evidence = (Evidence(f"{TOWNS[number]}.md", text_of(number).split(". ")[0] + "."),)
    return Question(
        f"q{number}", f"When does the museum of {TOWNS[number]} open?", f"At {number + 6} o'clock.",
        (f"{number + 6} o'clock",), evidence, "number",
    )  # fmt: skip


UNKNOWN = Question("q-none", "Who built the lighthouse of Zarn?", "", (), (), "unanswerable")
QUESTIONS = (*(question(number) for number in range(len(TOWNS))), UNKNOWN)
WISHES = Wishes(questions=QUESTIONS, questions_file="questions.jsonl")
CHANGES = [
    {"id": "c1", "kind": "update", "document": "Ardane.md", "old": "opens at 6 o'clock", "new": "opens at 11 o'clock",
     "question": "When does the museum of Ardane open?", "answer_before": "6 o'clock", "answer_after": "11 o'clock"},
    {"id": "c2", "kind": "delete", "document": "Belmor.md", "question": "When does the museum of Belmor open?",
     "answer_before": "7 o'clock"},
]  # fmt: skip
ACCESS = [
    {"question": "How many silver crowns does the vault of Mirrum hold?", "answer": "ninety", "document": "vault.md",
     "groups_allowed": ["finance"], "groups_denied": ["everyone"]},
]  # fmt: skip


@pytest.fixture
def world(bench: Workbench, tmp_path: Path) -> Iterator[Workbench]:
    add_files(
        bench, tmp_path / "open", {f"{town}.md": text_of(n) for n, town in enumerate(TOWNS)}, "everyone"
    )
    add_files(bench, tmp_path / "closed", {"vault.md": SECRET}, "finance")
    with Workbench(
        bench.workspace, embedder=FakeEmbedder(), model=FakeChatModel(["I cannot say."]), reader=FakeReader()
    ) as opened:
        yield opened


def run(
    bench: Workbench, tmp_path: Path, wishes: Wishes = WISHES, named: str = "plain,rag", **more: Any
) -> Report:
    contestants = more.pop("contestants", None) or read_contestants(
        named, adapters=bench.adapters.adapters(OWNER)
    )
    return compare(bench, contestants, wishes, caller=OWNER, kept=tmp_path / "kept", **more)


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_retrieval_beats_a_model_that_knows_nothing(world: Workbench, tmp_path: Path) -> None:
    report = run(world, tmp_path)
    means = {mean.system: mean.value for mean in report.comparisons["right"].means}
    assert means == {"plain": 0.0, "rag": 1.0}
    assert report.verdict.system == "rag"


def test_evidence_is_found_by_the_path_that_the_questions_name(world: Workbench, tmp_path: Path) -> None:
    report = run(world, tmp_path)
    assert all(report.marks["rag"]["cited_right"][f"q{number}"] == 1.0 for number in range(len(TOWNS)))


def test_everything_that_was_wished_for_is_in_the_report_and_it_can_be_written(
    world: Workbench, tmp_path: Path
) -> None:
    wishes = Wishes(
        questions=QUESTIONS,
        questions_file="questions.jsonl",
        changes=tuple(read_changes(lines(tmp_path / "changes.jsonl", CHANGES))),
        access_questions=tuple(read_access_questions(lines(tmp_path / "access.jsonl", ACCESS))),
    )
    report = run(world, tmp_path, wishes)
    rag = next(one for one in report.freshness if one.system == "rag")
    assert [one.change for one in rag.outcomes] == ["c1", "c2"]
    assert rag.outcomes[0].after == "fresh"
    assert rag.outcomes[1].after != "told"
    assert all(one.leaks == 0 for one in report.leakage)
    assert next(one for one in report.leakage if one.system == "rag").served == 1
    files = write_folder(tmp_path / "out", report)
    assert read_report(files.json) == report
    assert "Belmor" in files.page.read_text()


def test_the_changes_do_not_reach_the_library(world: Workbench, tmp_path: Path) -> None:
    before = world.library.state()
    wishes = Wishes(QUESTIONS[:3], "q", changes=tuple(read_changes(lines(tmp_path / "c.jsonl", CHANGES))))
    run(world, tmp_path, wishes)
    assert world.library.state() == before


def test_the_same_comparison_asks_nothing_twice(
    world: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(world, tmp_path)
    monkeypatch.setattr("ragraft.comparison.measure_latency", lambda *_, **__: ())
    asked = len(world.model.received)  # type: ignore[attr-defined]  # of the fake
    second = run(world, tmp_path)
    assert len(world.model.received) == asked  # type: ignore[attr-defined]
    assert (second.said, second.fingerprint) == (first.said, first.fingerprint)


def test_a_model_whose_gates_failed_is_measured_and_not_chosen(
    world: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ragraft.answering.open_tuned_model", lambda *_, **__: FakeChatModel(["At 6 o'clock."])
    )
    gates = {"quality": {"passed": False, "value": -0.4, "interval": [-0.6, -0.2], "bar": -0.05}}
    folder = draft_folder(world)
    (folder / SERVED).write_bytes(b"weights")
    made = adapter("house", path=folder, gates=gates, card={"seconds": 7200.0})
    world.adapters.add(made, read_at=world.adapters.moment(), caller=OWNER)
    report = run(world, tmp_path, named="rag,tuned")
    arm = report.arms[1]
    assert (arm.adapter, arm.use.build.training_hours) == ("house", 2.0)
    assert any(one.text for one in report.said["tuned"])
    assert "tuned" in report.verdict.excluded


def test_each_time_that_a_model_was_made_in_vain_is_counted(
    world: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: FakeChatModel(["Why?"]))
    failed = {"quality": {"passed": False}}
    for days, (name, gates) in enumerate({"first": failed, "second": PASSED}.items()):
        folder = draft_folder(world, name)
        (folder / SERVED).write_bytes(b"weights")
        made = adapter(name, path=folder, gates=gates, card={"seconds": 3600.0})
        made = replace(made, made_at=made.made_at + timedelta(days=days))
        world.adapters.add(made, read_at=world.adapters.moment(), caller=OWNER)
    report = run(world, tmp_path, named="plain,tuned:second")
    assert [arm.use.tries for arm in report.arms] == [1, 2]


def test_what_was_cached_and_what_was_embedded_is_part_of_what_answers_take(
    world: Workbench, tmp_path: Path
) -> None:
    class Caching(FakeChatModel):
        def generate(self, messages: Sequence[Message], **more: Any) -> Completion:
            made = super().generate(messages, **more)
            return replace(made, usage=replace(made.usage, cached_tokens=made.usage.prompt_tokens - 10))

    with Workbench(
        world.workspace, embedder=FakeEmbedder(), model=Caching(["I cannot say."]), reader=FakeReader()
    ) as bench:
        report = run(bench, tmp_path, named="plain,rag,long_context")
    plain, rag, everything = (arm.use.answer for arm in report.arms)
    assert plain.prompt_tokens == 10
    assert 0 < plain.cached_tokens < rag.cached_tokens
    assert rag.embedding_tokens == pytest.approx(
        sum(FakeEmbedder().count_tokens([one.text for one in QUESTIONS])) / len(QUESTIONS)
    )
    assert (plain.embedding_tokens, everything.embedding_tokens) == (0, 0)


def test_a_price_that_is_missing_is_told_before_anything_else_is_measured(
    world: Workbench, tmp_path: Path
) -> None:
    prices = PriceList.model_validate(
        {"currency": "EUR", "dated": date(2026, 11, 1), "per_million_tokens": {"prompt": 1, "output": 1}}
    )
    stages: list[str] = []
    with pytest.raises(UserError, match=r"per_million_tokens\.embedding \(used by rag\)"):
        run(world, tmp_path, replace(WISHES, prices=prices), watch=Comparing(stage=stages.append))
    assert stages == ["asking all systems"]


class KnowingJudge(FakeChatModel):
    """Finds an answer right if it holds the expected one."""

    def generate(self, messages: Sequence[Message], **more: Any) -> Completion:
        prompt = messages[-1].content
        wanted = prompt.split("The expected answer is: ")[1].split("\n")[0].strip(".").removeprefix("At ")
        fits = wanted in prompt.split("<answer>")[1]
        choice = "A" if fits == ("A: it is right" in prompt) else "B"
        return Completion(f"CHOICE: {choice}", Usage(100, 3, 40), "stop")


LABELS = tuple(
    Label(
        question=f"q{at % 4}",
        answer=f"At {at % 4 + 6} o'clock." if at % 3 else "At noon.",
        right=bool(at % 3),
    )
    for at in range(24)
)


def test_a_judge_s_marks_are_a_measure_that_the_verdict_takes_no_notice_of(
    world: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragraft.comparison.measure_latency", lambda *_, **__: ())
    without = run(world, tmp_path)
    report = run(world, tmp_path, replace(WISHES, labels=LABELS), judge=KnowingJudge())
    assert report.judge is not None
    assert report.judge["kappa"] == 1.0
    assert report.marks["rag"]["judge"] == {f"q{at}": 1.0 for at in range(len(TOWNS))} | {"q-none": None}
    assert {one.system: one.value for one in report.comparisons["judge"].means} == {"rag": 1.0, "plain": 0.0}
    assert report.verdict == without.verdict
    assert report.judge["usage"]["prompt_tokens"] == 100 * report.judge["asked"]
    assert [arm.use for arm in report.arms] == [arm.use for arm in without.arms]
    files = write_folder(tmp_path / "out", report)
    assert read_report(files.json).marks == report.marks


@pytest.mark.parametrize("timed", [0, 1, 3, len(QUESTIONS) - 1])
def test_as_many_questions_are_timed_as_wished(world: Workbench, tmp_path: Path, timed: int) -> None:
    report = run(world, tmp_path, replace(WISHES, timed=timed))
    assert {one.asked for one in report.latencies} == ({timed} if timed else set())


def test_the_long_context_control_is_never_chosen(world: Workbench, tmp_path: Path) -> None:
    report = run(world, tmp_path, named="rag,plain,long_context")
    assert "it is a control" in report.verdict.excluded["long_context"]


def test_only_the_owner_compares(world: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotAllowedError):
        compare(world, {"rag": Contestant("rag")}, WISHES, caller=STRANGER, kept=tmp_path)


def test_questions_about_other_documents_are_refused(world: Workbench, tmp_path: Path) -> None:
    other = Question("q", "Why?", "So.", (), (Evidence("elsewhere.md", "So it is."),), "")
    with pytest.raises(UserError, match="none of the documents"):
        run(world, tmp_path, Wishes((other,), "questions.jsonl"))


def test_evidence_that_is_not_there_is_told(world: Workbench, tmp_path: Path) -> None:
    lost = Question("lost", "Why?", "So.", (), (Evidence("Ardane.md", "No such words."),), "")
    report = run(world, tmp_path, Wishes((*QUESTIONS, lost), "questions.jsonl"))
    assert any("evidence of 1 question" in note and "lost" in note for note in report.notes)


def test_what_is_measured_is_told_while_it_goes_on(world: Workbench, tmp_path: Path) -> None:
    stages: list[str] = []
    run(world, tmp_path, watch=Comparing(stage=stages.append))
    assert stages[0] == "asking all systems"
    assert stages[-1] == "deciding"


def test_models_that_work_together_are_opened_once_and_no_other_beside_them(
    world: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []

    def open_model(*_: object, together: bool = False, **__: object) -> FakeChatModel:
        opened.append(together)
        return FakeChatModel()

    monkeypatch.setattr("ragraft.systems.open_chat_model", open_model)
    with Workbench(world.workspace, embedder=FakeEmbedder(), reader=FakeReader()) as bench:
        answering = Answering(bench, measuring=True, together=True)
        with bench.copy() as copy:
            for one in (answering, answering.over(copy)):
                for kind in ("plain", "rag", "long_context"):
                    one.system(kind, caller=OWNER)
    assert opened == [True]
