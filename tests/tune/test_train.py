"""Training a tiny model: what it learns, what it saves, what it says."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open

from ragraft.tune.estimate import Estimate
from ragraft.tune.losses import Losses
from ragraft.tune.presets import preset_for
from ragraft.tune.student import Student
from ragraft.tune.train import Progress
from ragraft.tune.trained import Trained
from ragraft.types import Example, Message
from training_world import PRESET, run, small_dataset

EXPECTED_LORA = {0: 11.24, 6: 7.66, 12: 6.89, 18: 6.53, 23: 6.55}
EXPECTED_FULL = {0: 11.25, 6: 7.53, 12: 6.19, 18: 5.44, 23: 5.29}
"""Nats per token after so many steps. The answers' words are learned; their digits could only be guessed."""


@pytest.fixture(scope="module")
def lora(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return run(tiny_base, tmp_path_factory.mktemp("lora"))


@pytest.fixture(scope="module")
def full(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    preset = replace(preset_for(method="full", accelerator=False), rate=2e-3, looks=3)
    return run(tiny_base, tmp_path_factory.mktemp("full"), preset=preset)


def test_lora_meets_the_expected_losses(lora: Trained) -> None:
    assert {step: lora.losses[step] for step in EXPECTED_LORA} == pytest.approx(EXPECTED_LORA, abs=0.1)


def test_full_training_meets_the_expected_losses(full: Trained) -> None:
    assert {step: full.losses[step] for step in EXPECTED_FULL} == pytest.approx(EXPECTED_FULL, abs=0.2)


def test_first_look_is_the_base(lora: Trained, full: Trained) -> None:
    assert lora.looks[0].step == 0
    assert lora.looks[0].loss == pytest.approx(full.looks[0].loss, abs=0.02)


def test_adapters_sit_in_the_upper_layers_only(lora: Trained) -> None:
    with safe_open(lora.path / "adapter_model.safetensors", "np") as saved:
        layers = {int(name.split(".layers.")[1].split(".")[0]) for name in saved.keys()}  # noqa: SIM118
    assert layers == {2, 3}


def test_saved_adapter_opened_by_peft_has_the_loss_of_the_best_look(lora: Trained, tiny_base: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from ragraft.tune.masking import open_chat_encoder

    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float32, local_files_only=True)
    model = PeftModel.from_pretrained(model, str(lora.path)).eval()
    encoder = open_chat_encoder(tiny_base)
    total, count = 0.0, 0
    for example in small_dataset().held_out:
        encoded = encoder.encode(example.messages)
        with torch.no_grad():
            chances = model(input_ids=torch.tensor([encoded.ids])).logits[0].log_softmax(-1)
        for at, learned in enumerate(encoded.trained):
            if learned:
                total -= float(chances[at - 1, encoded.ids[at]])
                count += 1

    assert lora.best is not None
    assert total / count == pytest.approx(lora.best.loss, rel=0.01)


def test_fully_trained_folder_opens_as_a_model_with_its_chat_template(full: Trained) -> None:
    from transformers import AutoModelForCausalLM

    from ragraft.tune.masking import open_chat_encoder

    assert (
        AutoModelForCausalLM.from_pretrained(full.path, local_files_only=True).config.num_hidden_layers == 4
    )
    assert open_chat_encoder(full.path).encode(small_dataset().train[0].messages).turns == 1


def test_parts_of_a_step_add_up_to_the_whole_step(tiny_base: Path, tmp_path: Path, lora: Trained) -> None:
    parted = run(tiny_base, tmp_path, preset=replace(PRESET, micro_tokens=60, epochs=1))

    assert parted.losses[0] == pytest.approx(lora.losses[0], abs=0.02)


def test_without_held_out_rows_there_is_no_look(tiny_base: Path, tmp_path: Path) -> None:
    trained = run(tiny_base, tmp_path, dataset=small_dataset(held_out=0), preset=replace(PRESET, epochs=1))

    assert trained.looks == ()
    assert trained.best is None


def test_training_that_leads_nowhere_stops_early(tiny_base: Path, tmp_path: Path) -> None:
    trained = run(tiny_base, tmp_path, preset=replace(PRESET, rate=0.0, looks=6))

    assert trained.stopped_early
    assert trained.steps == 12  # the third look: two brought nothing new


def test_estimate_comes_before_the_first_step(tiny_base: Path, tmp_path: Path) -> None:
    told: list[str] = []

    def estimated(estimate: Estimate) -> None:
        told.append(f"{estimate.steps} steps")

    def progressed(_: Progress) -> None:
        told.append("a step")

    run(tiny_base, tmp_path, preset=replace(PRESET, epochs=1), on_estimate=estimated, on_progress=progressed)

    assert told == ["8 steps", *["a step"] * 8]


def test_cost_is_the_time_at_the_price_given(tiny_base: Path, tmp_path: Path) -> None:
    told: list[Estimate] = []
    preset = replace(PRESET, epochs=1)
    run(tiny_base, tmp_path, preset=preset, price_per_hour=3.6, on_estimate=told.append)

    assert told[0].cost == pytest.approx(told[0].seconds / 1000)


def test_last_progress_has_no_time_left(tiny_base: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    run(tiny_base, tmp_path, preset=replace(PRESET, epochs=1), on_progress=told.append)

    assert told[0].seconds_left > 0
    assert told[-1].seconds_left == 0


def test_replayed_examples_are_trained_on(tiny_base: Path, tmp_path: Path) -> None:
    old = small_dataset(train=120).train[60:]
    trained = run(tiny_base, tmp_path, replay=old, preset=replace(PRESET, epochs=1, replay=0.5))

    assert trained.steps == 15  # 60 of its own and 60 old ones, 8 a step


def test_course_is_saved_with_the_adapter(lora: Trained) -> None:
    told = json.loads((lora.path / "training.json").read_text())

    assert told["losses"] == list(lora.losses)
    assert "<svg" in (lora.path / "course.svg").read_text()


def test_figures_of_a_run_are_real_numbers(lora: Trained) -> None:
    assert math.isfinite(lora.tokens_per_second)
    assert lora.memory > 10_000_000
    assert lora.estimate.memory > 10_000_000


def test_what_the_base_expects_is_held_on_to_where_it_weighs_something(
    tiny_base: Path, tmp_path: Path
) -> None:
    songs = [(Message("user", f"Sing song {n}."), Message("assistant", f"La la {n}, la.")) for n in range(40)]
    old = [Example(f"song-{n}", "replay", song, group="") for n, song in enumerate(songs)]
    texts = [one.messages for one in old]

    def moved(anchor: float) -> float:
        preset = replace(PRESET, epochs=2, replay=0.5, anchor=anchor)
        out = run(tiny_base, tmp_path / str(anchor), replay=old, preset=preset).path
        before, after = (Losses(tiny_base, tuned, threads=1).of_turns(texts) for tuned in (None, out))
        return sum(abs(sum(new) - sum(now)) for new, now in zip(before, after, strict=True))

    assert moved(30.0) < 0.5 * moved(0.01)


def test_an_adapter_that_has_learned_nothing_has_not_drifted(tiny_base: Path) -> None:
    import torch

    student = Student(tiny_base, PRESET, seed=0, threads=1)
    ids = torch.arange(5, 25).reshape(2, 10)
    drift = student.drift(student.below(ids), ids, torch.ones_like(ids, dtype=torch.bool))
    assert float(drift.detach()) == pytest.approx(0.0, abs=1e-3)
