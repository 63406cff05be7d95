"""A document's words command no terminal."""

from __future__ import annotations

import pytest

from ragraft.cli.options import printable, shown


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\x9b", "\r", "\x00", "\u202e", "\u2066"])
def test_signs_that_command_a_terminal_are_made_visible(sign: str) -> None:
    assert printable(f"a{sign}b") == "a\ufffdb"


def test_lines_tabs_and_other_scripts_stay() -> None:
    text = "a\tb\nGrüße, 漢字, سلام, 🙂"
    assert printable(text) == text


def test_markup_of_the_console_is_text() -> None:
    assert shown("[bold]x[/]") == r"\[bold]x\[/]"
