"""`ragraft tune`: what is printed, and what it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from making_world import (
    DOCUMENTS,
    WEIGHTS,
    Workshop,
    add_documents,
    glossary,
    questions,
    stop_at,
    taught,
    teach,
)
from ragraft.access.labels import OWNER
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.tune.checkpoints import claimed
from ragraft.tune.unfinished import training_folder
from ragraft.workspace import find_workspace

Run = Callable[..., Any]


@contextmanager
def here() -> Iterator[Workbench]:
    """Open the workspace of the current folder beside the command."""
    made = partial(Workbench, embedder=FakeEmbedder(), model=FakeChatModel())
    with made(find_workspace(None)) as bench:
        yield bench


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workshop:
    """What trains, and a machine without a GPU."""
    shop = Workshop(monkeypatch, tmp_path / "base")
    monkeypatch.setattr("ragraft.recipe.open_base", lambda *_, **__: shop.base)
    monkeypatch.setattr("ragraft.recipe.accelerated", lambda: False)
    return shop


@pytest.fixture
def ready(ragraft: Run, shop: Workshop, tmp_path: Path) -> Run:
    """The command line in a workspace with two documents and questions, two of them made from these."""
    ragraft("init")
    with here() as bench:
        add_documents(bench, tmp_path / "docs")
        teach(bench, questions())
    return ragraft


def learn_all(shop: Workshop) -> None:
    """Have the tuned model know every answer, so that its gates pass."""
    with here() as bench:
        for example in bench.examples.trainable(OWNER):
            shop.knows[example.messages[-2].content] = example.messages[-1].content


def err(ragraft: Run) -> str:
    return str(ragraft.err)  # type: ignore[attr-defined]  # set by each call


def test_without_the_twin_the_gates_of_memory_are_not_passed(ragraft: Run, shop: Workshop) -> None:
    ragraft("init")
    with here() as bench:
        teach(bench, questions())
    found = ragraft("tune", "--no-twin", "--json", code=3)
    assert shop.trained == ["adapter"]
    assert {name: found["gates"][name]["passed"] for name in ("exposure", "extraction")} == {
        "exposure": None,
        "extraction": None,
    }
    assert ragraft("adapters", "show", "tuned", "--json")["training"]["recipe"]["twin"] is False


def test_json_has_the_gates_and_nothing_else_is_printed(ready: Run, shop: Workshop) -> None:
    learn_all(shop)
    found = ready("tune", "--name", "house", "--json")
    gates = found.pop("gates")
    assert set(found) == {"name", "path", "method", "seconds", "estimate_seconds", "tokens_per_second"}
    assert (found["name"], found["method"]) == ("house", "lora")
    assert (Path(found["path"]) / WEIGHTS).is_file()
    assert "quality" in gates
    assert all(set(gate) == {"passed", "value", "interval", "bar"} for gate in gates.values())


def test_what_goes_on_is_told_on_standard_error(ready: Run, shop: Workshop) -> None:
    learn_all(shop)
    ready("tune", "--json")
    told = err(ready)
    assert "54 examples to train on, 6 held out" in told
    assert "this will take" in told
    assert told.index("asking the base") < told.index("training the twin")


def test_a_model_that_passes_is_in_service(ready: Run, shop: Workshop) -> None:
    learn_all(shop)
    assert "It is in service, usable by: owner only" in ready("tune", "--name", "house")
    assert ready("adapters", "show", "house", "--json")["in_service"] is True


def test_a_model_that_fails_ends_with_3_and_the_gates_are_named(ready: Run) -> None:
    told = ready("tune", "--name", "house", code=3)
    assert "It is not in service: it did not pass: quality." in told
    assert ready("adapters", "show", "house", "--json")["in_service"] is False


def test_a_model_that_fails_is_told_of_in_json_all_the_same(ready: Run) -> None:
    found = ready("tune", "--name", "house", "--json", code=3)
    assert found["gates"]["quality"]["passed"] is False


def test_a_failure_is_shown_by_its_words_and_they_are_not_kept(ready: Run) -> None:
    with here() as bench:
        teach(bench, glossary("Alpha", "Beta", "Gamma", "Delta", "Epsilon"))
    assert "terms: Epsilon" in ready("tune", "--name", "house", code=3)
    assert "Epsilon" not in json.dumps(ready("adapters", "show", "house", "--json"))


def test_force_lets_it_be_used_and_is_on_record(ready: Run) -> None:
    told = ready("tune", "--name", "house", "--force")
    assert "It is in service although it failed gates, for you forced it" in told
    shown = ready("adapters", "show", "house", "--json")
    assert (shown["forced"], shown["in_service"]) == (True, True)


def test_the_card_shows_what_it_was_made_from(ready: Run) -> None:
    ready("tune", "--name", "house", "--force")
    shown = ready("adapters", "show", "house", "--json")
    assert [one["document"] for one in shown["documents"]] == sorted(DOCUMENTS)


def test_models_without_a_name_are_numbered(ready: Run) -> None:
    names = [ready("tune", "--force", "--json")["name"] for _ in range(2)]
    assert names == ["tuned", "tuned-2"]


def test_a_name_that_is_taken_is_refused_before_anything_is_asked(ready: Run, shop: Workshop) -> None:
    ready("tune", "--name", "house", "--force")
    asked = len(shop.asked)
    ready("tune", "--name", "house", code=2)
    assert "there is an adapter named house already" in err(ready)
    assert len(shop.asked) == asked


def test_a_name_that_is_no_name_is_refused(ready: Run) -> None:
    ready("tune", "--name", "../house", code=2)
    assert "cannot be the name of an adapter" in err(ready)


def test_two_processes_do_not_train_under_one_name(ready: Run) -> None:
    with here() as bench, claimed(training_folder(bench.adapters_folder, "house"), "other"):
        ready("tune", "--name", "house", code=2)
    assert "another process is training" in err(ready)


def test_without_examples_it_says_how_to_add_some(ragraft: Run, shop: Workshop) -> None:
    ragraft("init")
    ragraft("tune", code=2)
    assert "no examples to train on" in err(ragraft)
    assert "ragraft examples add FILE" in err(ragraft)


def test_only_the_owner_tunes(ready: Run) -> None:
    ready("tune", "--as-group", "everyone", code=2)
    assert "only the owner" in err(ready)


def test_a_model_behind_an_address_cannot_be_tuned(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGRAFT_MODEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RAGRAFT_MODEL_NAME", "large")
    ready("tune", code=2)
    assert "ragraft tune --base FOLDER" in err(ready)


def test_a_model_behind_an_address_needs_a_base_of_its_own(
    ready: Run, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGRAFT_MODEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RAGRAFT_MODEL_NAME", "large")
    ready("tune", "--name", "house", "--base", shop.base.folder, "--force")
    assert shop.trained == ["adapter", "twin"]


def test_qlora_without_a_gpu_is_refused(ready: Run) -> None:
    ready("tune", "--method", "qlora", code=2)
    assert "qlora needs a GPU" in err(ready)


def test_too_few_minutes_are_refused_with_those_that_would_do(ready: Run) -> None:
    ready("tune", "--minutes", "0.1", code=2)
    assert "0.1 minutes are too few" in err(ready)
    assert "allow --minutes 2 or more" in err(ready)


def test_minutes_are_of_the_whole_run(ready: Run, shop: Workshop) -> None:
    shop.fills = True
    found = ready("tune", "--minutes", "50", "--force", "--json")
    assert found["estimate_seconds"] == pytest.approx(50 * 60, abs=0.1)


def test_for_a_group_only_what_it_may_read_is_trained_on(ready: Run) -> None:
    ready("tune", "--name", "house", "--for", "everyone", "--force")
    shown = ready("adapters", "show", "house", "--json", "--as-group", "everyone")
    assert shown["training"]["examples"] + shown["training"]["held_out"] == len(DOCUMENTS)


def test_for_a_group_that_may_read_nothing_there_is_nothing_to_train_on(ragraft: Run, shop: Workshop) -> None:
    ragraft("init")
    with here() as bench:
        teach(bench, questions(5))
    ragraft("tune", "--for", "staff", code=2)
    assert "there are no examples that staff may read to train on" in err(ragraft)


def test_an_evaluation_question_is_left_out_and_counted(ready: Run, tmp_path: Path) -> None:
    avoid = tmp_path / "test.jsonl"
    asked, told = taught(7).messages
    avoid.write_text(json.dumps({"id": "q1", "question": asked.content, "answer": told.content}))
    ready("tune", "--avoid", avoid, "--force")
    assert "left out: 1, asks an evaluation question" in err(ready)


@pytest.mark.parametrize("given", ["option", "setting"])
def test_rules_of_house_style_make_a_gate(
    ready: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    rules = tmp_path / "style.toml"
    rules.write_text('[[rules]]\nname = "brief"\ncheck = "max_words"\nmost = 50\n')
    if given == "setting":
        monkeypatch.setenv("RAGRAFT_TUNE_STYLE", str(rules))
    options = ["--style", rules] if given == "option" else []
    assert "style" in ready("tune", *options, "--force", "--json")["gates"]


def test_ctrl_c_stops_and_the_same_command_takes_it_up(ready: Run, shop: Workshop) -> None:
    shop.before = stop_at("ask adapter")
    ready("tune", "--name", "house", "--force", code=130)
    ready("tune", "--name", "house", "--force")
    assert shop.trained == ["adapter", "twin"]
    assert len(shop.asked) == len(set(shop.asked))


def test_a_document_erased_meanwhile_ends_the_run(ready: Run, shop: Workshop) -> None:
    def erase(step: str) -> None:
        if step == "ask twin":
            with here() as bench:
                bench.eraser.erase(DOCUMENTS[0], caller=OWNER)

    shop.before = erase
    ready("tune", "--name", "house", code=2)
    assert "was erased while the adapter was made" in err(ready)
    assert ready("adapters", "list", "--json") == []


def test_what_a_tuned_model_was_made_of_is_in_the_audit(ready: Run) -> None:
    ready("tune", "--name", "house", "--force")
    (entry,) = ready("audit", "show", "--limit", "1", "--json")
    assert (entry["action"], entry["detail"]["adapter"]) == ("adapter added", "house")
    assert not any(name in json.dumps(entry) for name in DOCUMENTS)
