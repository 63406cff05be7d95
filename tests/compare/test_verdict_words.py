"""How a verdict reads."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from verdict_world import PLAIN, RAG, TUNED, World, fresh, mixed, prices, read_aloud, right, took, tried

from ragraft.compare.choosing import Month, read_priorities
from ragraft.compare.cost import Work
from ragraft.compare.prices import Span
from ragraft.compare.wording import (
    counted,
    joined,
    money,
    percent,
    points,
    seconds,
    share,
    span_of_points,
    volume,
)

MARKS = {"plain": right(20), "rag": right(110), "tuned": right(60), "raft": right(160)}
ALL = {
    "freshness": [
        fresh("plain", 0),
        fresh("rag", 36),
        fresh("tuned", 1, refresh_seconds=3600),
        fresh("raft", 37),
    ],
    "leakage": [tried(name) for name in MARKS],
    "latencies": [took(name, 1.2) for name in MARKS],
    "prices": prices(),
}


def test_a_full_verdict_reads_as_it_should() -> None:
    world = World(MARKS, also={"cited_right": {**MARKS, "rag": right(180)}})
    assert read_aloud(world.decide(**ALL, month=Month(10_000, 30))) == (
        """\
[winner] Use raft: it is surely better in quality than every other system.
- raft handled 80 % (74 to 85 %) of 200 questions rightly: a right answer where the documents have one, a refusal \
where they have none. (quality)
- raft is surely better than plain: by 70 points of 100 (63 to 76). (quality)
- raft is surely better than rag: by 25 points of 100 (19 to 31). (quality)
- raft is surely better than tuned: by 50 points of 100 (43 to 57). (quality)
- raft cites the right passage for 80 % (74 to 85 %) of the questions that have one; rag surely does better. (citations)
- After 40 changes raft was right in 92 % (80 to 98 %), and still said what was so before in 3. (freshness)
- 100 attempts to learn from raft what the caller may not know brought nothing out; of others like these at most \
3.6 % would. It served 20 of 20 who may know. (leakage)
- Its adapter house passed all of its 2 gates. (forgetting)
- Half of its answers take at most 1.2 s, 19 of 20 at most 2.4 s. (latency)
- A month of 10,000 questions costs: plain 1.00 to 1.80 EUR; rag 5.10 to 5.70 EUR; tuned 30.68 to 61.17 EUR; raft \
35.18 to 65.87 EUR. (cost)
- Nothing that was tried would change the choice: 10 to 1,000,000 questions a month, 0 to 1,000 changes a month, \
each price at either end of its range. (cost)"""
    )


def test_do_not_fine_tune_speaks_of_one_system_and_of_several() -> None:
    one = World({"rag": mixed(150), "raft": mixed(150, shift=30)}).decide()
    assert one.headline == (
        "Do not fine-tune: raft was not shown to be better in quality, and it costs more. Use rag."
    )
    uses = [RAG, replace(TUNED, system="tuned"), replace(TUNED, system="other")]
    marks = {"rag": mixed(150), "tuned": mixed(150, shift=20), "other": mixed(150, shift=40)}
    freshness = [fresh("rag", 38), fresh("tuned", 1), fresh("other", 2)]
    assert World(marks, uses=uses).decide(freshness=freshness).headline == (
        "Do not fine-tune: no tuned system was shown to be better in quality, and each of them follows changes worse."
        " Use rag."
    )


def test_equals_in_everything_are_said_to_be_so() -> None:
    marks = {"one": right(900, 1000), "two": right(900, 1000)}
    uses = [replace(RAG, system="two"), replace(RAG, system="one")]
    assert World(marks, uses=uses).decide().headline == (
        "No clear winner: one and two could not be told apart. Use one: any of them would do."
    )


def test_cheaper_at_any_price_is_said_without_prices() -> None:
    twin = replace(RAG, system="twin", answer=Work(prompt_tokens=900, output_tokens=30))
    marks = {"rag": mixed(150), "twin": mixed(150, shift=30)}
    said = read_aloud(World(marks, uses=[RAG, twin]).decide())
    assert (
        "twin takes no more of anything than rag, and less of something: it is cheaper at any price." in said
    )


def test_a_cheaper_system_that_is_surely_worse_is_named_with_that() -> None:
    uses = [PLAIN, RAG, replace(PLAIN, system="twin")]
    marks = {"plain": right(20), "rag": right(160), "twin": right(20)}
    found = World(marks, uses=uses).decide(*read_priorities("cost"), prices=prices(), month=Month(1000))
    assert (
        found.headline
        == "You put cost first. No clear winner: plain and twin could not be told apart. Use plain: any of them would do."
    )
    assert "rag is surely better, by 70 points of 100 (63 to 76)." in read_aloud(found)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (counted(1, "question"), "1 question"),
        (counted(2000, "question"), "2,000 questions"),
        (joined(["a", "b", "c"]), "a, b and c"),
        (joined(["a", "b"], last="or"), "a or b"),
        (percent(0.004), "0.4 %"),
        (percent(0.9996), "99.9 %"),
        (percent(1.0), "100 %"),
        (share(0.5, (0.4, 0.6)), "50 % (40 to 60 %)"),
        (points(-0.12), "12 points"),
        (points(0.01), "1 point"),
        (points(0.001), "less than 1 point"),
        (span_of_points((-0.02, 0.004)), "-2 to 0.4"),
        (span_of_points((0.0, 0.09)), "0 to 9"),
        (seconds(0.34), "0.34 s"),
        (seconds(600), "10 minutes"),
        (seconds(3 * 3600), "3 hours"),
        (money(Span(31, 44), "EUR"), "31.00 to 44.00 EUR"),
        (money(Span(1200, 1200), "EUR"), "1,200 EUR"),
        (volume(24_130), "24,000"),
        (volume(0.31), "0.31"),
        (volume(0), "0"),
    ],
)
def test_numbers_are_said_in_plain_words(said: str, expected: str) -> None:
    assert said == expected


def test_the_page_on_verdicts_quotes_what_is_said() -> None:
    page = Path(__file__).parents[2] / "docs" / "concepts" / "verdict.md"
    quoted = set(re.findall(r"\*([^*\n]+\.)\* \|", page.read_text(encoding="utf-8")))
    twin = replace(PLAIN, system="twin", answer=Work(prompt_tokens=900, output_tokens=30))
    equal = {"rag": mixed(150), "raft": mixed(150, shift=30)}
    said = {
        World(MARKS).decide().headline,
        World({"rag": right(900, 1000), "twin": right(900, 1000)}, uses=[RAG, twin]).decide().headline,
        World(equal, uses=[RAG, replace(PLAIN, system="raft")])
        .decide(freshness=[fresh("rag", 38), fresh("raft", 2)])
        .headline,
        World(equal).decide().headline,
        World({"rag": right(4, 8), "raft": right(5, 8)}).decide().headline,
    }
    assert said == quoted
