"""The script that makes the adapter for grounded reading: what does not need a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from raft_world import question, rows_of
from training.grounded import read_rows, write_rows

from ragraft.errors import UserError
from ragraft.raft.rows import Rows

MADE = rows_of(*(question(n) for n in range(4)))


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", MADE)
    assert read_rows(tmp_path / "rows.jsonl") == Rows(MADE.answered, MADE.refused, {}, {})


def test_rows_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        read_rows(tmp_path / "none.jsonl")
