"""The adapter that learning to read goes on from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
from ragraft.raft.start import GROUNDED, start_for
from ragraft.tune.export import ADAPTER_WEIGHTS, base_name
from ragraft.tune.presets import SMALL_ON_CPU, Preset, preset_for
from ragraft.tune.weights import tensors_of

PACKAGED = base_name(chat_model_file(), name=CHAT_MODEL_NAME)


@pytest.mark.parametrize("accelerator", [False, True])
def test_the_packaged_model_goes_on_from_it(accelerator: bool) -> None:
    assert start_for(PACKAGED, preset_for(accelerator=accelerator)) == GROUNDED


def test_its_layers_are_trained_on_a_cpu() -> None:
    layers = {int(name.split(".layers.")[1].split(".")[0]) for name in tensors_of(GROUNDED)}
    assert min(layers) >= 30 * (1 - SMALL_ON_CPU.upper)


@pytest.mark.parametrize(
    ("base", "preset"),
    [
        ("another@0", SMALL_ON_CPU),
        (f"{CHAT_MODEL_NAME}@0", SMALL_ON_CPU),
        (PACKAGED, replace(SMALL_ON_CPU, rank=8)),
        (PACKAGED, preset_for(method="full", accelerator=False)),
    ],
    ids=["another model", "other weights", "a lower rank", "all weights"],
)
def test_nothing_else_does(base: str, preset: Preset) -> None:
    assert start_for(base, preset) is None


def test_it_is_small() -> None:
    assert (GROUNDED / ADAPTER_WEIGHTS).stat().st_size < 12_000_000


def test_its_card_shows_that_it_reads_better_than_the_untuned_model() -> None:
    measured = json.loads((GROUNDED / "card.json").read_text())["measured"]
    for name in ("covid-qa", "selqa"):
        untuned, tuned = measured[f"{name}, untuned"], measured[f"{name}, tuned"]
        assert tuned["right"] > untuned["right"]
        assert tuned["right_passage_cited"] > untuned["right_passage_cited"]
