"""OpenVINO on this processor: how many threads, in which precision."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragraft.errors import ModelError
from ragraft.models.signal_stack import kept_signal_stack

if TYPE_CHECKING:
    import openvino

__all__ = ["compile_for_processor", "precision", "thread_count"]

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def thread_count() -> int:
    """Return how many processors this process may use.

    Counts its affinity and, in a container, the quota of its control group: more threads than that
    throttle each other.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CGROUP_LIMIT.read_text().split()
        return max(1, min(affinity, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no control group, or no limit in it ("max")
        return affinity


def precision() -> Literal["bf16", "f32"]:
    """Return bf16 where the processor multiplies in it, else f32."""
    import openvino

    with kept_signal_stack():
        fast = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if fast else "f32"


def compile_for_processor(model: openvino.Model, *, threads: int, streams: int = 1) -> openvino.CompiledModel:
    """Return `model` compiled for the CPU, in bf16 where the processor multiplies in it, else in f32.

    `streams` is how many requests may run at the same time, sharing the `threads` among them. Threads are
    not bound to processors: one that is would wait whenever PostgreSQL or another process has its own.

    Raises: ModelError if the runtime refuses the model.
    """
    import openvino

    with kept_signal_stack():
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": precision(),
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,
        }
        try:
            return core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot compile the model: {error}") from error
