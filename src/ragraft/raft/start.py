"""Where learning to read passages starts: the packaged adapter for grounded reading, for the packaged model."""

from __future__ import annotations

from pathlib import Path

from ragraft.tune.presets import Preset
from ragraft.tune.weights import read_lora_config

__all__ = ["GROUNDED", "start_for"]

GROUNDED = Path(__file__).with_name("grounded")
"""A PEFT folder, made by `training/grounded.py` from public reading sets (docs/concepts/grounded.md)."""


def start_for(base: str, preset: Preset) -> Path | None:
    """Return the adapter that learning goes on from, None if the packaged one does not fit.

    `base` is the base model's name with the fingerprint of its weights: the adapter is for the packaged model alone.
    It fits into adapters of its rank or a higher one.
    """
    config = read_lora_config(GROUNDED)
    if config is None or config.base_model_name_or_path != base:
        return None
    return GROUNDED if preset.method != "full" and preset.rank >= config.r else None
