"""The whole run on a tiny encoder: what it uses, when it switches, and how it goes on after it was stopped."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ragraft.access.labels import OWNER
from ragraft.chosen import open_tuned_embedder
from ragraft.config import EmbedderSettings
from ragraft.documents.embedders import OpenTuned
from ragraft.errors import NotAllowedError, NotFoundError, UserError
from ragraft.models.bert import read_encoder
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.fake import FakeChatModel, FakeReader
from ragraft.protocols import Embedder
from ragraft.retrieve.search import HybridRetriever
from ragraft.systems import Workbench
from ragraft.tune import retriever_run
from ragraft.tune.retriever import Recipe, Step, TunedWeights
from ragraft.tune.retriever_run import Outcome, RetrieverTuning, Watcher
from ragraft.types import Evidence, Question
from ragraft.workspace import Workspace
from small_world import STRANGER, add_files
from tiny_bert import WORDS, write_bert

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs the tune extra"
)

NAMES = [word for word in WORDS if word.isalpha()][:12]
SENTENCES = ("{} orders ship in three days.", "A {} dog ran home.", "Thirty {} refunds take long.")
RECIPE = Recipe(layers=1, questions=8, negatives=1, rate=1e-3, epochs=1, blends=(1.0,))
PAGES = {
    f"{name}.md": f"# {name}\n\n" + "\n\n".join(sentence.format(name) for sentence in SENTENCES)
    for name in NAMES
}
QUESTIONS = [
    Question(
        f"{name}-{at}", sentence.format(name).rstrip(".") + " ?", "yes", (),
        (Evidence(f"{name}.md", sentence.format(name)),), "",
    )
    for name in NAMES
    for at, sentence in enumerate(SENTENCES)
]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("bert") / "tiny")


@pytest.fixture
def library(workspace: Workspace, base: Path, tmp_path: Path) -> Iterator[Workbench]:
    """A library of twelve pages, embedded by the tiny encoder."""
    embedder = OpenVinoEmbedder(base, threads=1)
    with Workbench(workspace, embedder=embedder, model=FakeChatModel(), reader=FakeReader()) as bench:
        add_files(bench, tmp_path / "pages", PAGES, "staff")
        yield bench


def folder_of(bench: Workbench) -> Path:
    return bench.workspace.state / "embedders"


def opener(bench: Workbench) -> OpenTuned:
    return partial(open_tuned_embedder, settings=EmbedderSettings(), folder=folder_of(bench))


def tuning_of(bench: Workbench, base: Path, recipe: Recipe = RECIPE) -> RetrieverTuning:
    return RetrieverTuning(
        database=bench.database,
        audit=bench.audit,
        embedder=bench.embedder,
        base=base,
        folder=folder_of(bench),
        tuned=opener(bench),
        recipe=recipe,
        threads=1,
    )


@pytest.fixture
def always_trained(monkeypatch: pytest.MonkeyPatch, base: Path) -> list[int]:
    """Let training give other weights than the base's, at once; returns a list that grows with each training."""
    trainings: list[int] = []
    changed = {
        name: array * 0.5
        for name, array in read_encoder(base)[1].items()
        if name.startswith("encoder.layer.1.output.dense")
    }

    def train(*_: Any, on_step: Callable[[Step], None], **__: Any) -> TunedWeights:
        trainings.append(1)
        on_step(Step(1, 1, 0.5, 0.0))
        return TunedWeights(changed, (0.5, 0.6), {0.0: 0.5, 1.0: 0.6}, 1.0, 1)

    monkeypatch.setattr(retriever_run, "tune_embedder", train)
    return trainings


def tune(bench: Workbench, base: Path, *, force: bool = True, **more: Any) -> Outcome:
    return tuning_of(bench, base).tune(QUESTIONS, caller=OWNER, minutes=1, force=force, **more)


def in_service(bench: Workbench, base: Path) -> str:
    return tuning_of(bench, base).spaces.collection().embedder


def found(bench: Workbench, query: str) -> str:
    search = HybridRetriever(database=bench.database, embedder=bench.embedder, tuned=opener(bench))
    try:
        return search.retrieve(query, limit=1, caller=OWNER)[0].uri
    finally:
        search.close()


