from __future__ import annotations

import pytest

from ragraft.documents.language import detect_language

TEXTS = {
    "en": "The committee reviewed the travel policy and agreed that every employee should book early, "
    "because prices rise quickly in the weeks before the summer holidays begin.",
    "de": "Der Ausschuss prüfte die Reiserichtlinie und war sich einig, dass alle Beschäftigten früh buchen "
    "sollten, weil die Preise in den Wochen vor den Sommerferien schnell steigen.",
    "fr": "Le comité a examiné la politique de voyage et a convenu que chaque employé devrait réserver tôt, "
    "car les prix augmentent rapidement dans les semaines avant les vacances.",
    "es": "El comité revisó la política de viajes y acordó que todos los empleados deberían reservar pronto, "
    "porque los precios suben rápidamente en las semanas antes de las vacaciones.",
    "it": "Il comitato ha esaminato la politica dei viaggi e ha convenuto che tutti i dipendenti dovrebbero "
    "prenotare presto, perché i prezzi salgono rapidamente nelle settimane prima delle vacanze.",
    "ru": "Комитет рассмотрел правила командировок и решил, что сотрудники должны бронировать заранее, "
    "потому что цены быстро растут в последние недели перед летним отпуском.",
    "ar": "راجعت اللجنة سياسة السفر واتفقت على أن يحجز جميع الموظفين مبكرا "
    "لأن الأسعار ترتفع بسرعة في الأسابيع الأخيرة قبل العطلة.",
    "zh": "委员会审查了差旅政策，并一致认为所有员工都应尽早预订，因为暑假前几周价格会迅速上涨。",
    "ja": "委員会は出張規程を見直し、夏休み前の数週間は価格がすぐに上がるため、全員が早めに予約すべきだと合意した。",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_paragraph_is_known_by_its_language(code: str) -> None:
    assert detect_language(TEXTS[code]) == code


@pytest.mark.parametrize(
    "text",
    [
        "", "Hello world", "OK", "12 345 678 " * 50, "| 1 | 2 |\n| --- | --- |\n" * 40,
        "https://example.com/a/very/long/address?with=words&in=it " * 20,
    ],
)  # fmt: skip
def test_what_says_too_little_has_no_language(text: str) -> None:
    assert detect_language(text) == ""


def test_a_text_in_two_languages_has_none() -> None:
    assert detect_language(TEXTS["en"] * 20 + TEXTS["de"] * 20) == ""


def test_a_short_appendix_in_another_language_does_not_count() -> None:
    assert detect_language(TEXTS["de"] * 60 + TEXTS["en"] * 8) == "de"


def test_code_in_a_text_does_not_count() -> None:
    assert (
        detect_language(TEXTS["de"] + "\n```\n" + "for item in range(10): print(item)\n" * 20 + "```\n")
        == "de"
    )
