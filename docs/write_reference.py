"""Writes docs/reference/commands.md and settings.md from the code: `python docs/write_reference.py`.

A test compares the two pages with what this makes, so neither can go out of date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ragraft.cli.main import cli
from ragraft.config import TABLES, Settings, describe_settings

REFERENCE = Path(__file__).parent / "reference"
REWRITE = "This page is written by `python docs/write_reference.py`; change the code, not the page."
WIDTH = 100

AS_TOML = {"True": "true", "False": "false", "()": "[]"}
"""Defaults that Python and TOML write differently."""

AS_WORDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
}
"""What a limit in the settings' JSON schema is called on the page."""

TABLE_HEAD = "| key | default | what it is | limits | environment |\n|---|---|---|---|---|"

SETTINGS_INTRODUCTION = f"""{REWRITE}

A workspace is set up by `ragraft.toml` in its folder. Every setting is optional:

```toml
[model]
url = "http://localhost:8000/v1"
name = "the-model-to-ask-for"

[callers]
maria = ["finance", "managers"]
```

- A variable of the environment overrides the file: `key` of `[section]` is `RAGRAFT_SECTION_KEY`. Lists are
  separated by commas. `RAGRAFT_DSN` is short for `RAGRAFT_DATABASE_DSN`.
- A key that is none of these is an error, and so is a value out of its limits. All faults are reported at once.
- Keys and the DSN are secrets: they print as stars. Better in the environment than in the file.
- `ragraft doctor --settings` lists every setting with the value it has."""

NAMED = {
    "strangers": "Models at addresses that `ragraft compare --systems stranger:NAME` asks too, as `[strangers.NAME]`.",
    "callers": "Who asks: a name for each person or program, for `--as NAME`.",
}
"""What sections are for whose keys are the user's own names."""

OTHER_VARIABLES = """## Other variables of the environment

| variable | what it is |
|---|---|
| `RAGRAFT_OS_USER` | user of the operating system that the embedded server runs as when ragraft runs as root; `nobody` |
| `RAGRAFT_DEBUG` | set to anything: a fault of ragraft shows where it happened |"""


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {"commands.md": commands_page(), "settings.md": settings_page()}


def commands_page() -> str:
    """Return the page with the help text of every command."""
    root = click.Context(cli, info_name="ragraft", terminal_width=WIDTH, **cli.context_settings)
    parts = [
        "# Commands",
        f"What `--help` prints. {REWRITE}",
        "Results go to standard output; progress, remarks and errors to standard error. With `--json` standard"
        " output holds JSON and nothing else: [json.md](json.md). Exit codes: 0 done, 2 a mistake"
        " the user can put right, 1 a fault of ours or of the machine, 130 interrupted: [errors.md](errors.md).",
    ]
    for context in _contexts(root):
        parts += [f"## {context.command_path}", f"```text\n{context.get_help().rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """Yield a command's context and those of the commands below it."""
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _contexts(click.Context(below, parent=context, info_name=name))


def settings_page() -> str:
    """Return the page with every setting."""
    schema = Settings.model_json_schema()
    parts = ["# Settings", SETTINGS_INTRODUCTION]
    section = ""
    for name, key, default, description in describe_settings():
        if name != section:
            section = name
            parts.append(f"## [{name}]\n\n{_section_says(schema, name)}\n\n{TABLE_HEAD}")
        variable = "" if name in TABLES else f"`RAGRAFT_{name}_{key}`".upper()
        default = f"`{AS_TOML.get(default, default)}`" if default else ""
        limits = _limits(schema, name, key)
        parts[-1] += f"\n| `{key}` | {default} | {description} | {limits} | {variable} |"
    return "\n\n".join([*parts, OTHER_VARIABLES]) + "\n"


def _properties(schema: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """Return the schema of a table of ragraft.toml."""
    reference = schema["properties"][section].get("$ref", "")
    found: Mapping[str, Any] = schema["$defs"].get(reference.rpartition("/")[2], {})
    return found


def _section_says(schema: Mapping[str, Any], section: str) -> str:
    return NAMED.get(section) or _properties(schema, section).get("description", "")


def _limits(schema: Mapping[str, Any], section: str, key: str) -> str:
    field = _properties(schema, section).get("properties", {}).get(key, {})
    kinds = [field, *field.get("anyOf", [])]
    limits = [
        words.format(f"{kind[limit]:,.12g}")
        for kind in kinds
        for limit, words in AS_WORDS.items()
        if limit in kind
    ]
    limits += ["begins with `http://` or `https://`" for kind in kinds if kind.get("pattern") == "^https?://"]
    limits += [" or ".join(f"`{word}`" for word in kind["enum"]) for kind in kinds if "enum" in kind]
    return ", ".join(limits)


if __name__ == "__main__":
    main()
