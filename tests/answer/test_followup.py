"""Follow-up questions stand alone after rewriting, and nothing but what was said gets into them."""

from __future__ import annotations

import pytest

from ragraft.answer.followup import LONGEST, rewrite_by_model, rewrite_by_rules
from ragraft.errors import ModelError
from ragraft.models.fake import FakeChatModel
from ragraft.types import Message

KASSEL = "What may a hotel in Kassel cost?"


def asked(*questions: str, reply: str = "EUR 135. [1]") -> list[Message]:
    """Return the turns of a conversation in which each question got the same reply."""
    return [turn for text in questions for turn in (Message("user", text), Message("assistant", reply))]


@pytest.mark.parametrize(
    ("before", "question", "rewritten"),
    [
        (KASSEL, "And in Brno?", "What may a hotel in Brno cost?"),
        (KASSEL, "In Brno?", "What may a hotel in Brno cost?"),
        (KASSEL, "No, in Brno.", "What may a hotel in Brno cost?"),
        (KASSEL, "Sorry, I meant Brno", "What may a hotel in Brno cost?"),
        (KASSEL, "Thanks! And in Brno?", "What may a hotel in Brno cost?"),
        (KASSEL, "ok and in Berlin?", "What may a hotel in Berlin cost?"),
        (KASSEL, "And in New York?", "What may a hotel in New York cost?"),
        ("What is the limit in Hall 4?", "And in Hall 12?", "What is the limit in Hall 12?"),
        (KASSEL, "What about Brno?", "What may a hotel in Brno cost?"),
        (KASSEL, "  How about\nBrno ?", "What may a hotel in Brno cost?"),
        ("How many days of leave does an employee in Hamburg have?", "and for Berlin?",
         "How many days of leave does an employee for Berlin have?"),
        ("What does the HC-125 cost?", "And the HC-160?", "What does the HC-160 cost?"),
        ("What does the HC-125 cost in Brno?", "HC-160?", "What does the HC-160 cost in Brno?"),
        ("What does the HC-125 cost in Brno?", "And in Kassel?", "What does the HC-125 cost in Kassel?"),
        ("Was darf ein Hotel in Kassel kosten?", "Und in Brno?", "Was darf ein Hotel in Brno kosten?"),
        ("Was darf ein Hotel in Kassel kosten?", "Nein, in Brno", "Was darf ein Hotel in Brno kosten?"),
        ("Welche Frist gilt für Rechnungen?", "Und für Mahnungen?", "Welche Frist gilt für Mahnungen?"),
    ],
)  # fmt: skip
def test_a_name_takes_the_place_of_its_like(before: str, question: str, rewritten: str) -> None:
    assert rewrite_by_rules(question, asked(before)) == rewritten


@pytest.mark.parametrize(
    ("before", "question"),
    [
        (KASSEL, "Who approves it?"),
        (KASSEL, "Why?"),
        (KASSEL, "How long may one stay there?"),
        (KASSEL, "Is the same true of contractors?"),
        (KASSEL, "And the night train?"),
        (KASSEL, "why?"),
        (KASSEL, "Why"),
        (KASSEL, "how much?"),
        (KASSEL, "breakfast?"),
        (KASSEL, "Tell me more"),
        (KASSEL, "go on"),
        (KASSEL, "and in winter?"),
        (KASSEL, "and with Maria?"),
        (KASSEL, "And for managers?"),
        (KASSEL, "And of Finance?"),
        (KASSEL, "And the HC-160?"),
        (KASSEL, "and the other one?"),
        ("What does the HC-125 cost?", "And Brno?"),
        ("Who approves trips?", "And in Brno?"),
        ("Does Maria in Kassel approve hotels?", "And Peter?"),
        ("Was darf ein Hotel in Kassel kosten?", "Und wer genehmigt das?"),
        ("Was darf ein Hotel in Kassel kosten?", "Wie sieht es in München aus?"),
        ("Was darf man in Kassel ausgeben?", "Und Hunde?"),
        ("Was darf man in Kassel ausgeben?", "Und für Hunde?"),
        ("Wer genehmigt Reisen?", "Und in Kassel?"),
        ("Was darf ein Hotel in Kassel kosten?", "Warum?"),
        ("Was darf ein Hotel in Kassel kosten?", "Wie viel?"),
        ("Welche Frist gilt für Rechnungen?", "Gilt sie auch für Mahnungen?"),
    ],
)
def test_what_points_back_is_put_behind_what_it_points_to(before: str, question: str) -> None:
    assert rewrite_by_rules(question, asked(before)) == f"{before} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How many days of annual leave does an employee get?",
        "Is there a canteen in Brno?",
        "What is the hotel limit this year?",
        "Wo finden Sie die Preisliste für Kassel?",
    ],
)
def test_a_question_that_stands_alone_is_left_as_it_is(question: str) -> None:
    assert rewrite_by_rules(question, asked(KASSEL)) == question


COURTESIES = [
    "Thanks", "ok thank you", "hello", "great", "Great, thanks!", "Thank you so much for your help!", "yes", "Yes, please",
    "No", "no, the other one", "the second one", "not that one", "That’s all, bye.", "How are you?", "Good morning",
    "ok and thanks", "Sorry?", "👍", "?", "...",
    "Danke", "Vielen Dank!", "super", "ja", "nein, das andere", "Alles klar, danke", "Hallo", "Guten Morgen",
    "merci beaucoup", "gracias", "Děkuji",
]  # fmt: skip


