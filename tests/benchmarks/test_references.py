"""The references must be right themselves, or a ratio to them says nothing."""

from __future__ import annotations

import numpy as np
from benchmarks.ground import Ground, Text
from benchmarks.rankings import Bm25s, best_passages, nearest, paired_interval, plain_rrf
from benchmarks.retrieval import part_of


def test_plain_fusion_prefers_what_both_legs_rank_high() -> None:
    assert plain_rrf([["a", "b", "c"], ["b", "d", "a"]])[0] == "b"


def test_bm25s_leaves_out_texts_without_a_word_of_the_query() -> None:
    ranking = Bm25s(["red apples grow", "blue whales swim", "green pears grow"], language="en").rank(
        ["apples"]
    )
    assert ranking == [[0]]


def test_bm25s_stems_german() -> None:
    ranking = Bm25s(["Die Häuser stehen", "Der Wagen fährt"], language="de").rank(["Haus und Häuser"])
    assert ranking[0][0] == 0


def test_nearest_ranks_by_inner_product() -> None:
    texts = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    assert nearest(texts, np.array([[0.0, 1.0]], np.float32)) == [[1, 2, 0]]


def test_a_document_ranks_at_its_best_passage() -> None:
    assert best_passages([3, 1, 2], {1: "a", 2: "b", 3: "b"}) == ["b", "a"]


def test_the_interval_of_a_constant_difference_is_that_difference() -> None:
    ours, theirs = [0.75, 0.5, 1.0], [0.5, 0.25, 0.75]
    assert paired_interval(ours, theirs, clusters=["a", "b", "b"]) == (0.25, 0.25)


def test_the_interval_is_wider_where_questions_come_in_clusters() -> None:
    random = np.random.default_rng(2)
    by_cluster = np.repeat(random.normal(size=20), 10)
    alone = paired_interval(by_cluster, np.zeros(200), clusters=range(200))
    together = paired_interval(by_cluster, np.zeros(200), clusters=[n // 10 for n in range(200)])
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_a_part_of_a_collection_keeps_what_is_relevant_to_its_queries() -> None:
    ground = Ground(
        "g",
        "en",
        tuple(Text(str(n), "", "text") for n in range(10)),
        {str(n): "query" for n in range(10)},
        {str(n): {str(9 - n): 1} for n in range(10)},
    )
    part = part_of(ground, queries=2, documents=3)
    assert list(part.queries) == ["0", "5"]
    assert [document.id for document in part.documents] == ["0", "4", "9"]
