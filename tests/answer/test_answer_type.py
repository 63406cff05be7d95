"""What a question asks for, and whether a text has one."""

from __future__ import annotations

import pytest

from ragraft.answer.answer_type import AnswerType, answer_type, has_type


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days off do I get?", "number"),
        ("What is the hotel limit in Kassel?", "number"),
        ("Wie viele Tage Urlaub habe ich?", "number"),
        ("Wie lange gilt ein Angebot?", "number"),
        ("When does the canteen close?", "time"),
        ("What time does the canteen close?", "time"),
        ("Wann schließt die Kantine?", "time"),
        ("Who signs the order?", "name"),
        ("Which supplier sent the wire?", "name"),
        ("Wer unterschreibt?", "name"),
        ("How do I book a hotel?", None),
        ("May I bring a dog?", None),
        ("What happens when the alarm goes off?", None),
        ("¿Cuántos días tengo?", None),
        ("", None),
    ],
)
def test_a_question_asks_for_a_kind_of_thing(question: str, kind: AnswerType | None) -> None:
    assert answer_type(question) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The limit is EUR 135.", "number"),
        ("You get thirty days.", "number"),
        ("Parking is free.", "number"),
        ("Es gibt keine Grenze.", "number"),
        ("Orders close on Friday.", "time"),
        ("Jeden Montag um neun.", "time"),
        ("It is signed by Petra Novak.", "name"),
        ("Write to desk@example.org.", "name"),
        ("Ask the payroll team.", "name"),
    ],
)
def test_a_text_has_a_thing_of_the_kind(text: str, kind: AnswerType) -> None:
    assert has_type(text, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("The hotel has rooms.", "number"), ("Someone signs it.", "time"), ("Someone signs it.", "name")],
)
def test_a_text_lacks_a_thing_of_the_kind(text: str, kind: AnswerType) -> None:
    assert not has_type(text, kind)
    assert has_type(text, None)
