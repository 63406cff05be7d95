"""Every --json output has the keys and kinds that docs/reference/json.md shows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from console_examples import Example, examples, reader_folder, run_example
from markdown_pages import DOCS, blocks

from model_server import model_server
from ragraft.cli.main import COMMANDS

OPEN = frozenset({"languages", "weights", "detail", "measures", "excluded"})
"""Objects whose keys are not fixed."""
MORE = "…"
"""A key that stands for those of an object shown before."""


@dataclass(frozen=True, slots=True)
class Documented:
    """A command of the page and the JSON documents that the page shows under it, one or one per line."""

    example: Example
    shown: list[Any]


def documented(text: str) -> list[Documented]:
    """Return each command of the page with the block of JSON, or of JSON lines, that follows it."""
    found, command = [], None
    for block in blocks(text):
        if block.kind in ("json", "jsonl") and command is not None:
            found.append(Documented(command, _documents(block.text, lines=block.kind == "jsonl")))
        command = (
            next(iter(examples(f"```console\n{block.text}```\n")), None) if block.kind == "console" else None
        )
    return found


def _documents(text: str, *, lines: bool) -> list[Any]:
    return [json.loads(part) for part in (text.splitlines() if lines else [text]) if part.strip()]


PAGE = documented((DOCS / "reference" / "json.md").read_text(encoding="utf-8"))


def difference(shown: Any, given: Any, *, at: str = "") -> list[str]:
    """Return where two JSON values differ in keys or kinds; null may stand for any kind."""
    if shown is None or given is None:
        return []
    if isinstance(shown, dict) and isinstance(given, dict):
        if at.rpartition(".")[2] in OPEN:
            return []
        found = [f"{at}.{key} is shown and not given" for key in shown if key not in (*given, MORE)]
        found += [f"{at}.{key} is given and not shown" for key in given if not {key, MORE} & shown.keys()]
        return found + [
            line
            for key in shown.keys() & given.keys()
            for line in difference(shown[key], given[key], at=f"{at}.{key}")
        ]
    if isinstance(shown, list) and isinstance(given, list):
        if bool(shown) != bool(given):
            return [f"{at} is empty only in one"]
        return [line for item in given for line in difference(shown[0], item, at=f"{at}[]")]
    return (
        [] if _kind(shown) == _kind(given) else [f"{at} is shown as {_kind(shown)}, given as {_kind(given)}"]
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command of the page prints to standard output, run in the page's order."""
    place = tmp_path_factory.mktemp("json") / "reader"
    with model_server() as server, reader_folder(place), pytest.MonkeyPatch.context() as patch:
        (place / "damaged").mkdir()
        (place / "damaged" / "scan.pdf").write_text("no PDF")
        patch.setenv("RAGRAFT_MODEL_URL", server.url)
        patch.setenv("RAGRAFT_MODEL_NAME", "test-model")
        return {one.example.command: run_example(one.example).output for one in PAGE}


@pytest.mark.parametrize("one", PAGE, ids=lambda one: one.example.command)
def test_a_command_prints_the_json_that_the_page_shows(one: Documented, outputs: dict[str, str]) -> None:
    given = _documents(outputs[one.example.command], lines=len(one.shown) > 1)
    *others, last = one.shown
    assert difference(last, given[-1]) == []
    assert [item for item in given[:-1] if all(difference(shown, item) for shown in others)] == []


def test_every_command_with_json_is_on_the_page() -> None:
    on_page = {re.split(r"\bragraft ", one.example.command)[1].split()[0] for one in PAGE}
    assert on_page == set(COMMANDS)


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"c": 1}]}),
        ({"a": [1]}, {"a": []}),
        ([], {}),
    ],
)
def test_a_difference_is_seen(shown: Any, given: Any) -> None:
    assert difference(shown, given) != []


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ({"a": 1}, {"a": 2.5}),
        ({"a": None}, {"a": 2}),
        ({"languages": {"en": 1}}, {"languages": {"de": 2}}),
        ({"a": 1, "…": "…"}, {"a": 2, "b": 3}),
    ],
)
def test_other_values_of_the_same_kind_are_no_difference(shown: Any, given: Any) -> None:
    assert difference(shown, given) == []
