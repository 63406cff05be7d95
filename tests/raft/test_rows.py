"""RAFT's rows: what stands in the prompt, what is said to it, and who may see it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raft_world import (
    EVERYONE,
    FEW,
    LIBRARY,
    THINGS,
    fee,
    labels,
    passage,
    question,
    quotes,
    rows_of,
    rule,
    said,
    search,
    shown,
    unanswerable,
)

from ragraft.answer.prompt import SYSTEM, Budget
from ragraft.errors import ModelError
from ragraft.models.fake import FakeChatModel
from ragraft.tune.likeness import pieces_of
from ragraft.tune.wording import REFUSAL
from ragraft.types import Evidence, Example, Passage, Question, Source
from small_world import label

numbers = st.integers(0, len(THINGS) - 1)
seeds = st.integers(0, 1000)


def one(rows: tuple[Example, ...]) -> Example:
    (row,) = rows
    return row


def only_reason(*questions: Question, **changed: object) -> str:
    """Return why questions made no row at all."""
    rows = rows_of(*questions, **changed)
    assert rows.examples == ()
    (reason,) = rows.skipped
    return reason


@FEW
@given(numbers, seeds)
def test_every_quote_stands_in_the_passage_that_it_names(number: int, seed: int) -> None:
    row = one(rows_of(question(number), seed=seed).answered)
    [(words, cited)] = quotes(row)
    assert words == fee(number)
    assert words in shown(row)[cited - 1]


@FEW
@given(numbers, seeds)
def test_a_row_without_an_oracle_holds_nothing_of_it(number: int, seed: int) -> None:
    row = one(rows_of(question(number), seed=seed).refused)
    assert said(row) == REFUSAL
    assert fee(number) not in row.messages[-2].content
    assert f"{100 + number}" not in row.messages[-2].content


@FEW
@given(numbers, seeds, st.sampled_from(["shout", "tail", "shorter", "headed"]))
def test_no_near_duplicate_of_the_oracle_is_a_distractor(number: int, seed: int, form: str) -> None:
    text = rule(number).chunk.text
    copies = {
        "shout": passage(text.upper(), uri="copy.md"),
        "tail": passage(f"{fee(number)} This is an older copy, kept for the auditors.", uri="copy.md"),
        "shorter": passage(text[: len(text) * 2 // 3], uri="copy.md"),
        "headed": passage("See the heading.", uri="copy.md", context=fee(number)),
    }
    rows = rows_of(question(number), library=[*LIBRARY, copies[form]], seed=seed)
    assert all(Source("copy.md", 2) not in row.made_from for row in rows.examples)


def test_a_passage_that_overlaps_the_oracle_is_no_distractor() -> None:
    oracle = rule(3)
    over = passage("and the keeper signs for it.", uri=oracle.uri, start=oracle.chunk.end - 5)
    rows = rows_of(question(3), library=[*LIBRARY, over])
    assert not any("signs for it" in row.messages[-2].content for row in rows.examples)


def test_a_passage_that_says_the_answer_otherwise_is_no_distractor_where_there_is_no_oracle() -> None:
    other = passage("Of the donkey: 103 coins, in the list of prices.", uri="list.md")
    rows = rows_of(question(3), library=[*LIBRARY, other])
    assert not any("list of prices" in text for text in shown(one(rows.refused)))


@FEW
@given(numbers, seeds)
def test_passages_stand_in_the_order_of_the_search(number: int, seed: int) -> None:
    found = [hit.chunk.text for hit in search(LIBRARY)(question(number).text, len(LIBRARY))]
    for row in rows_of(question(number), seed=seed).examples:
        ranks = [next(at for at, text in enumerate(found) if text in block) for block in shown(row)]
        assert ranks == sorted(ranks)


def test_there_are_as_many_passages_as_at_serving_time_give_or_take_two() -> None:
    rows = [rows_of(question(1), seed=seed, passages=4) for seed in range(60)]
    assert {len(shown(row)) for found in rows for row in found.examples} == {2, 3, 4, 5, 6}


def test_distractors_are_what_the_search_finds_first() -> None:
    first = search(LIBRARY)(question(2).text, 8)
    for seed in range(20):
        row = one(rows_of(question(2), seed=seed).answered)
        found = {source.document for source in row.made_from}
        assert found == {hit.uri for hit in first[: len(found)]} | {"candle.md"}


@FEW
@given(st.permutations(range(len(THINGS))), seeds)
def test_the_same_seed_gives_the_same_rows_whatever_else_is_asked(order: list[int], seed: int) -> None:
    together = rows_of(*map(question, order), seed=seed).examples
    alone = [row for number in order for row in rows_of(question(number), seed=seed).examples]
    assert {row.id for row in together} == {row.id for row in alone}


def test_another_seed_gives_other_rows() -> None:
    assert one(rows_of(question(1), seed=1).answered) != one(rows_of(question(1), seed=2).answered)


def test_the_prompt_is_that_of_serving() -> None:
    row = one(rows_of(question(1)).answered)
    assert [turn.role for turn in row.messages] == ["system", "user", "assistant"]
    assert row.messages[0].content == SYSTEM
    assert row.messages[1].content.endswith(f"Question: {question(1).text}")


def misses(query: str, limit: int) -> list[Passage]:
    """Find everything but what answers question 5, unless its words are looked for."""
    return [hit for hit in search(LIBRARY)(query, limit) if "Whoever" in query or hit.uri != "guitar.md"]


def test_an_oracle_that_the_search_misses_is_looked_up_and_put_in() -> None:
    assert quotes(one(rows_of(question(5), retrieve=misses).answered))[0][0] == fee(5)


def test_an_oracle_that_the_search_misses_stands_in_every_place() -> None:
    rows = [one(rows_of(question(5), retrieve=misses, seed=seed).answered) for seed in range(120)]
    places = Counter((len(shown(row)), quotes(row)[0][1]) for row in rows)
    assert set(places) == {(length, place) for length in range(3, 8) for place in range(1, length + 1)}


def test_evidence_that_is_cut_by_the_border_of_two_passages_is_skipped() -> None:
    text = rule(4).chunk.text
    halves = [passage(text[:30], uri="feather.md"), passage(text[30:], uri="feather.md", start=30)]
    others = [hit for hit in LIBRARY if hit.uri != "feather.md"]
    assert only_reason(question(4), library=[*others, *halves]).startswith("no passage holds its evidence")


def test_a_question_without_evidence_is_skipped() -> None:
    assert only_reason(question(4, evidence=())) == "it names no evidence"


def test_evidence_with_a_link_is_not_quoted() -> None:
    text = "Whoever borrows the [donkey](https://fees.example/donkey) pays 103 coins."
    linked = question(3, evidence=(Evidence("donkey.md", text),))
    others = [hit for hit in LIBRARY if hit.uri != "donkey.md"]
    reason = only_reason(linked, library=[*others, passage(text, uri="donkey.md")])
    assert reason.startswith("no passage holds its evidence")


def test_a_fragment_is_quoted_as_the_sentence_that_it_stands_in() -> None:
    row = one(rows_of(question(6, evidence=(Evidence("hammer.md", "pays 106 coins"),))).answered)
    assert quotes(row)[0][0] == fee(6)


def test_evidence_that_the_fence_changes_is_skipped() -> None:
    text = "The donkey pays << 103 coins >> to its keeper, they say."
    fenced = question(3, evidence=(Evidence("donkey.md", text),))
    others = [hit for hit in LIBRARY if hit.uri != "donkey.md"]
    rows = rows_of(fenced, library=[*others, passage(text, uri="donkey.md")])
    assert rows.answered == ()
    assert "the prompt shows its evidence in another form" in rows.skipped


def test_two_pieces_of_evidence_are_both_shown_and_quoted() -> None:
    both = question(1, evidence=(question(1).evidence[0], question(2).evidence[0]))
    row = one(rows_of(both).answered)
    assert {words for words, _ in quotes(row)} == {fee(1), fee(2)}
    assert all(words in shown(row)[cited - 1] for words, cited in quotes(row))


def test_an_unanswerable_question_makes_one_refusal() -> None:
    rows = rows_of(unanswerable(), failures_per_question=0.0)
    assert said(one(rows.refused)) == REFUSAL
    assert rows.answered == ()


@FEW
@given(st.floats(0, 1), st.floats(0, 1), seeds)
def test_a_higher_share_of_failures_only_adds_rows(one_share: float, other: float, seed: int) -> None:
    less, more = sorted((one_share, other))
    few, many = (
        rows_of(*map(question, range(6)), failures_per_question=share, seed=seed) for share in (less, more)
    )
    assert set(few.examples) <= set(many.examples)


def test_two_failures_of_one_question_differ() -> None:
    first, second = rows_of(question(1), failures_per_question=2.0).refused
    assert first.messages[1] != second.messages[1]


def test_a_row_is_made_from_every_document_in_its_prompt() -> None:
    for row in rows_of(question(7)).examples:
        assert len(row.made_from) == len(shown(row))
        for source in row.made_from:
            assert f"On the {source.document.removesuffix('.md')}" in row.messages[1].content
            assert source.revision == 2


def test_rows_are_split_by_the_document_that_the_question_is_about() -> None:
    assert {row.group for row in rows_of(question(7)).examples} == {"island.md"}


def test_passages_that_not_all_readers_of_the_oracle_may_read_are_left_out() -> None:
    rights = labels(
        {"jacket.md": label("a", "b"), "anchor.md": label("a"), "bridge.md": label("a", "b", "c")}
    )
    for seed in range(30):
        for row in rows_of(question(8), label=rights, seed=seed).examples:
            assert Source("anchor.md", 2) not in row.made_from


def test_the_label_of_a_row_is_that_of_its_oracle() -> None:
    rights = labels({"jacket.md": label("a", "b"), "bridge.md": label("a", "b", "c")})
    row = one(rows_of(question(8), label=rights).answered)
    assert row.label == label("a", "b")


def test_a_row_about_what_everyone_may_read_is_everyones() -> None:
    row = one(rows_of(question(8), label=labels({"anchor.md": label("a")})).answered)
    assert row.label == EVERYONE


def test_a_refusal_of_what_nothing_answers_is_narrowed_by_no_passage_but_the_first() -> None:
    first = search(LIBRARY)(unanswerable().text, 1)[0]
    rights = labels({first.uri: label("a"), "jacket.md": label("b")})
    assert one(rows_of(unanswerable(), label=rights).refused).label == label("a")


def test_passages_that_do_not_fit_go_and_the_oracle_stays() -> None:
    whole = one(rows_of(question(1), seed=5).answered)
    row = one(rows_of(question(1), seed=5, budget=Budget(passages=100)).answered)
    assert len(shown(row)) < len(shown(whole))
    assert quotes(row)[0][0] == fee(1)


def test_a_question_longer_than_its_budget_is_skipped() -> None:
    assert only_reason(question(1), budget=Budget(question=3)) == "it does not fit the token budget"


def test_an_answer_longer_than_an_answer_may_be_is_skipped() -> None:
    rows = rows_of(question(1), budget=Budget(answer=20))
    assert rows.answered == ()
    assert rows.skipped == {"its answer is longer than an answer may be": 1}


def test_an_answer_with_a_link_is_skipped() -> None:
    rows = rows_of(question(1, expected="It costs 101 coins, see https://fees.example/bridge."))
    assert rows.answered == ()
    assert rows.skipped == {"its answer holds a link or a number in brackets": 1}


def test_evaluation_questions_make_no_row() -> None:
    reason = only_reason(question(1), avoid=[question(1, id="test", text=question(1).text.upper())])
    assert reason == "it asks an evaluation question"


def test_each_paraphrase_that_holds_the_answer_makes_a_row() -> None:
    rows = rows_of(question(1), paraphrase=lambda _: ["You pay 101 coins.", "That will be 101."])
    assert [said(row).split("\n\n")[1].split(" [")[0] for row in rows.answered] == [
        "It costs 101 coins.",
        "You pay 101 coins.",
        "That will be 101.",
    ]


def test_a_paraphrase_that_lost_the_answer_is_counted() -> None:
    rows = rows_of(question(1), paraphrase=lambda _: ["You pay 110 coins."])
    assert len(rows.answered) == 1
    assert rows.skipped == {"a paraphrase lost the answer": 1}


def test_a_teacher_that_fails_costs_no_row_of_the_expected_answer() -> None:
    def fails(_: Question) -> list[str]:
        raise ModelError("out of service")

    rows = rows_of(question(1), paraphrase=fails)
    assert len(rows.answered) == 1
    assert rows.skipped == {"the teacher failed to paraphrase its answer": 1}


def test_an_empty_library_makes_no_row() -> None:
    assert only_reason(question(1), library=[]) == "the search found nothing"


def test_a_library_of_the_oracle_alone_makes_no_refusal() -> None:
    rows = rows_of(question(1), library=[rule(1)])
    assert len(rows.answered) == 1
    assert rows.skipped == {"the search found nothing but what answers it": 1}


def test_the_model_is_never_asked() -> None:
    model = FakeChatModel(window=8192)
    rows_of(question(1), model=model)
    assert model.received == []


def test_distractors_share_few_pieces_with_the_evidence() -> None:
    evidence = pieces_of(fee(1))
    for seed in range(20):
        row = one(rows_of(question(1), seed=seed).refused)
        assert all(len(evidence & pieces_of(text)) < 0.8 * len(evidence) for text in shown(row))


@pytest.mark.parametrize("passages", [1, 2])
def test_even_one_passage_at_serving_time_makes_rows(passages: int) -> None:
    rows = [rows_of(question(1), seed=seed, passages=passages) for seed in range(10)]
    assert all(len(found.answered) == len(found.refused) == 1 for found in rows)
