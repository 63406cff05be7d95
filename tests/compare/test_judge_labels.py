"""Labels, and how far somebody else's marks agree with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from verdict_world import question

from ragraft.compare.labels import Agreement, Label, labelled, read_labels
from ragraft.errors import UserError


def agreement(
    both_right: int, both_wrong: int, only_judge: int, only_person: int, none: int = 0
) -> Agreement:
    pairs = (
        [(True, True)] * both_right
        + [(False, False)] * both_wrong
        + [(False, True)] * only_judge
        + [(True, False)] * only_person
    )
    person = [one for one, _ in pairs] + [True] * none
    judge: list[bool | None] = [*(other for _, other in pairs), *[None] * none]
    return Agreement.of(person, judge, questions=[f"q{at}" for at in range(len(person))])


def test_kappa_by_hand() -> None:
    # 35 of 50 agree; person says yes 25 times, judge 30 times: by chance .5 * .6 + .5 * .4 = .5 agree.
    found = agreement(20, 15, 10, 5)
    assert found.kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_full_agreement_is_one_but_not_for_sure() -> None:
    found = agreement(20, 20, 0, 0)
    assert found.kappa == 1
    assert found.interval[0] < 0.9
    assert found.interval[1] == 1


def test_a_judge_that_always_says_the_same_agrees_by_chance_alone() -> None:
    found = agreement(30, 0, 20, 0)
    assert found.kappa == pytest.approx(0)
    assert "do not believe its marks" in found.words()


def test_what_the_judge_did_not_mark_is_counted_and_left_out() -> None:
    found = agreement(20, 20, 0, 0, none=7)
    assert (found.none, found.kappa) == (7, 1)


def test_labels_of_one_question_are_not_as_many_pieces_of_evidence() -> None:
    person = [True, False] * 30
    judge: list[bool | None] = [not mark if at < 12 else mark for at, mark in enumerate(person)]
    apart = Agreement.of(person, judge, questions=[str(at) for at in range(60)])
    together = Agreement.of(person, judge, questions=[str(at // 6) for at in range(60)])
    assert together.kappa == apart.kappa
    assert together.interval[0] < apart.interval[0]


@pytest.mark.parametrize("counts", [(10, 9, 0, 0), (40, 0, 0, 0), (0, 20, 20, 0)])
def test_too_few_labels_or_all_of_one_kind_say_nothing_of_a_judge(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(UserError, match="too little to know the judge by"):
        agreement(*counts)


def test_intervals_hold_the_true_kappa_as_often_as_they_say() -> None:
    # The person finds 60 % right, the judge differs from him in 15 % of either kind.
    chance = np.random.default_rng(3)
    truth = 1 - 0.15 / (0.6 * 0.43 + 0.4 * 0.57)
    held = 0
    for _ in range(300):
        person = chance.random(80) < 0.6
        judge = person ^ (chance.random(80) < 0.15)
        found = Agreement.of(person.tolist(), judge.tolist(), questions=[str(at) for at in range(80)])
        held += found.interval[0] <= truth <= found.interval[1]
    assert 0.92 <= held / 300 <= 0.99


def test_a_file_of_labels_is_read_in_order(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"question": "q1", "answer": "240 hours", "right": true, "system": "rag"}\n\n'
        '{"question": "q1", "answer": "12", "right": false, "note": "a guess"}\n'
    )
    assert read_labels(file) == [
        Label(question="q1", answer="240 hours", right=True, system="rag"),
        Label(question="q1", answer="12", right=False),
    ]


def test_every_fault_of_a_file_of_labels_is_named(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"question": "q1", "answer": "240 hours", "right": "yes"}\nno json\n{"right": true}\n')
    with pytest.raises(UserError) as caught:
        read_labels(file)
    for fault in ("line 1: right", "line 2", "line 3: question", "line 3: answer"):
        assert fault in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_no_file_and_no_labels_are_faults_of_the_user(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "labels.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError):
        read_labels(file)


def test_labels_name_questions_by_id_or_by_text() -> None:
    asked = question("q1", "How many hours?", "240")
    labels = [Label(question=name, answer="240", right=True) for name in ("q1", "How many hours?")]
    assert [one.id for one, _ in labelled(labels, [asked])] == ["q1", "q1"]


def test_labels_of_questions_that_are_not_there_are_named() -> None:
    with pytest.raises(UserError, match="'q9'"):
        labelled([Label(question="q9", answer="240", right=True)], [question("q1", "How many hours?", "240")])
