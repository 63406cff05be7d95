"""The reference pages are what the code says."""

from __future__ import annotations

import runpy
from importlib import import_module

import click
import pytest
from markdown_pages import DOCS

from ragraft import errors
from ragraft.cli.main import COMMANDS, SUMMARIES
from ragraft.config import TABLES, Settings

REFERENCE = DOCS / "reference"
PAGES: dict[str, str] = runpy.run_path(str(DOCS / "write_reference.py"))["pages"]()


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_written_page_is_what_its_writer_makes(name: str) -> None:
    assert page(name) == PAGES[name], "run `python docs/write_reference.py`"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_its_help_on_the_page(name: str) -> None:
    assert f"\n## ragraft {name}\n" in page("commands.md")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_option_says_what_it_does(name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(import_module(module), attribute)
    below = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    silent = [
        option.name
        for one in below
        for option in one.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_the_list_of_commands_sums_up_each() -> None:
    assert list(SUMMARIES) == list(COMMANDS)


@pytest.mark.parametrize("section", [name for name in Settings.model_fields if name not in TABLES])
def test_every_setting_of_a_section_is_on_the_page_with_a_description(section: str) -> None:
    _, _, rest = page("settings.md").partition(f"\n## [{section}]\n")
    table = rest.partition("\n## ")[0]
    rows = {row.split("|")[1].strip(): row.split("|")[3].strip() for row in table.splitlines() if "`" in row}
    kind = type(getattr(Settings(), section))
    assert {f"`{key}`" for key in kind.model_fields} == {key for key, words in rows.items() if words}


@pytest.mark.parametrize("name", sorted(errors.__all__))
def test_an_error_is_explained(name: str) -> None:
    assert f"`{name}`" in page("errors.md")
