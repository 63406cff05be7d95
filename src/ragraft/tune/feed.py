"""Rows as tensors; what the frozen layers make of each is computed once and kept for all epochs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragraft.tune.checkpoints import put_in_place
from ragraft.tune.plan import Row, packed
from ragraft.tune.student import Student

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BATCH_TOKENS", "Feed"]

BATCH_TOKENS = 4096
"""Tokens that are computed together where nothing is learned."""


class Feed:
    """Gives the student batches of rows."""

    def __init__(self, student: Student, rows: Sequence[Row]) -> None:
        self._student, self._rows = student, rows
        self.lengths = [len(row.ids) for row in rows]
        self._below: dict[int, Tensor] = {}

    def freeze(self, indices: Iterable[int], *, kept: Path | None = None) -> None:
        """Compute what the frozen layers make of rows; read it from the file `kept`, or write it there, if given.

        Of other rows it is forgotten. Rows are always computed in the same company, so that a resumed run has
        the very same numbers. Takes 2 bytes for each token and unit of the model's width.
        """
        import torch

        if self._student.split == 0:
            return
        ordered = sorted(indices)
        numbers = sum(self.lengths[at] for at in ordered) * self._student.width
        if kept is not None and kept.exists() and kept.stat().st_size == numbers * 2:
            whole = torch.from_file(str(kept), shared=True, size=numbers, dtype=torch.bfloat16)
            self._below = self._cut(whole, ordered)
            return
        draft = None if kept is None else kept.with_suffix(".unfinished")
        whole = torch.empty(numbers, dtype=torch.bfloat16) if draft is None else _mapped(draft, numbers)
        self._below = self._cut(whole, ordered)
        for part in packed(ordered, self.lengths, tokens=BATCH_TOKENS):
            for at, made in zip(part, self._student.below(self._tokens(part)), strict=True):
                self._below[at].copy_(made[: self.lengths[at]])
        if draft is not None and kept is not None:
            put_in_place(draft, kept)

    def batch(self, part: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return states below (or tokens, if nothing is frozen), tokens, and which are learned, all padded."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        ids = self._tokens(part)
        marks = [torch.tensor(self._rows[at].trained) for at in part]
        trained = pad_sequence(marks, batch_first=True).to(self._student.device)
        if self._student.split == 0:
            return ids, ids, trained
        states = pad_sequence([self._below[at] for at in part], batch_first=True)
        return states.to(self._student.device), ids, trained

    def _tokens(self, part: Sequence[int]) -> Tensor:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        ids = [torch.tensor(self._rows[at].ids) for at in part]
        return pad_sequence(ids, batch_first=True).to(self._student.device)

    def _cut(self, whole: Tensor, ordered: Sequence[int]) -> dict[int, Tensor]:
        """Return views of one long tensor, one of shape (length, width) for each row."""
        states, start, cut = whole.view(-1, self._student.width), 0, {}
        for at in ordered:
            cut[at] = states[start : start + self.lengths[at]]
            start += self.lengths[at]
        return cut


def _mapped(path: Path, numbers: int) -> Tensor:
    """Return a tensor that lies in a file, whose place on the disk is taken now and not when it is full."""
    import torch

    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, numbers * 2)
    return torch.from_file(str(path), shared=True, size=numbers, dtype=torch.bfloat16)
