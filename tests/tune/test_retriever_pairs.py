"""Pairs: split by document, ranked, and told apart from other sets of pairs."""

from __future__ import annotations

import pytest

from ragraft.tune.retriever_pairs import Pair, fingerprint_of, ndcg, split_pairs

PAIRS = tuple(
    Pair(f"question {number}", f"document {number // 3}", (number,), (number + 1,)) for number in range(60)
)
TEXTS = {number: f"passage {number}" for number in range(62)}


def test_questions_of_one_document_stay_on_one_side() -> None:
    shares = split_pairs(PAIRS)
    sides = [{pair.document for pair in side} for side in (shares.train, shares.choose, shares.judge)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 20


def test_the_split_is_sixty_fifteen_twentyfive_and_loses_nothing() -> None:
    shares = split_pairs(PAIRS)
    sizes = [len(side) for side in (shares.train, shares.choose, shares.judge)]
    assert sum(sizes) == 60
    assert sizes == pytest.approx([36, 9, 15], abs=3)


@pytest.mark.parametrize(
    ("ranking", "relevant", "expected"),
    [
        ([1, 2, 3], [1], 1.0),
        ([2, 1, 3], [1], 0.6309),
        ([1, 2, 3], [1, 3], 0.9197),
        (list(range(2, 13)), [12], 0.0),
        ([], [1], 0.0),
    ],
)
def test_ndcg_is_that_of_the_definition(ranking: list[int], relevant: list[int], expected: float) -> None:
    assert ndcg(ranking, relevant) == pytest.approx(expected, abs=1e-4)


def test_the_fingerprint_changes_with_a_text() -> None:
    assert fingerprint_of(PAIRS, TEXTS) != fingerprint_of(PAIRS, TEXTS | {7: "other"})


def test_the_fingerprint_changes_with_the_recipe() -> None:
    assert fingerprint_of(PAIRS, TEXTS, "one") != fingerprint_of(PAIRS, TEXTS, "other")
