"""The order of learning and the share of refusals."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raft_world import FEW, question, rows_of, unanswerable

from ragraft.errors import UserError
from ragraft.raft.recipe import (
    Outcome,
    Trial,
    best_trial,
    mixed,
    outcome_of,
    raft_dataset,
    split_questions,
    sweep,
)
from ragraft.raft.rows import Rows
from ragraft.tune.run import refusals
from ragraft.tune.wording import REFUSAL
from ragraft.types import Evidence, Example, Message
from small_world import label


def row(number: int, *, refused: bool = False, group: str = "a") -> Example:
    turns = (Message("user", f"{number}?"), Message("assistant", REFUSAL if refused else f"{number}."))
    return Example(f"{'r' if refused else 'a'}{number}", "raft", turns, "g", label=label(group))


def rows(answered: int, refused: int, *, group: str = "a") -> Rows:
    return Rows(
        tuple(row(n, group=group) for n in range(answered)),
        tuple(row(n, refused=True, group=group) for n in range(refused)),
        {},
    )


NONE = rows(0, 0)


def trial(success: float, *, right: int, wrongly: int, refused: int) -> Trial:
    return Trial(success, 100, 10, Outcome(100, right, wrongly, 100, refused))


@FEW
@given(
    st.lists(
        st.tuples(st.frozensets(st.sampled_from("abcdefgh"), max_size=2), st.booleans()),
        min_size=1,
        max_size=20,
    ),
    st.floats(0, 0.6),
    st.integers(0, 5),
)
def test_no_document_is_on_both_sides(
    made: list[tuple[frozenset[str], bool]], share: float, seed: int
) -> None:
    questions = [
        question(0, id=str(n), evidence=tuple(Evidence(name, "") for name in sorted(names)))
        for n, (names, _) in enumerate(made)
    ]
    learned, held_out = split_questions(questions, share=share, seed=seed)
    documents = [{one.document for q in side for one in q.evidence} for side in (learned, held_out)]
    assert documents[0].isdisjoint(documents[1])
    assert {q.id for q in (*learned, *held_out)} == {q.id for q in questions}
    assert len(learned) + len(held_out) == len(questions)
    assert len(held_out) <= share * len(questions)


def test_a_share_is_held_out() -> None:
    learned, held_out = split_questions([question(n) for n in range(10)], share=0.3)
    assert len(held_out) == 3
    assert len(learned) == 7


@pytest.mark.parametrize(("success", "refused"), [(1.0, 0), (0.9, 10), (0.5, 90), (0.1, 100)])
def test_answers_make_up_the_share_asked_for_as_far_as_there_are_refusals(
    success: float, refused: int
) -> None:
    chosen = mixed(rows(90, 100), success=success)
    assert sum(one.id.startswith("a") for one in chosen) == 90
    assert sum(one.id.startswith("r") for one in chosen) == refused


def test_a_lower_share_only_adds_refusals() -> None:
    assert set(mixed(rows(90, 100), success=0.9)) < set(mixed(rows(90, 100), success=0.8))


@pytest.mark.parametrize("success", [0.0, -0.1, 1.01])
def test_what_is_no_share_is_refused(success: float) -> None:
    with pytest.raises(UserError):
        mixed(rows(1, 1), success=success)


def test_a_third_of_what_is_held_out_are_refusals() -> None:
    built = raft_dataset(rows(90, 100), rows(8, 10), success=0.9)
    assert [one.id[0] for one in built.dataset.held_out].count("r") == 4
    assert [one.id[0] for one in built.dataset.train].count("r") == 10


def test_rows_that_hold_no_answer_cannot_be_learned() -> None:
    none = Rows((), (row(1, refused=True),), {"it names no evidence": 7})
    with pytest.raises(UserError) as raised:
        raft_dataset(none, NONE)
    assert raised.value.hint == "it names no evidence (7)"


def test_a_data_set_carries_the_strictest_label_of_its_rows() -> None:
    both = rows(3, 0, group="a"), rows(2, 0, group="b")
    assert raft_dataset(*both).dataset.label == label()


def test_data_sets_of_other_rows_have_other_fingerprints() -> None:
    prints = {raft_dataset(rows(n, n), NONE, success=0.5).dataset.fingerprint for n in (5, 6)}
    assert len(prints) == 2


def test_what_made_no_row_is_told() -> None:
    skipped = Rows(rows(3, 0).answered, (), {"it names no evidence": 7})
    assert raft_dataset(skipped, NONE).left_out == {"it names no evidence": 7}


def test_a_sweep_measures_every_share_on_the_same_answers() -> None:
    seen: list[int] = []

    def measure(chosen: Sequence[Example]) -> Outcome:
        seen.append(sum(one.id.startswith("a") for one in chosen))
        return Outcome(0, 0, 0, 0, 0)

    trials = sweep(rows(60, 60), measure=measure, shares=(1.0, 0.75, 0.5))
    assert seen == [60, 60, 60]
    assert [(one.success, one.rows) for one in trials] == [(1.0, 60), (0.75, 80), (0.5, 120)]


def test_the_best_share_answers_and_refuses_best_within_the_bound() -> None:
    timid = trial(0.6, right=70, wrongly=25, refused=95)
    good = trial(0.8, right=65, wrongly=12, refused=70)
    bold = trial(1.0, right=68, wrongly=1, refused=10)
    assert best_trial([timid, good, bold]) == good


def test_where_all_refuse_too_much_the_least_timid_is_best() -> None:
    timid, less = (trial(share, right=9, wrongly=bad, refused=90) for share, bad in ((0.6, 97), (0.9, 27)))
    assert best_trial([timid, less]) == less


def test_of_equals_the_one_with_more_answers_is_best() -> None:
    few, many = (trial(share, right=9, wrongly=9, refused=9) for share in (0.6, 0.9))
    assert best_trial([few, many]) == many


def test_what_was_said_is_counted() -> None:
    asked = [
        (question(1), "“...” [2]\n\nIt costs 101 coins. [2]"),
        (question(2), REFUSAL),
        (question(3), "It costs 7 coins. [1]"),
        (unanswerable(), REFUSAL),
        (unanswerable(), "It costs 7 coins. [1]"),
    ]
    assert outcome_of(asked) == Outcome(3, 1, 1, 2, 1)


def test_rows_that_refuse_are_those_to_learn_later() -> None:
    built = raft_dataset(rows_of(*(question(n) for n in range(5))), NONE, success=0.5)
    later = refusals(built.dataset.train)
    assert {one.id for one in built.dataset.train if one.messages[-1].content == REFUSAL} == later
    assert later
