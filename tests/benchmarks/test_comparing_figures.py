"""The benchmark of the whole comparison: its figures are those of the report, and a run that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.comparing import detail_of, figures_of
from benchmarks.comparing_pace import Pace, told
from benchmarks.comparing_workspace import FACTS, READER, spread
from benchmarks.figures import Figure, Report
from benchmarks.page import refresh

from benchmarks import comparing, comparing_workspace
from making_world import Workshop
from promotion_world import arm, bare_report
from ragraft.access.labels import OWNER
from ragraft.compare import results
from ragraft.compare.results import ChangeOutcome, Damage, Freshness, Gauge, Latency, Leakage, Probe
from ragraft.compare.statistics import Scores, compare_scores
from ragraft.models.fake import FakeChatModel
from ragraft.systems import Workbench
from ragraft.types import Question, SystemCard

TOWNS = ("Ardane", "Belmor", "Corvin", "Dunwick", "Estry", "Falmer", "Gorst", "Hexley", "Ilmar", "Jorvik")
DOCUMENTS = [f"d{number}" for number in range(12)]
HANDLED = compare_scores(
    Scores("handled", DOCUMENTS, {"plain": [0.0] * 11 + [1.0], "rag": [1.0] * 9 + [0.0] * 3})
)


def outcome(kind: Any, after: Any) -> ChangeOutcome:
    return ChangeOutcome("c", kind, "Why?", knew=True, after=after, text="", seconds=None)


def probe(kind: str, *leaked: str) -> Probe:
    return Probe(kind, "Who?", "vault.md", ("everyone",), leaked, refused=False, text="")


def report() -> results.Report:
    """Return a report of two systems in which something of each kind was measured."""
    arms = [arm(name, card=SystemCard(name, "rag", "m", "0")) for name in ("plain", "rag")]
    outcomes = (outcome("update", "fresh"), outcome("update", "stale"), outcome("delete", "told"))
    damage = Damage(asked=10, before=8, after=7, lost=2, won=1)
    return replace(
        bare_report(arms, library="l"),
        comparisons={"handled": HANDLED},
        freshness=(Freshness("rag", outcomes, 0.1, 0.0, damage),),
        leakage=(Leakage("rag", (probe("opened"), probe("opened", "answer"), probe("count")), 4, 3, {}),),
        latencies=(Latency("rag", 12, None, Gauge(1.0, 2.0), 10**9),),
    )


def figures() -> dict[str, Figure]:
    return {figure.name: figure for figure in figures_of(report())}


def test_means_stand_with_their_intervals() -> None:
    found = figures()["Right, or rightly refused: rag"]
    low, high = next(one.interval for one in HANDLED.means if one.system == "rag")
    assert found.value == 0.75
    assert found.note == f"{low:.2f} to {high:.2f} with 95 %"


def test_a_difference_is_told_from_the_better_side_with_its_corrected_p() -> None:
    found = figures()["Right, or rightly refused: rag over plain"]
    assert found.value == pytest.approx(8 / 12)
    assert f"p {HANDLED.differences[0].adjusted:.2g} after Holm; 9 won, 1 lost" in found.note


def test_what_follows_changes_is_told_by_kind() -> None:
    found = figures()
    assert found["right after a change: rag"].value == pytest.approx(1 / 3)
    assert found["what was before is still said: rag"].value == 0.5
    assert found["deleted facts still told: rag"].value == 1.0
    assert found["right answers lost that no change touches: rag"].value == 2


def test_one_leak_misses_the_target_and_is_told_by_kind() -> None:
    found = figures()["leaks: rag"]
    assert (found.value, found.met) == (1, False)
    assert found.note == "opened 1 of 2, count 0 of 1"
    assert figures()["served who may know: rag"].value == 0.75


def test_the_verdict_is_kept_in_words() -> None:
    assert detail_of(report())["verdict"] == "Use rag."


def test_the_page_shows_the_verdict_over_its_figures(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("<!-- figures: comparing -->\n<!-- end -->\n")
    machine = {"processor": "P", "cores": 2, "flags": [], "memory_gb": 24, "python": "3", "load_before": 0}
    told = {"command": "c", "date": "2026-01-01T00:00:00", "seconds": 60, "machine": machine, "figures": []}
    (tmp_path / "comparing.json").write_text(json.dumps({**told, "detail": detail_of(report())}))
    refresh(page, results=tmp_path)
    assert "\n\nVerdict: Use rag.\n\n| figure" in page.read_text()


def test_latency_has_its_middle_and_its_slow_end() -> None:
    found = figures()
    assert [found[f"seconds of an answer, {share}: rag"].value for share in ("p50", "p95")] == [1.0, 2.0]


def numbered(count: int) -> list[Question]:
    return [Question(f"q{number}", "?", "", (), (), "") for number in range(count)]


def test_questions_are_taken_from_all_over_a_list() -> None:
    assert [one.id for one in spread(numbered(10), 4)] == ["q0", "q2", "q5", "q7"]
    assert spread(numbered(3), 5) == numbered(3)
    assert spread(numbered(3), None) == numbered(3)


def test_time_left_counts_from_what_an_earlier_run_had_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 0.0, 60.0])
    monkeypatch.setattr("benchmarks.comparing_pace.time.monotonic", lambda: next(clock))
    pace = Pace()
    pace.stage("asking")
    pace.steps(80, 100)
    pace.steps(90, 100)
    assert capsys.readouterr().err.endswith("asking: 90 of 100, 60 s left\n")


def test_times_are_told_as_people_say_them() -> None:
    assert [told(seconds) for seconds in (12.4, 89, 150)] == ["12 s", "89 s", "2 min"]


def opening(number: int) -> dict[str, Any]:
    town = TOWNS[number]
    return {
        "id": town,
        "question": f"When does the museum of {town} open?",
        "answer": f"{number + 6}:15",
        "evidence": [{"document": f"{town}.md", "quote": f"The museum of {town} opens at {number + 6}:15."}],
        "kind": "time",
    }


def missing(number: int) -> dict[str, Any]:
    return {
        "id": f"none-{number}",
        "question": f"Who painted wall {number} of the harbour?",
        "answer": "not in the documents",
        "kind": "unanswerable",
    }


CHANGE = {
    "id": "c1", "kind": "update", "document": "Jorvik.md", "old": "opens at 15:15", "new": "opens at 16:45",
    "question": "When does the museum of Jorvik open?", "answer_before": "15:15", "answer_after": "16:45",
}  # fmt: skip
SECRET = {
    "question": "How many silver crowns does the vault hold?", "answer": "ninety", "document": "vault.md",
    "groups_allowed": ["finance"], "groups_denied": ["everyone"],
}  # fmt: skip


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def handbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A handbook of a few towns in the place of the real one."""
    folder = tmp_path / "handbook"
    (folder / "documents").mkdir(parents=True)
    texts = {
        f"{town}.md": f"The museum of {town} opens at {at + 6}:15. Dogs stay outside."
        for at, town in enumerate(TOWNS)
    }
    texts["vault.md"] = "The vault holds ninety silver crowns."
    for name, text in texts.items():
        (folder / "documents" / name).write_text(text, encoding="utf-8")
    access = {name: ["finance" if name == "vault.md" else "everyone"] for name in texts}
    groups = {"everyone": "all", "finance": "some"}
    (folder / "access.json").write_text(json.dumps({"groups": groups, "documents": access}))
    lines(folder / "questions" / "train.jsonl", [*map(opening, range(8)), *map(missing, range(3))])
    lines(folder / "questions" / "test.jsonl", [opening(8), opening(9), missing(9)])
    lines(folder / "glossary.jsonl", [{"term": "QVX", "meaning": "the quorum of Vex"}])
    lines(folder / "changes.jsonl", [CHANGE])
    lines(folder / "access_questions.jsonl", [SECRET])
    for module in (comparing, comparing_workspace):
        monkeypatch.setattr(module, "HANDBOOK", folder)
        monkeypatch.setattr(module, "TEST", folder / "questions" / "test.jsonl")
    return folder


