"""Running a compiled encoder over many sequences: sorted by length, in batches, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from ragraft.errors import ModelError
from ragraft.models.processor import compile_for_processor, thread_count

if TYPE_CHECKING:
    import openvino

__all__ = ["Network", "length_sorted_batches", "pad"]

Number = TypeVar("Number", np.int32, np.float32)
Row = npt.NDArray[np.int32]

# Measured in docs/decisions/models.md. Small batches lose nothing, keep memory low, and let a question in
# between those of an ingest; lengths in steps of 16 mean few shapes, each of which the runtime prepares once.
BATCH_TOKENS = 512
LENGTH_STEP = 16


@dataclass(frozen=True, slots=True)
class Job:
    """A batch that is being computed; the request reads `inputs` where they are."""

    request: openvino.InferRequest
    rows: npt.NDArray[np.intp]
    inputs: list[npt.NDArray[np.int32 | np.float32]]


class Network:
    """A graph of models/bert.py, compiled. Threads may share one: their batches take turns.

    As many batches run at a time as there are threads, one thread each: that way none waits for another
    at the end of each layer.
    """

    def __init__(self, model: openvino.Model, *, threads: int | None = None) -> None:
        """Compile the graph; `threads` defaults to the processors this process may use.

        Raises: ModelError if the runtime refuses it.
        """
        threads = threads or thread_count()
        compiled = compile_for_processor(model, threads=threads, streams=threads)
        self.width = int(model.output(0).partial_shape[1].get_length())
        self._free: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(threads):
            self._free.put(compiled.create_infer_request())

    def run(self, *columns: Sequence[Row]) -> npt.NDArray[np.float32]:
        """Return the graph's output for each sequence, float32 of shape (sequences, width).

        `columns` are the graph's inputs but for the mask: the ids, or ids and types, of each sequence.

        Raises: ModelError if the runtime fails.
        """
        outputs = np.empty((len(columns[0]), self.width), np.float32)
        running: deque[Job] = deque()
        try:
            for rows in length_sorted_batches([len(row) for row in columns[0]]):
                mask = pad([np.ones(len(columns[0][row]), np.float32) for row in rows])
                inputs = [*(pad([column[row] for row in rows]) for column in columns), mask]
                running.append(Job(self._take(running, outputs), rows, inputs))
                running[-1].request.start_async(inputs, share_inputs=True)
            while running:
                self._collect(running, outputs)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO failed: {error}") from error
        finally:
            for job in running:
                with suppress(RuntimeError):
                    job.request.wait()
                self._free.put(job.request)
        return outputs

    def _take(self, running: deque[Job], outputs: npt.NDArray[np.float32]) -> openvino.InferRequest:
        """Return a free request; who holds some collects from them first, so that nobody waits in a circle."""
        while True:
            try:
                return self._free.get(block=not running)
            except Empty:
                self._collect(running, outputs)

    def _collect(self, running: deque[Job], outputs: npt.NDArray[np.float32]) -> None:
        job = running.popleft()
        try:
            job.request.wait()
            outputs[job.rows] = job.request.get_output_tensor().data
        finally:
            self._free.put(job.request)


def length_sorted_batches(lengths: Sequence[int]) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the row numbers of each batch: longest first, at most BATCH_TOKENS after padding.

    The largest batch comes first, so memory does not creep up, and a lack of it shows at once.
    """
    order = np.argsort(-np.array(lengths, np.int64), kind="stable")
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, BATCH_TOKENS // padded_length(lengths[order[start]]))]
        yield rows
        start += len(rows)


def pad(rows: Sequence[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """Return the rows under each other, filled with 0 up to the longest length in steps of LENGTH_STEP."""
    width = padded_length(max(len(row) for row in rows))
    padded = np.zeros((len(rows), width), rows[0].dtype)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded


def padded_length(length: int) -> int:
    """Return `length` rounded up to a multiple of LENGTH_STEP."""
    return -(-length // LENGTH_STEP) * LENGTH_STEP
