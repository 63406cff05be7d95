"""Legs fused into one ranking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragraft.retrieve.fuse import Hit, fuse, fuse_scores

DEPTH = 100


def hits(scores: dict[int, float], *, language: str = "en", document: int | None = None) -> list[Hit]:
    return [Hit(key, score, key if document is None else document, language) for key, score in scores.items()]


def order(legs: dict[str, list[Hit]], weights: dict[str, dict[str, float]] | None = None) -> list[int]:
    return [key for key, _ in fuse_scores(legs, weights=weights or {}, depth=DEPTH)]


def test_what_both_legs_find_comes_before_what_one_does() -> None:
    legs = {"dense": hits({1: 0.9, 2: 0.8}), "lexical": hits({2: 9.0, 3: 8.0})}
    assert order(legs)[0] == 2


def test_a_leg_far_ahead_outdoes_one_that_is_undecided() -> None:
    legs = {
        "dense": hits({1: 0.502, 2: 0.501, 3: 0.5, 4: 0.5}),
        "lexical": hits({2: 20.0, 1: 2.0, 3: 2.0, 4: 1.9}),
    }
    assert order(legs)[0] == 2


def test_the_unit_of_a_legs_scores_does_not_matter() -> None:
    dense = {1: 0.3, 2: 0.9, 3: 0.5}
    lexical = {3: 7.0, 1: 6.0, 2: 1.0}
    plain = order({"dense": hits(dense), "lexical": hits(lexical)})
    scaled = order(
        {
            "dense": hits({key: 100 * score for key, score in dense.items()}),
            "lexical": hits({key: score / 50 for key, score in lexical.items()}),
        }
    )
    assert plain == scaled


def test_a_leg_of_weight_zero_does_not_move_the_ranking() -> None:
    legs = {"dense": hits({1: 0.9, 2: 0.1, 3: 0.5}), "lexical": hits({2: 9.0, 3: 5.0, 1: 1.0})}
    assert order(legs, {"en": {"dense": 0.0, "lexical": 2.0}}) == [2, 3, 1]


def test_a_passage_is_weighted_by_its_own_language() -> None:
    legs = {
        "dense": [Hit(1, 0.9, 1, "de"), Hit(2, 0.9, 2, "en"), Hit(3, 0.1, 3, "en")],
        "lexical": [Hit(3, 1.0, 3, "en"), Hit(1, 1.0, 1, "de"), Hit(2, 1.0, 2, "en")],
    }
    assert order(legs, {"de": {"dense": 0.2}})[0] == 2


def test_a_language_without_weights_counts_both_legs_alike() -> None:
    legs = {"dense": hits({1: 0.9, 2: 0.1}), "lexical": hits({2: 9.0, 1: 8.0, 3: 1.0})}
    assert order(legs, {"de": {"dense": 0.0}}) == order(legs, {"en": {"dense": 1.0, "lexical": 1.0}})


def test_the_only_passage_with_the_words_beats_the_nearest_without() -> None:
    dense = hits({key: 0.9 - key / 100 for key in range(20)})
    assert order({"dense": dense, "lexical": hits({15: 3.0})})[0] == 15


def test_a_leg_that_was_cut_off_does_not_count_the_rest_as_zero() -> None:
    lexical = hits({1: 9.0, 2: 8.9})
    dense = hits({3: 0.9, 2: 0.8, 1: 0.1})
    full = fuse_scores({"dense": dense, "lexical": lexical}, weights={}, depth=2)
    short = fuse_scores({"dense": dense, "lexical": lexical}, weights={}, depth=DEPTH)
    assert dict(full)[3] > dict(short)[3]


def test_another_good_passage_of_its_document_helps_a_passage() -> None:
    legs = {"dense": [Hit(1, 0.9, 10), Hit(2, 0.9, 20), Hit(3, 0.8, 20), Hit(4, 0.1, 30), Hit(5, 0.1, 40)]}
    assert order(legs)[0] == 2


def test_equal_scores_are_in_the_order_of_the_keys() -> None:
    assert order({"dense": hits({3: 0.5, 1: 0.5, 2: 0.5})}) == [1, 2, 3]


def test_no_hits_give_no_ranking() -> None:
    assert order({"dense": [], "lexical": []}) == []


@given(st.dictionaries(st.integers(0, 50), st.floats(-1, 1), max_size=20))
def test_every_hit_is_in_the_ranking_once(scores: dict[int, float]) -> None:
    assert sorted(order({"dense": hits(scores), "lexical": hits({7: 1.0})})) == sorted({*scores, 7})


def test_ranks_are_fused_by_their_reciprocals() -> None:
    assert dict(fuse([["a", "b"], ["b"]], weights=[1.0, 2.0], k=60)) == pytest.approx(
        {"a": 1 / 61, "b": 1 / 62 + 2 / 61}
    )


def test_equal_ranks_are_in_the_order_of_the_keys() -> None:
    assert [key for key, _ in fuse([[2, 1], [1, 2]], weights=[1, 1])] == [1, 2]


def test_a_missing_weight_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        fuse([[1], [2]], weights=[1.0])
