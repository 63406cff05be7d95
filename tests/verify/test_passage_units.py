from __future__ import annotations

from passages import KASSEL, english, passage

from ragraft.verify.sources import Unit, read_sources


def units(text: str, *, context: str = "", title: str = "") -> list[Unit]:
    return read_sources([passage(text, context=context, title=title)], english)[0].units


def test_a_row_is_read_with_the_names_of_its_columns() -> None:
    assert units(KASSEL)[1].statement.text.startswith("What: Hotel per night")
    assert units(KASSEL)[1].statement.text.endswith("Limit: EUR 135")


def test_a_row_keeps_its_place_in_the_text() -> None:
    row = units(KASSEL)[1]
    assert KASSEL[row.start : row.end] == "| Hotel per night, including breakfast and local tax | EUR 135 |"


def test_separated_values_are_rows_under_the_header_of_the_context() -> None:
    found = units(
        'TR-125,"swivel, total lock",13.60\nTR-160,"fixed",12.40', context="Prices\nitem,description,price"
    )
    assert [unit.statement.text for unit in found] == [
        "item: TR-125; description: swivel, total lock; price: 13.60",
        "item: TR-160; description: fixed; price: 12.40",
    ]


def test_a_sentence_with_commas_is_no_row() -> None:
    assert units("We went, saw, and won.")[0].cells == ()


def test_headings_stand_above_what_follows_them() -> None:
    found = units("## Brno\n\nHotels cost EUR 110.\n\n## Kassel\n\nHotels cost EUR 135.", title="Travel")
    assert [unit.scope for unit in found if not unit.is_heading] == [("Travel", "Brno"), ("Travel", "Kassel")]


def test_a_list_item_is_read_with_the_line_that_opens_the_list() -> None:
    found = units("These may not be used:\n\n- Google Drive\n- Dropbox\n\nAsk first.")
    assert [unit.statement.text for unit in found[1:]] == [
        "These may not be used: - Google Drive",
        "These may not be used: - Dropbox",
        "Ask first.",
    ]


def test_a_passage_without_text_has_no_units() -> None:
    assert units("") == []