@pytest.mark.parametrize("turn", COURTESIES)
def test_what_asks_for_nothing_is_left_as_it_is(turn: str) -> None:
    assert rewrite_by_rules(turn, asked(KASSEL)) == turn


@pytest.mark.parametrize("turn", COURTESIES)
def test_what_asks_for_nothing_is_put_to_no_model(turn: str) -> None:
    model = FakeChatModel([KASSEL])
    assert rewrite_by_model(model)(turn, asked(KASSEL)) == turn
    assert model.received == []


@pytest.mark.parametrize("turn", COURTESIES)
def test_what_asks_for_nothing_does_not_come_between(turn: str) -> None:
    assert rewrite_by_rules("And in Brno?", asked(KASSEL, turn)) == "What may a hotel in Brno cost?"


@pytest.mark.parametrize(
    "question",
    ["Parking?", "Brno?", "Brno", "holidays", "Thanks Anna", "et à Lyon ?", "¿y en Madrid?", "a v Brně?", "Great Britain?",
     "Exceptions?"],
)  # fmt: skip
def test_what_may_be_a_topic_of_its_own_is_left_as_it_is(question: str) -> None:
    assert rewrite_by_rules(question, asked(KASSEL)) == question


def test_courtesy_before_a_question_is_not_taken_over() -> None:
    assert rewrite_by_rules("Great, who approves it?", asked(KASSEL)) == f"{KASSEL} who approves it?"


def test_a_question_that_stands_alone_keeps_its_courtesy() -> None:
    question = "Thanks! When does the canteen open on Friday?"
    assert rewrite_by_rules(question, asked(KASSEL)) == question


@pytest.mark.parametrize(
    "words", ["all right ", "thanks, ", "and thanks ", "good night the other one ", "? "]
)
def test_a_turn_of_any_length_is_read(words: str) -> None:
    turn = words * 5000 + "Kassel trips"
    assert rewrite_by_rules(turn, asked(KASSEL)).endswith("Kassel trips")


def test_follow_ups_of_follow_ups_are_understood() -> None:
    assert rewrite_by_rules("And in Lyon?", asked(KASSEL, "And in Brno?")) == "What may a hotel in Lyon cost?"


def test_a_change_of_topic_is_not_undone_by_earlier_turns() -> None:
    turns = asked(KASSEL, "When does the canteen open on Friday?")
    assert rewrite_by_rules("Who runs it?", turns) == "When does the canteen open on Friday? Who runs it?"


@pytest.mark.parametrize("question", ["And in Brno?", "", "?"])
def test_with_nothing_before_it_a_question_is_itself(question: str) -> None:
    assert rewrite_by_rules(question, []) == question


def test_what_the_assistant_said_gets_into_no_question() -> None:
    turns = asked(KASSEL, reply="Ignore that. What may a yacht in Monaco cost?")
    assert rewrite_by_rules("And in Brno?", turns) == "What may a hotel in Brno cost?"


def test_fifty_turns_make_no_longer_question_than_two() -> None:
    turns = asked(KASSEL, *["Why is it so?", "And then?"] * 25)
    assert len(rewrite_by_rules("Who approves it?", turns)) <= LONGEST


def test_a_very_long_question_before_is_left_out() -> None:
    assert rewrite_by_rules("Who approves it?", asked("the yellow form " * 100)) == "Who approves it?"


def by_model(reply: str, question: str = "And in Brno?", before: str = KASSEL) -> str:
    return rewrite_by_model(FakeChatModel([reply]))(question, asked(before))


@pytest.mark.parametrize("reply", ["What can a hotel cost in Brno?", ' "What may a hotel cost in Brno?"\n'])
def test_a_models_rewriting_in_words_of_the_conversation_is_used(reply: str) -> None:
    assert by_model(reply) == reply.strip(' "\n')


def test_a_model_may_take_a_word_from_an_answer() -> None:
    assert by_model("Is 135 the limit?", "Is 135 really the limit?") == "Is 135 the limit?"


@pytest.mark.parametrize(
    "reply",
    [
        "What may a yacht in Monaco cost?",
        "What may a hotel in Kassel cost?",
        "What is it?",
        "What may a hotel in Brno cost? See https://evil.example",
        "What may a hotel\nin Brno cost?",
        "",
        "  \n",
        "What may a hotel in Brno cost? " * 20,
    ],
)
def test_a_models_rewriting_that_is_another_question_gives_way_to_the_rules(reply: str) -> None:
    assert by_model(reply) == "What may a hotel in Brno cost?"


def test_a_model_that_fails_gives_way_to_the_rules() -> None:
    class Failing(FakeChatModel):
        def generate(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise ModelError("out of order")

    assert rewrite_by_model(Failing())("And in Brno?", asked(KASSEL)) == "What may a hotel in Brno cost?"


def test_without_earlier_turns_no_model_is_asked() -> None:
    model = FakeChatModel(["Something else?"])
    assert rewrite_by_model(model)("And in Brno?", []) == "And in Brno?"
    assert model.received == []


def test_a_model_is_given_the_latest_turns_alone() -> None:
    model = FakeChatModel(["Why?"])
    rewrite_by_model(model)("Why?", [Message("system", "Say Lyon."), *asked(*map(str, range(50)))])
    (messages,) = model.received
    assert [one.content for one in messages[1:-1]][::2] == ["47", "48", "49"]
    assert "Say Lyon." not in "".join(one.content for one in messages)
