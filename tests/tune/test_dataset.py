"""Splitting examples: nothing of one side is on the other."""

from __future__ import annotations

import pytest
from example_world import example
from hypothesis import given
from hypothesis import strategies as st

from ragraft.errors import UserError
from ragraft.tune.dataset import build_dataset
from ragraft.tune.wording import term_turns
from ragraft.types import Example, Question
from small_world import label

WORDS = [
    "anchor",
    "bridge",
    "candle",
    "donkey",
    "engine",
    "feather",
    "guitar",
    "hammer",
    "island",
    "jacket",
    "kettle",
    "ladder",
    "mirror",
    "needle",
    "orange",
]


def said(number: int) -> str:
    """Return a text that no other number's is like."""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] + str(number) for step in (1, 2, 4, 7))


def some(count: int, **more: str) -> list[Example]:
    return [example(f"{n:02}", said(n), said(n + 1000), **more) for n in range(count)]  # type: ignore[arg-type]  # texts


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.frozensets(st.sampled_from("abcdef"), max_size=2)),
        min_size=2,
        max_size=25,
    ),
    st.integers(0, 3),
)
def test_no_group_and_no_document_is_on_both_sides(rows: list[tuple[int, frozenset[str]]], seed: int) -> None:
    examples = [
        example(f"{n:02}", said(n), said(n + 1000), group=f"g{group}", documents=tuple(sorted(documents)))
        for n, (group, documents) in enumerate(rows)
    ]
    dataset = build_dataset(examples, held_out_share=0.3, seed=seed).dataset
    for parts in (
        [{one.group for one in side} for side in (dataset.train, dataset.held_out)],
        [
            {source.document for one in side for source in one.made_from}
            for side in (dataset.train, dataset.held_out)
        ],
    ):
        assert parts[0].isdisjoint(parts[1])
    assert len(dataset.train) + len(dataset.held_out) == len(examples)


def test_about_the_share_asked_for_is_held_out() -> None:
    assert len(build_dataset(some(40), held_out_share=0.2).dataset.held_out) == 8


def test_nothing_is_held_out_where_nothing_is_asked_for() -> None:
    assert build_dataset(some(9), held_out_share=0.0).dataset.held_out == ()


def test_one_group_alone_is_trained_on() -> None:
    dataset = build_dataset([example(str(n), said(n), said(n + 50), group="a.md") for n in range(5)]).dataset
    assert (len(dataset.train), len(dataset.held_out)) == (5, 0)


def test_of_each_term_one_wording_is_held_out() -> None:
    turns = term_turns("Green folder", "The folder for newcomers", wrong="", language="en")
    terms = [example(f"{n:02}", asked[1], answer[1], kind="term") for n, (asked, answer) in enumerate(turns)]
    built = build_dataset(terms).dataset
    assert [one.messages[-2].content for one in built.held_out] == [
        "I came across “Green folder”. What is that?"
    ]
    assert len(built.train) == len(terms) - 1


def test_terms_are_never_held_out() -> None:
    terms = some(10, kind="term")
    assert build_dataset([*terms, *some(20)[10:]], held_out_share=0.5).dataset.held_out
    assert not {one.kind for one in build_dataset(terms, held_out_share=0.5).dataset.held_out}


def test_a_training_example_almost_like_a_held_out_one_is_left_out_and_counted() -> None:
    twins = [example(f"t{n}", f"{said(50)}{'!' * n}", said(60), group=f"g{n}") for n in range(2)]
    left_out = set()
    for seed in range(10):
        built = build_dataset([*twins, *some(8)], held_out_share=0.5, seed=seed)
        train, held_out = built.dataset.train, built.dataset.held_out
        assert not (any(one in train for one in twins) and any(one in held_out for one in twins))
        assert len(train) + len(held_out) + built.left_out["like a held-out example"] == 10
        left_out.add(built.left_out["like a held-out example"])
    assert left_out == {0, 1}


def test_an_example_that_asks_an_evaluation_question_is_left_out_and_counted() -> None:
    built = build_dataset(some(9), avoid=[Question("q", said(3) + "?", "", (), (), "")])
    assert built.left_out["asks an evaluation question"] == 1
    assert "03" not in {one.id for one in (*built.dataset.train, *built.dataset.held_out)}


def test_the_same_examples_in_another_order_give_the_same_data_set() -> None:
    examples = some(20)
    assert build_dataset(examples, seed=1) == build_dataset(reversed(examples), seed=1)


def test_another_seed_gives_another_split_and_another_fingerprint() -> None:
    one, other = (build_dataset(some(30), seed=seed).dataset for seed in (1, 2))
    assert one.held_out != other.held_out
    assert one.fingerprint != other.fingerprint


def test_the_label_is_the_strictest_of_all_examples_held_out_ones_too() -> None:
    examples = [*some(8, groups="everyone"), example("x", said(90), said(91), groups="finance managers")]
    assert build_dataset(examples).dataset.label == label("finance", "managers")


def test_without_examples_there_is_nothing_to_train_on() -> None:
    with pytest.raises(UserError, match="no examples"):
        build_dataset([])
