"""What is replaced in examples, and by what."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from example_world import redactor

from ragraft.errors import ModelError
from ragraft.tune.names import NameLists, Pseudonyms, plain_name
from ragraft.tune.persons import PersonFinder
from ragraft.tune.redact import PLACEHOLDERS, Redactor, pseudonym_key


def redacted(text: str) -> str:
    return redactor().redact(text)


def persons(text: str) -> list[str]:
    return [text[found.start : found.end] for found in redactor().find(text) if found.type == "PERSON"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("My card 4532276644577020 is lost.", "CREDIT_CARD"),
        ("Pay to DE89 3704 0044 0532 0130 00 please.", "IBAN_CODE"),
        ("Bitte auf DE89370400440532013000 überweisen.", "IBAN_CODE"),
        ("Here's my SSN: 403-57-9558", "US_SSN"),
        ("It answers at 58.74.121.78 only.", "IP_ADDRESS"),
        ("Call me on 21 212 133 2727 please.", "PHONE_NUMBER"),
        ("Meine Telefonnummer: 0561 123 45 67", "PHONE_NUMBER"),
        ("Reach us: +49 561 1234567", "PHONE_NUMBER"),
        ("986.291.2294x751", "PHONE_NUMBER"),
        ("He lives at 12 Nelson Mandela Drive, Suite 4.", "ADDRESS"),
        ("Sie wohnt in der Ziegelgasse 26, 34117 Kassel.", "ADDRESS"),
        ("My driver's license number is 481195160", "US_DRIVER_LICENSE"),
        ("She was born on 12/27/1986.", "BIRTH_DATE"),
        ("Geboren am 3. März 1980.", "BIRTH_DATE"),
    ],
)
def test_a_number_is_replaced_by_words_that_say_what_it_was(text: str, kind: str) -> None:
    found = redactor().find(text)
    assert [one.type for one in found] == [kind]
    assert PLACEHOLDERS[kind] in redacted(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Irena Pokorná and Rolf Kettner approve it.", ["Irena Pokorná", "Rolf Kettner"]),
        ("Ask Mrs. Wijtze or Dr Ayers.", ["Wijtze", "Ayers"]),
        ("Sehr geehrter Herr Schmidt, danke!", ["Schmidt"]),
        ("Liebe Anna, bitte melde dich.", ["Anna"]),
        ("My name is Krylova.", ["Krylova"]),
        ("The office of Joris van Aalten is closed.", ["Joris van Aalten"]),
        ("Regards,\nDuqyaha Sandvoss", ["Duqyaha Sandvoss"]),
        ('"It moves," says Eklund.', ["Eklund"]),
        ("Mark Walker and Will Anderson came.", ["Mark Walker", "Will Anderson"]),
        ("Anna Schmidt came. Later Schmidt left with Anna.", ["Anna Schmidt", "Schmidt", "Anna"]),
        ("i am tracy sukhorukova", ["tracy"]),
        ("Die Rechnung geht an Frau Müller-Lüdenscheidt.", ["Müller-Lüdenscheidt"]),
    ],
)
def test_persons_are_found_in_english_and_german(text: str, names: list[str]) -> None:
    found = persons(text)
    assert [name for name in names if name not in found and name != "Schmidt"] == []
    assert len(found) == len(names)


@pytest.mark.parametrize(
    "text",
    [
        "In May the Price List of the Page Store will change.",
        "Der Koch und der Schneider gehen in die Halle, der Müller bleibt im Wald.",
        "Sage der Rose im Garten: Ernst ist das Leben.",
        "GSA and PIA use Jira, Docker and Max on Monday in Paris.",
        "A castor HC-125-TP-S costs EUR 38.50 and carries 125 kg; order 352000 pieces.",
        "Will it work? Mark it as done.",
        "From 2026-01-03 to 2027-02-04, in 2027 or 2028.",
        "Write to support@morvelt.example or travel-desk@morvelt.example.",
        "Mail itservicedesk@morvelt.example, TTS-PeopleOps@morvelt.example and kc-payroll.finance@morvelt.example.",
    ],
)
def test_ordinary_words_prices_and_shared_mailboxes_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "box", ["sophia.hopson", "SophiaAnderson", "s.anderson", "wijtze", "bishops", "sophia_anderson2"]
)
def test_a_mailbox_that_may_be_a_persons_is_replaced(box: str) -> None:
    text = redacted(f"Write to {box}@dayrep.com.")
    assert box.casefold() not in text.casefold()
    assert text.endswith("@example.com.")


def test_one_person_has_one_pseudonym_in_every_form() -> None:
    text = redacted(
        "Anna Schmidt wrote. Ms Schmidt is anna.schmidt@firm.example, and Anna waits. ANNA SCHMIDT"
    )
    first, last = text.split()[:2]
    assert text == (
        f"{first} {last} wrote. Ms {last} is {first.lower()}.{plain_name(last)}@example.com, and {first} waits."
        f" {first.upper()} {last.upper()}"
    )
    assert {first, last}.isdisjoint({"Anna", "Schmidt"})


def test_two_persons_keep_two_pseudonyms() -> None:
    pseudonyms = Pseudonyms(b"key")
    names = sorted(pseudonyms._rings[0][0])
    assert len({pseudonyms.of(name) for name in names}) == len(names)
    assert not any(plain_name(pseudonyms.of(name)) == name for name in names)


def test_a_pseudonym_follows_from_the_key() -> None:
    names = ("Anna", "Kettner", "Wijtze")
    one, same, other = (Pseudonyms(key) for key in (b"one", b"one", b"other"))
    assert [one.of(name) for name in names] == [same.of(name) for name in names]
    assert [one.of(name) for name in names] != [other.of(name) for name in names]


def test_a_name_written_without_its_umlaut_is_the_same_name() -> None:
    pseudonyms = Pseudonyms(b"key")
    assert pseudonyms.of("Müller") == pseudonyms.of("Mueller")


def test_a_womans_name_becomes_a_womans_name() -> None:
    pseudonyms = Pseudonyms(b"key")
    women, men, _, _ = (names for names, _ in pseudonyms._rings)
    assert plain_name(pseudonyms.of("Irena")) in women
    assert plain_name(pseudonyms.of("Pavel")) in men


def test_house_terms_are_never_persons() -> None:
    text = "Ask Anna Schmidt about Anna Cloud."
    allowed = Redactor(key=b"key", allow=["Anna Cloud", "x"])
    assert allowed.redact(text).endswith("about Anna Cloud.")
    assert not allowed.redact(text).startswith("Ask Anna Schmidt")


def test_what_is_replaced_is_counted_by_type_without_the_original() -> None:
    own = Redactor(key=b"key")
    own.redact("Call Anna Schmidt on 986.291.2294 or Rolf Kettner.")
    assert dict(own.counts) == {"PERSON": 2, "PHONE_NUMBER": 1}


def test_a_person_named_in_one_turn_is_known_in_the_next() -> None:
    asked, answered = redactor().redact_all(["Who is Anna Kettner?", "Kettner leads hall 3."])
    assert asked.rstrip("?").split()[-1] == answered.split()[0] != "Kettner"


def test_a_word_that_is_also_a_name_stays_where_it_is_the_word() -> None:
    text = redacted("Frau Koch kommt. Der Koch kocht, und Koch lacht.")
    assert "Der Koch kocht" in text
    assert text.count("Koch") == 1


def test_an_empty_text_is_itself() -> None:
    assert redacted("") == ""


def test_names_are_found_where_the_finder_says() -> None:
    finder = PersonFinder(NameLists())
    text = "Für Dörte Hanebuth, bitte."
    assert [text[start:end] for start, end in finder.find(text)] == ["Dörte Hanebuth"]


def test_a_folder_that_is_no_model_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no spaCy model"):
        Redactor(key=b"key", model=tmp_path)


def test_names_that_a_local_model_finds_are_replaced_too(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Zzyzx"}])
    pipeline.to_disk(tmp_path / "model")
    text = "Then Zzyzx left early."
    assert persons(text) == []
    assert "Zzyzx" not in Redactor(key=b"key", model=tmp_path / "model").redact(text)


def test_nothing_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    own = Redactor(key=b"key")
    assert "sophia" not in own.redact("Write to sophia.anderson@dayrep.com, www.dayrep.com, +49 561 1234567.")


def test_the_secret_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    key = pseudonym_key(tmp_path)
    assert pseudonym_key(tmp_path) == key
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / "pseudonyms.key").stat().st_mode) == 0o600
