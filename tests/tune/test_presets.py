"""Presets: a value for each machine and method, and a source for each value."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ragraft.errors import UserError
from ragraft.tune.presets import LARGE_ON_GPU, SMALL_ON_CPU, SOURCES, Method, Preset, preset_for


def test_each_value_has_a_source() -> None:
    assert set(SOURCES) == {field.name for field in fields(Preset)} - {"name", "method"}


@pytest.mark.parametrize(("accelerator", "preset"), [(False, SMALL_ON_CPU), (True, LARGE_ON_GPU)])
def test_lora_is_the_preset_of_the_machine(accelerator: bool, preset: Preset) -> None:
    assert preset_for(accelerator=accelerator) is preset


def test_full_training_touches_every_layer() -> None:
    assert preset_for(method="full", accelerator=False).upper == 1.0


def test_qlora_on_a_gpu_has_the_rank_of_its_paper() -> None:
    assert preset_for(method="qlora", accelerator=True).rank == 64


def test_qlora_without_a_gpu_says_what_to_do() -> None:
    with pytest.raises(UserError, match="this machine has none") as caught:
        preset_for(method="qlora", accelerator=False)

    assert caught.value.hint
    assert "--method lora" in caught.value.hint


def test_unknown_method_names_those_there_are() -> None:
    unknown: Method = "dora"  # type: ignore[assignment]  # what a user may type

    with pytest.raises(UserError) as caught:
        preset_for(method=unknown, accelerator=False)

    assert caught.value.hint == "methods are lora, qlora and full"
