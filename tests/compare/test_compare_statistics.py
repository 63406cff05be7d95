"""What may be said of systems that answered the same questions."""

from __future__ import annotations

import pytest

from ragraft.compare.report.facts import standing
from ragraft.compare.statistics import Scores, compare_scores

DOCUMENTS = [f"d{at // 2}" for at in range(40)]


def right(count: int) -> list[bool]:
    return [at < count for at in range(40)]


def scores(**marks: list[bool] | list[float] | list[bool | None]) -> Scores:
    return Scores("right", DOCUMENTS, marks)


def test_a_system_that_is_surely_better_than_all_others_wins() -> None:
    found = compare_scores(scores(plain=right(4), rag=right(20), raft=right(40)))
    assert found.winner == "raft"


def test_the_best_of_systems_that_cannot_be_told_apart_does_not_win() -> None:
    found = compare_scores(scores(plain=right(4), rag=right(34), raft=right(36)))
    assert (found.best, found.winner) == ("raft", None)


def test_systems_that_nothing_is_surely_better_than_are_unbeaten() -> None:
    found = compare_scores(scores(plain=right(4), rag=right(34), raft=right(36)))
    assert found.unbeaten == ("raft", "rag")


def test_systems_with_one_mean_have_no_standing() -> None:
    none = compare_scores(scores(plain=right(0), rag=right(0)))
    assert [standing(none, name, margin=0.05) for name in ("plain", "rag")] == ["", ""]
    some = compare_scores(scores(plain=right(0), rag=right(1)))
    assert [standing(some, name, margin=0.05) for name in ("plain", "rag")] == ["open", "best"]


def test_means_stand_best_first() -> None:
    found = compare_scores(scores(plain=right(4), raft=right(36), rag=right(34)))
    assert [(one.system, one.value) for one in found.means] == [("raft", 0.9), ("rag", 0.85), ("plain", 0.1)]


def test_a_failure_counts_as_wrong_and_is_counted() -> None:
    failing: list[bool | None] = [None if at < 10 else True for at in range(40)]
    found = compare_scores(scores(rag=right(40), endpoint=failing))
    worst = found.means[-1]
    assert (worst.system, worst.value, worst.failed) == ("endpoint", 0.75, 10)


def test_two_questions_of_a_document_are_not_two_pieces_of_evidence() -> None:
    # 12 questions won in 6 documents: by question p = 2 / 2^12, by document 2 / 2^6.
    found = compare_scores(scores(rag=right(20), raft=right(32)))
    assert found.between("raft", "rag").p == pytest.approx(2 / 2**6)


def test_every_pair_is_corrected_for_all_of_them() -> None:
    both = compare_scores(scores(rag=right(20), raft=right(34)))
    three = compare_scores(scores(rag=right(20), raft=right(34), twin=right(34)))
    assert three.between("raft", "rag").adjusted == pytest.approx(3 * both.between("raft", "rag").adjusted)


def test_with_a_reference_only_its_pairs_are_compared_and_corrected_for() -> None:
    marks = scores(rag=right(20), raft=right(34), twin=right(34))
    found = compare_scores(marks, reference="rag")
    assert {(one.system, one.other) for one in found.differences} == {("rag", "raft"), ("rag", "twin")}
    with pytest.raises(KeyError):
        found.between("raft", "twin")


def test_a_reference_that_is_no_system_is_refused() -> None:
    with pytest.raises(KeyError):
        compare_scores(scores(rag=right(20), raft=right(34)), reference="desk")


def test_a_difference_is_the_same_from_both_sides() -> None:
    found = compare_scores(scores(rag=right(20), raft=right(34)))
    ahead, behind = found.between("raft", "rag"), found.between("rag", "raft")
    assert ahead.value == pytest.approx(-behind.value)
    assert ahead.joint == (-behind.joint[1], -behind.joint[0])
    assert (ahead.won, ahead.lost, ahead.better) == (behind.lost, behind.won, behind.worse)


def test_intervals_of_all_pairs_together_are_wider() -> None:
    one = compare_scores(scores(plain=right(4), rag=right(20), raft=right(34))).between("raft", "rag")
    assert one.joint[0] < one.interval[0] < one.interval[1] < one.joint[1]


def test_equal_answers_of_few_documents_do_not_prove_that_a_system_is_not_worse() -> None:
    found = compare_scores(scores(rag=right(30), raft=right(30)))
    assert found.not_worse_than("rag", margin=0.05) == ()


def test_equal_answers_of_many_documents_prove_that_a_system_is_not_worse() -> None:
    documents = [f"d{at}" for at in range(120)]
    marks = [at % 3 > 0 for at in range(120)]
    found = compare_scores(Scores("right", documents, {"rag": marks, "raft": marks}))
    assert found.not_worse_than("rag", margin=0.05) == ("raft",)


def test_a_better_system_is_not_worse_by_whatever_margin() -> None:
    found = compare_scores(scores(rag=right(20), raft=right(40)))
    assert found.between("raft", "rag").not_worse(margin=0.0)


def test_the_documents_in_which_two_systems_differ_are_counted() -> None:
    found = compare_scores(scores(plain=right(4), rag=right(34), raft=right(36)))
    assert (found.between("raft", "rag").differing, found.between("raft", "plain").differing) == (1, 16)


def test_too_few_documents_show_nothing_however_large_the_difference() -> None:
    documents = [f"d{at // 10}" for at in range(40)]
    found = compare_scores(Scores("right", documents, {"rag": [False] * 40, "raft": [True] * 40}))
    assert (found.winner, found.reach.smallest) == (None, None)
    assert "cannot show any difference" in found.reach.words()


def test_the_same_scores_give_the_same_comparison() -> None:
    marks = scores(rag=right(20), raft=[0.1 * (at % 7) for at in range(40)])
    assert compare_scores(marks) == compare_scores(marks)


@pytest.mark.parametrize(
    "marks", [{"rag": [True]}, {"rag": right(3), "raft": [True]}, {"rag": right(3), "raft": [1.5] * 40}]
)
def test_scores_that_cannot_be_compared_are_refused(marks: dict[str, list[bool] | list[float]]) -> None:
    with pytest.raises(ValueError, match="right: "):
        Scores("right", DOCUMENTS, marks)
