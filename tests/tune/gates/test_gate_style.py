"""House style: rule files, what they refuse, and how answers stand to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragraft.errors import UserError
from ragraft.tune.gates.style import Style, StyleCase, read_style, style_gate
from ragraft.types import Message

HOUSE = Path(__file__).with_name("house_style.toml")
SOURCE = "\nSource: travel/leave.md"


PAGE = Path(__file__).parents[3] / "docs" / "reference" / "style-rules.md"


def style(**rule: Any) -> Style:
    return Style.model_validate({"rules": [{"name": "it", **rule}]})


def reasons(found: Style, answer: str, question: str = "") -> list[str]:
    return [fault.reason for fault in found.score(answer, question=question).broken]


def broken(answer: str, question: str = "", answerable: bool | None = None) -> list[str]:
    return [
        fault.rule
        for fault in read_style(HOUSE).score(answer, question=question, answerable=answerable).broken
    ]


def test_an_answer_in_the_house_style_breaks_no_rule() -> None:
    assert broken(f"You get six hours of leave per pay period.{SOURCE}", "How much leave do I get?") == []


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (" ".join(["word"] * 26) + "." + SOURCE, "short first sentence"),
        (f"Based on the page, you get six hours.{SOURCE}", "answer first"),
        ("You get it. " * 27 + SOURCE, "short"),
        ("You can. You " + "really " * 30 + "can." + SOURCE, "short sentences"),
        (f"It is paid when the user asks.{SOURCE}", "you and we"),
        (f"You fill it in prior to the trip.{SOURCE}", "plain words"),
        (f"Do this:\n1. Ask.\n3. Go.{SOURCE}", "steps"),
        (f"# Leave\nYou get six hours.{SOURCE}", "no headings, no tables"),
        (f"You get this.\n| a | b |{SOURCE}", "no headings, no tables"),
        ("You get six hours.", "cites the page"),
        ("You get six hours.\nSource: our pages", "cites the page"),
    ],
)
def test_each_rule_of_the_handbook_can_be_broken_alone(answer: str, rule: str) -> None:
    assert broken(answer) == [rule]


def test_the_source_line_is_not_counted_as_words() -> None:
    assert broken("You get it. " * 26 + "Now go.\nSource: a/b.md; c/d.md") == []


def test_a_missing_answer_is_said_in_these_words_and_nothing_else() -> None:
    assert broken("not in the documents", answerable=False) == []
    assert broken(f"That is not in the documents.{SOURCE}", answerable=False) == ["missing"]
    assert broken(f"You get six hours.{SOURCE}", answerable=False) == ["missing"]


def test_saying_that_it_is_missing_where_it_is_not_is_no_style() -> None:
    assert broken("not in the documents", answerable=True) == ["missing"]


@pytest.mark.parametrize(
    ("question", "applies"),
    [
        ("Can I take leave in May?", True),
        ("I work in Brno. Do I get a laptop?", True),
        ("If I travel by train, may I go first class?", True),
        ("Darf ich im Mai Urlaub nehmen?", True),
        ("How much leave do I get?", False),
        ("Is it paid in May or in June?", False),
        ("", False),
    ],
)
def test_a_question_for_yes_or_no_is_told_from_others(question: str, applies: bool) -> None:
    score = style(check="yes_no_first").score("You can.", question=question)
    assert bool(score.applied) is applies


def test_yes_must_be_the_first_word_as_written() -> None:
    rule = style(check="yes_no_first")
    assert reasons(rule, "Yes, you can.", "Can I?") == []
    assert reasons(rule, "Yesterday you could.", "Can I?") == ["begins with “Yesterday you could.”"]


def test_yes_and_no_may_be_words_of_another_language() -> None:
    rule = style(check="yes_no_first", words=["Ja", "Nein"])
    assert reasons(rule, "Nein, erst im Juni.", "Darf ich im Mai gehen?") == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("- Ask.\n- Go.", "a list without numbers: “- Ask.”"),
        ("1. Ask.\n2. Go.\n3. Eat.", "3 steps, 2 are the most"),
        ("1. Ask.\n2. Go home with him now.", "step 2 has 5 words, 3 are the most"),
        ("2. Ask.\n1. Go.", "steps are numbered 2, 1"),
    ],
)
def test_steps_are_numbered_few_and_short(answer: str, reason: str) -> None:
    assert reasons(style(check="numbered_steps", most=2, most_words=3), answer) == [reason]


def test_a_rule_of_steps_says_nothing_about_an_answer_without_a_list() -> None:
    assert style(check="numbered_steps", most=2).score("You ask, then you go.").applied == ()


def test_forbidden_words_are_whole_words_in_whatever_case_and_over_line_ends() -> None:
    rule = style(check="forbidden_words", words=["in order to", "shall"])
    assert reasons(rule, "He went to a shallow lake.") == []
    assert reasons(rule, "We SHALL do it in\norder to win.") == ["has “in order to”, “shall”"]


def test_an_answer_in_another_language_is_told() -> None:
    rule = style(check="language", code="en")
    german = (
        "Sie bekommen sechs Stunden Urlaub für jeden Monat, in dem Sie mindestens zehn Tage gearbeitet haben."
    )
    assert reasons(rule, german) == ["is in “de”"]


def test_a_short_answer_is_in_no_language_that_could_be_told() -> None:
    assert style(check="language", code="en").score("Sechs.").applied == ()


def test_a_score_is_the_share_of_rules_kept() -> None:
    score = read_style(HOUSE).score("Sure, you get six hours.")
    assert score.kept == pytest.approx(1 - len(score.broken) / len(score.applied))
    assert [fault.rule for fault in score.broken] == ["answer first", "cites the page"]


def test_a_rule_file_may_be_json(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"rules": [{"name": "short", "check": "max_words", "most": 3}]}))
    assert reasons(read_style(file), "one two three four") == ["4 words, 3 are the most"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[rules]]\nname = "a"\ncheck = "max_wrods"\n', "rule 1 (a): Input tag 'max_wrods'"),
        (
            '[[rules]]\nname = "a"\ncheck = "max_words"\nmost = 0\n',
            "rule 1 (a), most: Input should be greater",
        ),
        ('[[rules]]\nname = "a"\ncheck = "max_words"\n', "rule 1 (a), most: Field required"),
        (
            '[[rules]]\nname = "a"\ncheck = "max_words"\nmost = 3\nleast = 1\n',
            "rule 1 (a), least: Extra inputs",
        ),
        ('[[rules]]\ncheck = "max_words"\nmost = 3\n', "rule 1, name: Field required"),
        (
            '[[rules]]\nname = "a"\ncheck = "ends_with"\npattern = "("\n',
            "rule 1 (a), pattern: Value error, is no",
        ),
        ('apart = "["\n', "apart: Value error, is no regular expression"),
        ("rules = []\n", "rules: List should have at least 1 item"),
        ("rules = 3\n", "rules: Input should be a valid list"),
        ("[[rules]\n", "cannot be read"),
    ],
)
def test_a_wrong_rule_file_is_refused_with_the_rule_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "style.toml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_style(file)
    assert told in str(caught.value)
    assert caught.value.hint == "see docs/reference/style-rules.md"


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "style.toml"
    file.write_text('[[rules]]\nname = "a"\ncheck = "max_words"\nmost = 3\n' * 2)
    with pytest.raises(UserError, match="more than one rule has the name 'a'"):
        read_style(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_style(tmp_path / "none.toml")


CASES = [StyleCase((Message("user", f"q{n}"),), "What is it?", group=f"page-{n}") for n in range(30)]
SHORT = style(check="max_words", most=3)


def test_a_model_that_keeps_the_style_passes() -> None:
    gate = style_gate(CASES, SHORT, base=lambda _: "one two three four", tuned=lambda _: "one two")
    assert (gate.passed, gate.value, gate.detail["base"]) == (True, 1.0, 0.0)


def test_a_model_that_does_not_keep_it_fails_and_its_faults_are_told() -> None:
    gate = style_gate(CASES, SHORT, base=lambda _: "one", tuned=lambda _: "one two three four")
    assert gate.passed is False
    assert gate.detail["rules"]["it"] == {
        "base_applied": 30,
        "base_broken": 0,
        "tuned_applied": 30,
        "tuned_broken": 30,
    }
    assert gate.quotes[0] == "What is it? it: 4 words, 3 are the most"


def test_what_is_kept_of_the_gate_quotes_no_question() -> None:
    gate = style_gate(CASES, SHORT, base=lambda _: "one", tuned=lambda _: "one two three four")
    assert "What is it?" not in str(gate.record())


def test_the_rule_file_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "style.toml"
    file.write_text(PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0])
    checks = {rule.check for rule in read_style(file).rules}
    assert all(f"| `{check}` |" in PAGE.read_text(encoding="utf-8") for check in checks)
    assert len(checks) == 9
