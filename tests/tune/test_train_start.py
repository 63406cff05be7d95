"""Training that goes on from an adapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragraft.errors import ModelError
from ragraft.tune.trained import Trained
from training_world import PRESET, run


@pytest.fixture(scope="module")
def first(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return run(tiny_base, tmp_path_factory.mktemp("first"))


def test_it_begins_with_what_the_adapter_knows(first: Trained, tiny_base: Path, tmp_path: Path) -> None:
    assert first.best
    gone_on = run(tiny_base, tmp_path, start=first.path)
    assert gone_on.looks[0].loss == pytest.approx(first.best.loss, abs=0.02)
    assert gone_on.looks[0].loss < first.looks[0].loss - 1


def test_a_higher_rank_and_scale_and_more_layers_begin_with_it_too(
    first: Trained, tiny_base: Path, tmp_path: Path
) -> None:
    assert first.best
    wider = replace(PRESET, rank=2 * PRESET.rank, alpha=PRESET.alpha, upper=1.0)
    gone_on = run(tiny_base, tmp_path, start=first.path, preset=wider)
    assert gone_on.looks[0].loss == pytest.approx(first.best.loss, abs=0.02)


def test_a_lower_rank_cannot_hold_it(first: Trained, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="learning cannot go on from"):
        run(tiny_base, tmp_path, start=first.path, preset=replace(PRESET, rank=4))


def test_fewer_layers_cannot_hold_it(first: Trained, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not trained here"):
        run(tiny_base, tmp_path, start=first.path, preset=replace(PRESET, upper=0.25))


def test_a_whole_model_is_no_adapter_to_go_on_from(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no plain LoRA adapter"):
        run(tiny_base, tmp_path, start=tiny_base)
