"""Hard negatives: passages that rank high for a question and hold no answer of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from training.reader.rows import TRAINED_ON, Row, holds_answer

from ragraft.models.files import embedder_folder

__all__ = ["mine"]

CANDIDATES = 6


def mine(rows: Sequence[Row]) -> list[list[int]]:
    """Return for each row the numbers of rows whose passages rank high for it and hold no answer of it.

    Ranked by BM25 and the embedder, joined by reciprocal rank, among the passages of the row's set.
    """
    import bm25s

    from ragraft.models.encoders import OpenVinoEmbedder

    embedder = OpenVinoEmbedder(embedder_folder())
    negatives: list[list[int]] = [[] for _ in rows]
    for name in TRAINED_ON:
        places = {row.passage: number for number, row in enumerate(rows) if row.set == name}
        passages, numbers = list(places), list(places.values())
        index = bm25s.BM25()
        index.index(bm25s.tokenize(passages, stopwords="en", show_progress=False), show_progress=False)
        asked = [number for number, row in enumerate(rows) if row.set == name and row.answerable]
        likeness = embedder.embed([rows[number].text for number in asked]) @ embedder.embed(passages).T
        for number, alike in zip(asked, likeness, strict=True):
            words = index.get_scores(
                bm25s.tokenize(rows[number].text, stopwords="en", return_ids=False, show_progress=False)[0]
            )
            ranks = sum(1 / (10 + np.argsort(np.argsort(-scores))) for scores in (words, alike))
            best = (numbers[place] for place in np.argsort(-ranks)[:60])
            negatives[number] = [one for one in best if not holds_answer(rows[one].passage, rows[number])]
            negatives[number] = negatives[number][:CANDIDATES]
        print(f"{name}: {len(passages)} passages, {len(asked)} questions", flush=True)
    return negatives
