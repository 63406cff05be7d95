from __future__ import annotations

import pytest

from ragraft.verify.numbers import quantities
from ragraft.verify.quantity import agree


@pytest.mark.parametrize(
    ("text", "language", "kind", "values", "unit"),
    [
        ("1.500 Euro", "de", "money", {1500.0}, "EUR"),
        ("1,500 euros", "en", "money", {1500.0}, "EUR"),
        ("1 500 EUR", "", "money", {1500.0}, "EUR"),
        ("EUR 1.500", "", "money", {1.5, 1500.0}, "EUR"),
        ("37,5 Stunden", "de", "measure", {135_000.0}, "s"),
        ("$3m", "en", "money", {3e6}, "USD"),
        ("1.5 million", "en", "number", {1.5e6}, ""),
        ("30 cents", "en", "money", {0.3}, ""),
        ("25 Prozent", "de", "percent", {25.0}, ""),
        ("twenty-five days", "en", "measure", {25.0}, "d"),
        ("fünfundzwanzig Tage", "de", "measure", {25.0}, "d"),
        ("two hundred and", "en", "number", {200.0}, ""),
        ("26 business days", "en", "measure", {26.0}, "workday"),
        ("2026-06-01", "", "date", {(2026, 6, 1)}, ""),
        ("1 June 2026", "", "date", {(2026, 6, 1)}, ""),
        ("June 1st, 2026", "", "date", {(2026, 6, 1)}, ""),
        ("1. Juni 2026", "", "date", {(2026, 6, 1)}, ""),
        ("01.06.2026", "", "date", {(2026, 6, 1)}, ""),
        ("06/01/2026", "", "date", {(2026, 6, 1), (2026, 1, 6)}, ""),
        ("June 2026", "", "date", {(2026, 6, 0)}, ""),
        ("in 1997", "", "date", {(1997, 0, 0)}, ""),
        ("2:30 p.m.", "", "time", {870.0}, ""),
        ("14:30", "", "time", {870.0}, ""),
        ("Wednesday", "", "weekday", {3.0}, ""),
        ("AP-050-TP-S", "", "code", {"ap050tps"}, ""),
        ("v1.2.3", "", "code", {"v123"}, ""),
        ("the 1990s", "", "code", {"1990s"}, ""),
    ],
)
def test_a_quantity_is_read(text: str, language: str, kind: str, values: set[object], unit: str) -> None:
    (found,) = quantities(text, language=language)
    assert (found.kind, set(found.values), found.unit) == (kind, values, unit)


@pytest.mark.parametrize(
    "text", ["one of them", "ein Haus", "we may march on", "no number here", "please note that", "🙂", ""]
)
def test_words_are_no_quantities(text: str) -> None:
    assert quantities(text) == []


@pytest.mark.parametrize(
    ("claimed", "told"),
    [
        ("90 min", "1.5 h"),
        ("3 km", "3,000 metres"),
        ("2 weeks", "14 days"),
        ("six hours", "6 hours"),
        ("75 %", "75 percent"),
        ("EUR 135", "135 euros"),
        ("2026", "1 June 2026"),
        ("June 2026", "2026-06-01"),
        ("135", "EUR 135"),
        ("2 pm", "14:00"),
        ("one year", "12 months"),
    ],
)
def test_the_same_in_other_words_agrees(claimed: str, told: str) -> None:
    assert agree(quantities(claimed)[0], quantities(told)[0])


@pytest.mark.parametrize(
    ("claimed", "told"),
    [
        ("30 days", "30 hours"),
        ("EUR 135", "USD 135"),
        ("1 month", "30 days"),
        ("5 business days", "5 days"),
        ("1 June 2026", "June 2026"),
        ("1 June 2026", "2 June 2026"),
        ("20 %", "20 days"),
        ("TR-125", "TR-160"),
        ("2017", "2018"),
        ("Monday", "Tuesday"),
    ],
)
def test_what_is_not_the_same_does_not_agree(claimed: str, told: str) -> None:
    assert not agree(quantities(claimed)[0], quantities(told)[0])


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at least 24 hours", ">"),
        ("24 hours or more", ">"),
        ("no less than 24 hours", ">"),
        ("mindestens 24 Stunden", ">"),
        ("up to 24 hours", "<"),
        ("no more than 24 hours", "<"),
        ("höchstens 24 Stunden", "<"),
        ("less than 24 hours", "<"),
        ("24 hours", ""),
    ],
)
def test_a_bound_is_read(text: str, bound: str) -> None:
    assert quantities(text)[0].bound == bound


def test_both_ends_of_a_range_have_the_unit() -> None:
    assert [found.unit for found in quantities("3 to 5 business days")] == ["workday", "workday"]


def test_an_amount_per_something_is_the_amount_alone() -> None:
    assert [found.shown for found in quantities("EUR 0.30 per km")] == ["EUR 0.30"]