def test_a_forced_run_puts_the_tuned_embedder_into_service(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    outcome = tune(library, base)
    assert (outcome.switched, outcome.pairs, outcome.unplaced) == (True, 36, ())
    assert in_service(library, base) == outcome.name != library.embedder.name
    assert found(library, QUESTIONS[0].text) in PAGES


def test_a_run_that_finds_no_more_changes_nothing(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    outcome = tune(library, base, force=False)
    assert outcome.ndcg is not None
    assert outcome.switched == outcome.ndcg.enough
    assert in_service(library, base) == (outcome.name if outcome.switched else library.embedder.name)


def test_the_base_stays_where_training_brought_nothing(library: Workbench, base: Path) -> None:
    nothing = tuning_of(library, base, replace(RECIPE, rate=0.0))
    outcome = nothing.tune(QUESTIONS, caller=OWNER, minutes=1)
    assert (outcome.switched, outcome.ndcg) == (False, None)
    assert "brought nothing" in outcome.reason
    assert not folder_of(library).exists() or list(folder_of(library).iterdir()) == []


def test_a_run_stopped_amid_the_index_does_not_train_again(
    library: Workbench, base: Path, always_trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragraft.tune.retriever_index import Spaces

    def stop(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Spaces, "check", stop)
        tune(library, base)
    outcome = tune(library, base)
    assert (len(always_trained), outcome.switched) == (1, True)


def test_back_and_forward_again_needs_no_training(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    first = tune(library, base)
    back = tuning_of(library, base).back(caller=OWNER)
    assert (back.switched, in_service(library, base)) == (True, library.embedder.name)
    assert tune(library, base).name == first.name
    assert len(always_trained) == 1


def test_there_is_nothing_to_go_back_to_before_a_switch(library: Workbench, base: Path) -> None:
    with pytest.raises(NotFoundError, match="no earlier index"):
        tuning_of(library, base).back(caller=OWNER)


def test_forgetting_deletes_the_folder_of_an_embedder_out_of_service(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    outcome = tune(library, base)
    tuning_of(library, base).back(caller=OWNER)
    assert tuning_of(library, base).forget(caller=OWNER) == [outcome.name]
    assert list(folder_of(library).iterdir()) == []


def test_a_question_without_its_evidence_is_told_with_the_reason(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    odd = [
        Question("a", "what ?", "x", (), (), ""),
        Question("b", "what ?", "x", (), (Evidence("none.md", "x"),), ""),
        Question("c", "what ?", "x", (), (Evidence("dog.md", "not there at all"),), ""),
    ]
    outcome = tuning_of(library, base).tune([*QUESTIONS, *odd], caller=OWNER, minutes=1, force=True)
    assert [one.reason for one in outcome.unplaced] == [
        "it names no evidence",
        "there is no document 'none.md'",
        "no passage of its document holds the evidence",
    ]


def test_too_few_questions_are_refused(library: Workbench, base: Path) -> None:
    with pytest.raises(UserError, match="3 questions about 1 documents can be used"):
        tuning_of(library, base).tune(QUESTIONS[:3], caller=OWNER, minutes=1)


def test_questions_that_leave_none_to_judge_by_are_refused(library: Workbench, base: Path) -> None:
    """Three documents with ten questions each fill the three shares, five with one join the largest."""
    many = [question for question in QUESTIONS[:9] for _ in range(4)]
    few = QUESTIONS[9::3][:5]
    with pytest.raises(UserError, match="none are left to judge by"):
        tuning_of(library, base).tune([*many, *few], caller=OWNER, minutes=1)


def test_the_estimate_is_of_the_whole_run_and_told_once(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    told: list[float] = []
    outcome = tune(library, base, watcher=Watcher(on_estimate=told.append))
    assert told == [outcome.estimate_seconds]
    assert told[0] > 0


def test_only_the_owner_may_tune(library: Workbench, base: Path) -> None:
    with pytest.raises(NotAllowedError):
        tuning_of(library, base).tune(QUESTIONS, caller=STRANGER, minutes=1)


def test_an_erased_document_is_noted_for_the_embedder_that_saw_it(
    library: Workbench, base: Path, always_trained: list[int]
) -> None:
    tune(library, base)
    library.eraser.erase(f"{NAMES[0]}.md", caller=OWNER)
    assert [space.erased for space in tuning_of(library, base).spaces.spaces()] == [0, 1]


def test_the_tuned_embedder_of_another_workspace_is_not_opened(tmp_path: Path) -> None:
    opened: list[Embedder | None] = [
        open_tuned_embedder(name, settings=EmbedderSettings(), folder=tmp_path)
        for name in ("all-MiniLM-L6-v2@0", "../x-tuned-1@0")
    ]
    assert opened == [None, None]
