"""The bar of long work, on a terminal and in a file."""

from __future__ import annotations

import io

from rich.console import Console

from ragraft.cli.progress import stage_bar


def go_through(*stages: str, terminal: bool) -> str:
    """Show stages, of which the first gets on, and return what was written."""
    told = io.StringIO()
    with stage_bar(Console(file=told, force_terminal=terminal, width=100, highlight=False)) as bar:
        first, *others = stages
        bar.begin(first)
        bar.show(3, 4, "3 of 4, 1 [red]failed[/]")
        for stage in others:
            bar.begin(stage)
    return told.getvalue()


def test_a_terminal_shows_a_stage_and_how_far_it_is() -> None:
    told = go_through("asking [bold]plain[/]", terminal=True)
    assert "asking [bold]plain[/]" in told
    assert "3 of 4, 1 [red]failed[/]" in told


def test_what_was_told_of_a_stage_is_not_told_of_the_next() -> None:
    _, _, last = go_through("asking", "measuring", terminal=True).rpartition("measuring")
    assert "3 of 4" not in last


def test_a_file_gets_a_line_with_the_time_for_each_stage() -> None:
    lines = go_through("asking [bold]plain[/]", "measuring", terminal=False).splitlines()
    assert [line[9:] for line in lines] == ["asking [bold]plain[/]", "measuring"]
    assert all(line[2] == line[5] == ":" for line in lines)
