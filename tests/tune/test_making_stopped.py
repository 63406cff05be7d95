"""A run of `ragraft tune` that was stopped is taken up where it stood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from making_world import WEIGHTS, Workshop, add_documents, questions, stop_at, teach, tune
from ragraft.access.labels import OWNER
from ragraft.errors import WorkspaceError
from ragraft.systems import Workbench
from ragraft.tune.run import Watch


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workshop:
    return Workshop(monkeypatch, tmp_path / "base")


@pytest.fixture
def taught(bench: Workbench, tmp_path: Path) -> Workbench:
    """A library with two documents, and questions of which two are made from them."""
    add_documents(bench, tmp_path / "docs")
    teach(bench, questions())
    return bench


STOPS = {
    "asking the base": ("ask base", 2),
    "before training": ("train adapter", 1),
    "in training": ("trained adapter", 1),
    "asking the tuned model": ("ask adapter", 2),
    "before the twin": ("train twin", 1),
    "in the twin": ("trained twin", 1),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_run_does_nothing_twice(taught: Workbench, shop: Workshop, stop: str) -> None:
    step, time = STOPS[stop]
    shop.before = stop_at(step, time=time)
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    tune(taught, shop.base)
    assert len(shop.asked) == len(set(shop.asked))
    assert shop.trained == ["adapter", "twin"]


@pytest.mark.parametrize("stop", [*STOPS, "asking the twin"])
def test_a_stopped_run_makes_the_adapter_of_one_that_was_not(
    taught: Workbench, shop: Workshop, stop: str
) -> None:
    whole = tune(taught, shop.base, name="whole").adapter
    step, time = STOPS.get(stop, ("ask twin", 1))
    shop.before = stop_at(step, time=time)
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    again = tune(taught, shop.base).adapter
    assert again.gates == whole.gates
    assert (Path(again.path) / WEIGHTS).read_bytes() == (Path(whole.path) / WEIGHTS).read_bytes()


def test_a_stop_while_the_twin_is_asked_trains_no_twin_again(taught: Workbench, shop: Workshop) -> None:
    shop.before = stop_at("ask twin")
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    tune(taught, shop.base)
    assert shop.trained == ["adapter", "twin"]


def test_a_registry_that_could_not_take_it_costs_no_second_training(
    taught: Workbench, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise WorkspaceError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(taught.adapters, "add", refuse)
        with pytest.raises(WorkspaceError):
            tune(taught, shop.base)
    done = len(shop.asked)
    tune(taught, shop.base)
    assert (shop.trained, len(shop.asked)) == (["adapter", "twin"], done)


def test_a_stopped_run_is_in_no_registry(taught: Workbench, shop: Workshop) -> None:
    shop.before = stop_at("ask twin")
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    assert taught.adapters.adapters(OWNER) == []


def test_other_examples_begin_a_new_run(taught: Workbench, shop: Workshop) -> None:
    shop.before = stop_at("train twin")
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    teach(taught, questions(70)[60:])
    tune(taught, shop.base)
    assert shop.trained == ["adapter", "adapter", "twin"]


def test_other_minutes_do_not_ask_the_base_again(taught: Workbench, shop: Workshop) -> None:
    shop.before = stop_at("trained adapter")
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base, minutes=500.0)
    asked = shop.count("base")
    tune(taught, shop.base, minutes=600.0)
    assert shop.count("base") == asked


@pytest.fixture
def clocked(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """Let only asking take time, ten seconds each; return what sets what happens before that."""
    now = 0.0
    monkeypatch.setattr("ragraft.tune.run.time.monotonic", lambda: now)

    def set_before(first: Callable[[str], None]) -> None:
        def before(step: str) -> None:
            nonlocal now
            first(step)
            now += 10.0 if step.startswith("ask") else 0.0

        shop.before = before

    return set_before


def test_the_answers_of_a_stopped_call_count_in_the_estimate(
    taught: Workbench, shop: Workshop, clocked: Callable[[Callable[[str], None]], None]
) -> None:
    told: list[float] = []
    watch = Watch(estimate=lambda seconds, _: told.append(seconds))
    clocked(lambda _step: None)
    tune(taught, shop.base, name="whole", watch=watch)
    clocked(stop_at("ask base", time=3))
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    tune(taught, shop.base, watch=watch)
    assert told[1] == told[0] > 60.0


def test_the_seconds_of_all_calls_are_the_runs(
    taught: Workbench, shop: Workshop, clocked: Callable[[Callable[[str], None]], None]
) -> None:
    clocked(lambda _step: None)
    whole = tune(taught, shop.base, name="whole").seconds
    clocked(stop_at("ask adapter", time=2))
    with pytest.raises(KeyboardInterrupt):
        tune(taught, shop.base)
    assert tune(taught, shop.base).seconds == whole > 0
