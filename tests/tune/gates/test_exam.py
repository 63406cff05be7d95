"""What base and tuned model are asked, and that it is asked once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ragraft.tune.gates.exam import AnswerSheet, Exam, exam_for
from ragraft.tune.gates.style import Style
from ragraft.tune.wording import term_turns
from ragraft.types import AccessLabel, Dataset, Example, Message

SECRET = "Quorvex keeps the kestrel"
STYLE = Style.model_validate({"rules": [{"name": "brief", "check": "max_words", "most": 5}]})


class Model:
    """Answers with a number of its own to each question; stops when it has been asked `most` times."""

    def __init__(self, *, most: int = 10**6) -> None:
        self.most = most
        self.asked: list[tuple[Message, ...]] = []

    def __call__(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        if len(self.asked) + len(conversations) > self.most:
            raise KeyboardInterrupt
        self.asked += [tuple(messages) for messages in conversations]
        return [f"answer to {messages[-1].content}" for messages in conversations]


def frame(question: str, passage: str) -> tuple[Message, ...]:
    return Message("system", passage), Message("user", question)


def held_out(number: int) -> Example:
    turns = (Message("user", f"{SECRET} {number}?"), Message("assistant", f"in hall {number}"))
    return Example(f"e{number}", "question", turns, group=f"g{number}")


def taught_term(term: str) -> list[Example]:
    turns = term_turns(term, f"the meaning of {term}", wrong="", language="en")
    return [
        Example(f"{term}{n}", "term", (Message("user", asked[1]), Message("assistant", told[1])), group=term)
        for n, (asked, told) in enumerate(turns)
    ]


def exam(*, held: int = 6, terms: Sequence[str] = ("Alpha", "Beta"), style: Style | None = STYLE) -> Exam:
    train = tuple(example for term in terms for example in taught_term(term))
    data = Dataset(train, tuple(held_out(number) for number in range(held)), "f00d", AccessLabel())
    return exam_for(data, frame=frame, style=style)


def questions(count: int) -> list[tuple[Message, ...]]:
    return [(Message("user", f"{SECRET} {number}?"),) for number in range(count)]


ALWAYS = {"general_tasks", "context", "refusal"}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (exam(), {"quality", "style", "terms"}),
        (exam(style=None), {"quality", "terms"}),
        (exam(terms=()), {"quality", "style"}),
        (exam(held=0), {"terms"}),
        (exam(held=0, terms=()), set()),
    ],
    ids=["all", "no rules", "no glossary", "nothing held out", "neither"],
)
def test_only_what_the_data_set_holds_something_of_is_judged(asked: Exam, names: set[str]) -> None:
    said = AnswerSheet(Model())
    assert {gate.name for gate in asked.marked(base=said, tuned=said)} == ALWAYS | names


def test_sheets_filled_from_the_questions_answer_all_that_is_marked() -> None:
    asked = exam()
    base, tuned = Model(), Model()
    sheets = {"base": AnswerSheet(base), "tuned": AnswerSheet(tuned)}
    for sheet in sheets.values():
        sheet.fill(asked.questions())
    filled = len(base.asked), len(tuned.asked)
    asked.marked(**sheets)
    assert (len(base.asked), len(tuned.asked)) == filled == (len(asked.questions()),) * 2


def test_a_question_of_two_gates_is_asked_once() -> None:
    asked = exam().questions()
    assert len(asked) == len(set(asked))


def test_the_questions_and_their_order_are_always_the_same() -> None:
    assert exam().questions() == exam().questions()


def test_what_is_expected_is_not_told_with_the_question() -> None:
    assert not any("in hall" in turn.content for messages in exam().questions() for turn in messages)


def test_a_sheet_asks_nothing_twice() -> None:
    model = Model()
    sheet = AnswerSheet(model)
    sheet.fill([*questions(3), *questions(3)])
    sheet.fill(questions(4))
    sheet(questions(4)[1])
    assert sorted(model.asked, key=str) == questions(4)


def test_a_sheet_asks_what_it_was_not_filled_with() -> None:
    assert AnswerSheet(Model())(questions(1)[0]) == f"answer to {SECRET} 0?"


def test_the_same_words_after_other_turns_are_another_question() -> None:
    model = Model()
    sheet = AnswerSheet(model)
    sheet.fill(
        [(Message("user", "And now?"),), (Message("system", "Be brief."), Message("user", "And now?"))]
    )
    assert len(model.asked) == 2


def test_a_sheet_that_is_kept_is_not_asked_again(tmp_path: Path) -> None:
    AnswerSheet(Model(), kept=tmp_path / "said.json").fill(questions(3))
    again = Model()
    sheet = AnswerSheet(again, kept=tmp_path / "said.json")
    sheet.fill(questions(3))
    assert again.asked == []
    assert sheet(questions(3)[2]) == f"answer to {SECRET} 2?"


def test_a_sheet_that_was_cut_short_goes_on_where_it_stood(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        AnswerSheet(Model(most=5), kept=tmp_path / "said.json", together=2).fill(questions(10))
    again = Model()
    AnswerSheet(again, kept=tmp_path / "said.json", together=2).fill(questions(10))
    assert again.asked == questions(10)[4:]


def test_the_file_of_a_sheet_holds_no_question(tmp_path: Path) -> None:
    sheet = AnswerSheet(lambda asked: ["yes"] * len(asked), kept=tmp_path / "said.json")
    sheet.fill(questions(3))
    assert SECRET not in (tmp_path / "said.json").read_text()


def test_a_file_half_written_is_not_taken_for_whole(tmp_path: Path) -> None:
    kept = tmp_path / "said.json"
    AnswerSheet(Model(), kept=kept).fill(questions(2))
    kept.with_suffix(".unfinished").write_text('{"half": "of')
    assert AnswerSheet(Model(most=0), kept=kept)(questions(1)[0]) == f"answer to {SECRET} 0?"


def test_progress_counts_what_was_answered_before(tmp_path: Path) -> None:
    AnswerSheet(Model(), kept=tmp_path / "said.json").fill(questions(3))
    told: list[int] = []
    sheet = AnswerSheet(Model(), kept=tmp_path / "said.json", together=2)
    sheet.fill(questions(8), on_answers=told.append)
    assert told == [5, 7, 8]


def test_too_few_answers_are_no_answers() -> None:
    with pytest.raises(ValueError, match="shorter"):
        AnswerSheet(lambda asked: ["one"]).fill(questions(2))
