"""The examples of the guides run, and print what the guides say."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_examples import Example, agrees, examples, reader_folder, run_example
from markdown_pages import DOCS

from ragraft.cli.main import COMMANDS
from ragraft.workspace import create_workspace

EXAMPLES = {
    page.stem: found
    for page in sorted((DOCS / "guides").glob("*.md"))
    if (found := examples(page.read_text(encoding="utf-8")))
}


@pytest.mark.parametrize("guide", EXAMPLES)
def test_the_examples_of_a_guide_run_and_print_what_it_shows(guide: str, tmp_path: Path) -> None:
    with reader_folder(tmp_path / "reader") as place:
        if guide != "getting-started":
            create_workspace(place)
        for example in EXAMPLES[guide]:
            outcome = run_example(example)
            told = f"block in line {example.line}: $ {example.command}\n{outcome.everything}"
            assert outcome.exit_code == example.expected_exit, told
            if example.shown:
                assert agrees(example.shown, outcome.everything), f"{told}\nshown:\n{example.shown}"


def test_every_command_is_used_in_a_guide() -> None:
    used = {word for found in EXAMPLES.values() for example in found for word in example.command.split()}
    assert set(COMMANDS) - used == set()


def test_examples_are_read_with_their_output() -> None:
    page = "```console\n$ ragraft init\nmade\n$ ls\n```\n\n```text\n$ ragraft ask x\n```\n"
    assert examples(page) == [Example(1, "ragraft init", "made"), Example(1, "ls", "")]


def test_a_shown_error_is_expected_to_end_with_two() -> None:
    assert Example(1, "ragraft show x", "error: there is none\nhint: list").expected_exit == 2


def test_numbers_and_left_out_lines_do_not_tell_outputs_apart() -> None:
    assert agrees("3 added (12 passages)\n...\nend", "4 added  (1,017 passages)\none\ntwo\nend\n")


def test_other_words_tell_outputs_apart() -> None:
    assert not agrees("3 added", "3 replaced")


def test_a_missing_last_line_tells_outputs_apart() -> None:
    assert not agrees("3 added\nend", "3 added")
