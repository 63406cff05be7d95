"""The benchmark of drift at a scale of seconds: its shares are shares, and each size has every set."""

from __future__ import annotations

import pytest

from benchmarks import drift
from ragraft.models.fake import FakeEmbedder

pytestmark = [pytest.mark.data, pytest.mark.usefixtures("shared_data")]


def test_every_set_is_measured_at_every_size() -> None:
    report = drift.measure(embedder=FakeEmbedder(), draws=2)
    assert len(report.figures) == 4 * len(drift.SIZES)
    for figure in report.figures:
        assert 0 <= figure.value <= 1
        assert figure.reference_value is not None
        assert 0 <= figure.reference_value <= 1


def test_targets_are_for_the_larger_size_alone() -> None:
    report = drift.measure(embedder=FakeEmbedder(), draws=1)
    judged = [figure.name for figure in report.figures if figure.target is not None]
    assert [name.rpartition(", ")[2] for name in judged] == ["100 questions"] * 3
