from __future__ import annotations

import os
from pathlib import Path

import openvino
import pytest
from openvino import opset15 as ops

from ragraft.models import processor
from ragraft.models.processor import compile_for_processor, thread_count


def limit(monkeypatch: pytest.MonkeyPatch, path: Path, content: str | None, *, processors: int) -> None:
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(processor, "CGROUP_LIMIT", path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(processors)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, 8), ("max 100000", 8), ("250000 100000", 3), ("50000 100000", 1), ("9000000 100000", 8)],
)
def test_threads_are_the_processors_within_the_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, expected: int
) -> None:
    limit(monkeypatch, tmp_path / "cpu.max", content, processors=8)
    assert thread_count() == expected


def test_a_graph_is_compiled_for_the_threads_asked_for() -> None:
    given = ops.parameter([1, 4])
    compiled = compile_for_processor(openvino.Model([ops.relu(given)], [given], "tiny"), threads=1)
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
