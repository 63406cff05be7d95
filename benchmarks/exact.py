"""What a search would find if it compared everything: worked out in memory from what the database holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from ragraft.access.labels import OWNER
from ragraft.retrieve import search
from ragraft.retrieve.lexical import idf, query_terms
from ragraft.systems import Workbench
from ragraft.types import Vectors

__all__ = ["Everything", "recall", "without_bounds"]

Scores = NDArray[np.float32]


class Everything:
    """All passages of a library, with exact scores for each; rows are in the order of `ids`."""

    def __init__(self, bench: Workbench) -> None:
        with bench.database.transaction(OWNER, read_only=True) as connection:
            rows = connection.execute(
                "select v.id, v.label, v.language, v.vector, t.weights from chunk_vector v"
                " join chunk_terms t on (t.collection, t.document, t.id) = (v.collection, v.document, v.id)"
                " order by v.id"
            ).fetchall()
            labels = connection.execute("select id, groups from label").fetchall()
        self.ids = [row[0] for row in rows]
        self.row_of = {key: row for row, key in enumerate(self.ids)}
        self.vectors: Vectors = np.stack([row[3].to_numpy() for row in rows]).astype(np.float32)
        self._labels = np.array([row[1] for row in rows])
        self._groups = {label: frozenset(groups) for label, groups in labels}
        self._languages = np.array([row[2] for row in rows])
        terms = np.concatenate([np.array(row[4].indices(), np.int64) + 1 for row in rows])
        of = np.repeat(np.arange(len(rows)), [len(row[4].indices()) for row in rows])
        weights = np.concatenate([np.array(row[4].values(), np.float32) for row in rows])
        order = np.argsort(terms, kind="stable")
        self._rows, self._weights = of[order], weights[order]
        found, starts = np.unique(terms[order], return_index=True)
        ends = [*starts[1:], len(order)]
        self._spans = {int(term): (int(a), int(b)) for term, a, b in zip(found, starts, ends, strict=True)}

    def visible(self, groups: frozenset[str] | None) -> NDArray[np.bool_]:
        """Return which passages a caller of these groups may read; None is the owner."""
        if groups is None:
            return np.ones(len(self.ids), bool)
        readable = [label for label, those in self._groups.items() if those & groups]
        return np.isin(self._labels, readable)

    def dense(self, vector: Vectors, visible: NDArray[np.bool_]) -> Scores:
        """Return the inner product with each passage, as halves like the database; hidden ones -inf."""
        query = HalfVector(vector).to_numpy().astype(np.float32)
        return np.where(visible, self.vectors @ query, -np.inf).astype(np.float32)

    def lexical(self, query: str, visible: NDArray[np.bool_]) -> Scores:
        """Return the BM25 score of each passage, every term of the query counted; hidden ones -inf."""
        languages = Counter(self._languages[visible].tolist())
        scores = np.zeros(len(self.ids), np.float32)
        for language, terms in query_terms(query, languages=languages).items():
            for term, count in terms.items():
                start, end = self._spans.get(term, (0, 0))
                rows = self._rows[start:end]
                having = int(visible[rows].sum())
                if having:
                    scores[rows] += count * idf(languages[language], having) * self._weights[start:end]
        return np.where(visible & (scores > 0), scores, -np.inf).astype(np.float32)


def recall(found: Sequence[int], scores: Scores, everything: Everything, *, limit: int = 10) -> float | None:
    """Return the share of the `limit` best that was found; None if there are none.

    A passage that scores as high as the last of the best is as good as it.
    """
    best = np.sort(scores[np.isfinite(scores)])[::-1][:limit]
    if not len(best):
        return None
    enough = best[-1] - 1e-4 * abs(best[-1])
    good: int = sum(bool(scores[everything.row_of[key]] >= enough) for key in found[:limit])
    return float(min(1.0, good / len(best)))


@contextmanager
def without_bounds() -> Iterator[None]:
    """Make the search itself exact inside the block: no graph, no limit on terms or candidates."""
    endless = 10**9
    with ExitStack() as patches:
        for bound in ("EXACT_ALWAYS", "QUERY_TERMS", "CANDIDATES", "MOST_CANDIDATES"):
            patches.enter_context(mock.patch.object(search, bound, endless))
        yield