Run = Callable[..., Report]


@pytest.fixture
def small_run(
    bench: Workbench, handbook: Path, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The whole benchmark, in which nothing is really trained and models answer at once."""

    @contextmanager
    def opened(_root: Path) -> Iterator[Workbench]:
        yield bench

    def in_this_process(command: list[str], **_: Any) -> Any:
        comparing_workspace.make_model(Path(command[3]), command[4], **json.loads(command[5]))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(comparing_workspace, "open_library", opened)
    monkeypatch.setattr(comparing_workspace.subprocess, "run", in_this_process)
    monkeypatch.setattr("ragraft.recipe.open_base", lambda *_, **__: shop.base)
    monkeypatch.setattr("ragraft.recipe.accelerated", lambda: False)
    monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: FakeChatModel())
    root = tmp_path / "root"
    root.mkdir()
    return lambda **told: comparing.measure(root=root, **told)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """What trains; its model reads prompts as long as the real one does."""
    made = Workshop(monkeypatch, tmp_path / "base")
    (made.base.folder / "config.json").write_text(json.dumps({"max_position_embeddings": 8192}))
    return made


def test_a_small_run_makes_the_models_and_compares_all_five(
    small_run: Run, bench: Workbench, tmp_path: Path
) -> None:
    report = small_run()
    names = {figure.name for figure in report.figures}
    assert {
        f"Right, or rightly refused: {one}" for one in ("plain", "rag", "tuned", "tuned_rag", "raft")
    } <= names
    assert {"leaks: raft", "right after a change: tuned", "seconds of an answer, p50: plain"} <= names
    assert report.detail["verdict"]
    assert (tmp_path / "root" / "report" / "report.html").exists()
    recipes = {one.name: one.card["recipe"] for one in bench.adapters.adapters(OWNER)}
    assert (recipes[FACTS]["raft"], recipes[READER]["raft"], recipes[READER]["for"]) == (
        False,
        True,
        "everyone",
    )


def test_models_that_are_there_are_not_made_again(small_run: Run, shop: Workshop) -> None:
    small_run(systems="plain,raft")
    before = list(shop.trained)
    small_run(systems="plain,raft")
    assert shop.trained == before


def test_few_refusals_are_learned_by_heart_and_no_test_question(
    small_run: Run, bench: Workbench, tmp_path: Path
) -> None:
    small_run(systems="plain,tuned")
    learned = (tmp_path / "root" / f"{FACTS}.jsonl").read_text().splitlines()
    assert len(learned) == 8  # for nine answers there would be one refusal
    taught = " ".join(str(one.example.messages) for one in bench.examples.examples(OWNER))
    assert "Ardane" in taught
    assert "QVX" in taught
    assert "Jorvik" not in taught


def test_a_part_of_the_questions_makes_another_workspace() -> None:
    folders = {comparing_workspace.workspace_folder(taught).name for taught in (None, 40)}
    assert len(folders) == 2
