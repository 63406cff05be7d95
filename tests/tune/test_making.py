"""The whole run of `ragraft tune`: what ends in the registry, what an erasure does to it, and how long it may take."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapter_world import add_adapter
from making_world import (
    DOCUMENTS,
    STYLE,
    WEIGHTS,
    Workshop,
    add_documents,
    glossary,
    questions,
    teach,
    tune,
)
from ragraft.access.labels import OWNER
from ragraft.errors import UserError
from ragraft.systems import Workbench
from ragraft.tune.adapter_rows import ErasedSourceError
from ragraft.tune.checkpoints import claimed
from ragraft.tune.estimate import TooShortError
from ragraft.tune.making import Made
from ragraft.tune.registry import withdrawn
from ragraft.tune.run import Watch
from ragraft.tune.unfinished import training_folder
from ragraft.types import Message
from small_world import add_files, label


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workshop:
    return Workshop(monkeypatch, tmp_path / "base")


@pytest.fixture
def taught(bench: Workbench, tmp_path: Path) -> Workbench:
    """A library with two documents, and questions of which two are made from them."""
    add_documents(bench, tmp_path / "docs")
    teach(bench, questions())
    return bench


def gates_of(one: Made) -> set[str]:
    return {gate.name for gate in one.gates}


MEASURED = {"general_tasks", "context", "refusal", "general_text", "exposure", "extraction"}


def test_a_run_ends_in_the_registry(taught: Workbench, shop: Workshop) -> None:
    adapter = tune(taught, shop.base).adapter
    found = taught.adapters.find("house", caller=OWNER)
    assert found == adapter
    assert (found.base_model, found.method) == ("tiny@0", "lora")
    assert {source.document for source in found.made_from} == set(DOCUMENTS)
    assert (Path(found.path) / WEIGHTS).is_file()


def test_a_run_leaves_no_work_and_no_twin(taught: Workbench, shop: Workshop) -> None:
    tune(taught, shop.base)
    assert [path.name for path in taught.adapters_folder.iterdir()] == ["house"]


def test_every_gate_that_applies_is_on_record(taught: Workbench, shop: Workshop) -> None:
    teach(taught, glossary("Alpha", "Beta"))
    done = tune(taught, shop.base, style=STYLE)
    assert set(done.adapter.gates) == gates_of(done) == MEASURED | {"quality", "style", "terms"}


def test_without_a_glossary_and_rules_their_gates_are_not_run(taught: Workbench, shop: Workshop) -> None:
    assert gates_of(tune(taught, shop.base)) == MEASURED | {"quality"}


def test_a_glossary_alone_is_asked_in_the_wordings_held_out_and_not_for_style(
    bench: Workbench, shop: Workshop
) -> None:
    teach(bench, glossary("Alpha", "Beta", "Gamma"))
    assert gates_of(tune(bench, shop.base, style=STYLE)) == MEASURED | {"quality", "terms"}


def test_what_passes_its_gates_is_in_service(taught: Workbench, shop: Workshop) -> None:
    for example in taught.examples.trainable(OWNER):
        shop.knows[example.messages[-2].content] = example.messages[-1].content
    assert withdrawn(tune(taught, shop.base).adapter) is None


def test_what_fails_a_gate_is_out_of_service_and_the_gate_is_named(taught: Workbench, shop: Workshop) -> None:
    assert withdrawn(tune(taught, shop.base).adapter) == "it did not pass: quality"


def test_a_forced_adapter_is_in_service_and_that_is_on_record(taught: Workbench, shop: Workshop) -> None:
    adapter = tune(taught, shop.base, force=True).adapter
    assert adapter.forced
    assert adapter.gates["quality"]["passed"] is False
    assert withdrawn(adapter) is None


def test_the_shared_system_text_is_what_the_tuned_model_will_be_asked_with(
    bench: Workbench, shop: Workshop
) -> None:
    framed = [
        replace(one, messages=(Message("system", "You work at Morvelt."), *one.messages))
        for one in questions(20)
    ]
    teach(bench, framed)
    assert tune(bench, shop.base).adapter.card["system"] == "You work at Morvelt."


def test_a_document_erased_meanwhile_ends_the_run(taught: Workbench, shop: Workshop) -> None:
    def erase(step: str) -> None:
        if step == "ask twin":
            taught.eraser.erase(DOCUMENTS[0], caller=OWNER)

    shop.before = erase
    with pytest.raises(ErasedSourceError, match="was erased"):
        tune(taught, shop.base)
    assert list(taught.adapters_folder.iterdir()) == []
    assert taught.adapters.adapters(OWNER) == []


def test_a_document_relabelled_meanwhile_narrows_the_label(
    bench: Workbench, shop: Workshop, tmp_path: Path
) -> None:
    add_documents(bench, tmp_path / "docs", "staff", "finance")
    teach(bench, [replace(one, documents=(DOCUMENTS[n % 2],)) for n, one in enumerate(questions(20))])

    def relabel(step: str) -> None:
        if step == "ask twin":
            add_files(bench, tmp_path / "docs", {}, "staff")

    shop.before = relabel
    assert tune(bench, shop.base).adapter.label == label("staff")


def test_a_document_removed_meanwhile_taints_the_adapter(taught: Workbench, shop: Workshop) -> None:
    def remove(step: str) -> None:
        if step == "ask twin":
            taught.library.remove(DOCUMENTS[0], caller=OWNER)

    shop.before = remove
    assert tune(taught, shop.base).adapter.tainted_by == (f"{DOCUMENTS[0]} (removed)",)


def test_a_name_that_another_process_took_meanwhile_is_refused(taught: Workbench, shop: Workshop) -> None:
    def take(step: str) -> None:
        if step == "ask twin":
            add_adapter(taught, name="house")

    shop.before = take
    with pytest.raises(UserError, match="named house already"):
        tune(taught, shop.base)


def test_two_processes_do_not_train_under_one_name(taught: Workbench, shop: Workshop) -> None:
    with claimed(training_folder(taught.adapters_folder, "house"), "of another process"):
        with pytest.raises(UserError, match="another process is training"):
            tune(taught, shop.base)
    assert shop.asked == []


def test_what_training_is_given_and_all_else_fill_the_minutes(taught: Workbench, shop: Workshop) -> None:
    shop.fills = True
    told: list[float] = []
    tune(taught, shop.base, minutes=100.0, watch=Watch(estimate=lambda seconds, _: told.append(seconds)))
    assert told == [pytest.approx(6000.0)]


def test_without_a_budget_training_has_none(taught: Workbench, shop: Workshop) -> None:
    tune(taught, shop.base)
    assert shop.minutes == [None, None]


def test_too_few_minutes_for_the_training_are_refused_with_those_of_the_whole_run(
    taught: Workbench, shop: Workshop
) -> None:
    def refuse(step: str) -> None:
        if step == "train adapter":
            raise TooShortError("too few", hint="", minutes=200.0)

    shop.before = refuse
    with pytest.raises(UserError, match="100 minutes are too few") as refused:
        tune(taught, shop.base, minutes=100.0)
    needed = re.search(r"--minutes (\d+)", refused.value.hint or "")
    assert needed and int(needed[1]) > 2 * 200, "the twin is trained as well"


def test_too_few_minutes_are_refused_with_those_that_would_do(taught: Workbench, shop: Workshop) -> None:
    with pytest.raises(UserError, match=r"0\.1 minutes are too few") as refused:
        tune(taught, shop.base, minutes=0.1)
    needed = re.search(r"--minutes (\d+)", refused.value.hint or "")
    assert needed
    tune(taught, shop.base, minutes=float(needed[1]))
    assert shop.trained == ["adapter", "twin"]
