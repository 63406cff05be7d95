from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ragraft.errors import ModelError
from ragraft.models import network
from ragraft.models.bert import build_embedder
from ragraft.models.network import BATCH_TOKENS, LENGTH_STEP, Network, length_sorted_batches, pad
from tiny_bert import reference_vector, write_bert

SEQUENCES = [[2, 5, 6, 7, 3], [2, 3], [2, *range(5, 25), 3], [2, 9, 3], [2, 13, 14, 15, 3]]


def rows(sequences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.int32]]:
    return [np.array(ids, np.int32) for ids in sequences]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_sequence_gets_its_own_vector_whatever_runs_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(network, "BATCH_TOKENS", 32)
    folder = write_bert(tmp_path)
    found = Network(build_embedder(folder, pooling="mean"), threads=threads).run(rows(SEQUENCES * 4))
    expected = np.array([reference_vector(folder, ids) for ids in SEQUENCES * 4])
    assert (found * expected).sum(axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_callers_at_the_same_time_get_their_own_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(network, "BATCH_TOKENS", 32)
    shared = Network(build_embedder(write_bert(tmp_path), pooling="mean"), threads=threads)
    alone = shared.run(rows(SEQUENCES))
    together = np.zeros((20, *alone.shape), np.float32)

    def run(caller: int) -> None:
        together[caller] = shared.run(rows(SEQUENCES))

    callers = [threading.Thread(target=run, args=(number,)) for number in range(len(together))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert (together * alone).sum(axis=2) == pytest.approx(1, abs=1e-3)


@pytest.mark.timeout(60)
def test_a_failure_in_the_midst_leaves_every_request_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "BATCH_TOKENS", 32)
    shared = Network(build_embedder(write_bert(tmp_path), pooling="mean"), threads=2)
    fine = shared.run(rows(SEQUENCES))
    for call in range(6):
        with monkeypatch.context() as patch:
            batches = iter([pad] * call)
            patch.setattr(network, "pad", lambda given: next(batches, refuse)(given))  # noqa: B023 - used at once
            with pytest.raises(ModelError, match="no memory"):
                shared.run(rows(SEQUENCES))
    assert shared.run(rows(SEQUENCES)) == pytest.approx(fine, abs=1e-3)


def refuse(_rows: object) -> None:
    raise RuntimeError("no memory")


def test_inputs_that_the_graph_does_not_take_are_an_error(tmp_path: Path) -> None:
    shared = Network(build_embedder(write_bert(tmp_path), pooling="mean"), threads=1)
    with pytest.raises(ModelError):
        shared.run(rows(SEQUENCES), rows(SEQUENCES))


def test_batches_take_every_row_once() -> None:
    lengths = [3, 200, 17, 256, 16, 99, 1] * 40
    found = np.concatenate(list(length_sorted_batches(lengths)))
    assert sorted(found) == list(range(len(lengths)))


def test_batches_keep_to_the_token_budget() -> None:
    lengths = [1 + n * 37 % 256 for n in range(500)]
    padded = [
        len(batch) * (-(-max(lengths[row] for row in batch) // 16) * 16)
        for batch in length_sorted_batches(lengths)
    ]
    assert max(padded) <= BATCH_TOKENS


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert [list(batch) for batch in length_sorted_batches([5, BATCH_TOKENS + 1])] == [[1], [0]]


def test_rows_are_filled_with_zeros_to_the_next_step() -> None:
    padded = pad(rows([[1, 2, 3], [4]]))
    assert (padded.shape, padded.sum(), padded[1, :2].tolist()) == ((2, LENGTH_STEP), 10, [4, 0])
