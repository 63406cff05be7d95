"""Where learning to read passages starts: the packaged adapter for grounded reading, for the packaged model."""

from __future__ import annotations

from pathlib import Path

from ragraft.models.files import CHAT_MODEL_NAME
from ragraft.tune.presets import Preset
from ragraft.tune.weights import read_lora_config

__all__ = ["GROUNDED", "start_for"]

GROUNDED = Path(__file__).with_name("grounded")
"""A PEFT folder, made by `training/grounded.py` from public reading sets (docs/concepts/grounded.md)."""


def start_for(base: str, preset: Preset) -> Path | None:
    """Return the adapter that a model learns on from, by the base's name; None if there is none that fits.

    It is for the packaged model alone, and goes on within adapters of its rank or a higher one.
    """
    config = read_lora_config(GROUNDED)
    fits = config is not None and preset.method != "full" and preset.rank >= config.r
    return GROUNDED if fits and base == CHAT_MODEL_NAME else None
