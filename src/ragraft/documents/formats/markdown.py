"""Markdown: its YAML front matter and its first heading. The text itself is left as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FrontMatter", "first_heading", "read_front_matter"]

_MAX_CHARACTERS = 65_536
_MAX_VALUES = 2_000
_MAX_DEPTH = 8
_FENCED_BY_RULES = re.compile(
    r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_KEY_LINE = re.compile(r"^([A-Za-z_][\w .-]*):[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_LINES_SEARCHED = 400


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands between the two rules at a file's start; the body begins at text[body_start:].

    `values` holds strings as they are written (a version 1.10 stays "1.10"), lists and mappings.
    `fault` says why it is not valid YAML, if it is not; `values` then has the plain `key: value` lines.
    """

    values: dict[str, Any] = field(default_factory=dict)
    body_start: int = 0
    fault: str = ""


def read_front_matter(text: str) -> FrontMatter:
    """Return the front matter of a Markdown text; an empty one if it has none."""
    found = _FENCED_BY_RULES.match(text[:_MAX_CHARACTERS]) if text.startswith("---") else None
    if found is None:
        return FrontMatter()
    block = found[1]
    try:
        values = _load(block)
    except ValueError as error:
        # Two rules around prose are no front matter; "title: 12: the end" is, though YAML refuses it.
        lines = {key.strip(): value.strip("\"'") for key, value in _KEY_LINE.findall(block)}
        return FrontMatter(lines, found.end(), str(error)) if lines else FrontMatter()
    return FrontMatter(values, found.end())


def first_heading(text: str, *, start: int = 0) -> str:
    """Return the first heading of a Markdown text as plain words, or "" if there is none near its start."""
    before = ""
    for line in _lines_outside_code(text, start):
        if (atx := _ATX.match(line)) and (words := _plain_words(atx[1])):
            return words
        if before and _UNDERLINE.match(line) and "|" not in before and (words := _plain_words(before)):
            return words
        before = line.strip()
    return ""


def _load(block: str) -> dict[str, Any]:
    import yaml

    try:
        # The base loader resolves nothing: `no` stays "no" and 2024-01-02 a string.
        values = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(getattr(error, "problem", None) or error).split())) from error
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    if not isinstance(values, dict):
        raise ValueError("is not a mapping of keys to values")  # noqa: TRY004 - one kind of fault for the caller
    return {str(key): value for key, value in _tree(values, [0], 0).items()}


def _tree(value: Any, seen: list[int], depth: int) -> Any:
    """Copy what YAML gave; aliases may make it endless or explode it, so count what is copied."""
    seen[0] += 1
    if seen[0] > _MAX_VALUES or depth > _MAX_DEPTH:
        raise ValueError("holds too many values or nests them too deep")
    if isinstance(value, dict):
        return {str(key): _tree(item, seen, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_tree(item, seen, depth + 1) for item in value]
    return str(value)


def _lines_outside_code(text: str, start: int) -> Iterator[str]:
    fence = ""
    for number, found in enumerate(
        re.finditer(r"[^\r\n]*(?:\r\n|\r|\n|\Z)", text[start : start + _MAX_CHARACTERS])
    ):
        line = found[0].rstrip("\r\n")
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif not fence:
            yield line
        if number >= _LINES_SEARCHED:
            return


def _plain_words(heading: str) -> str:
    words = re.sub(r"<[^<>]*>|\{[#.%][^{}]*\}", "", heading)
    words = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", words)
    words = re.sub(r"\*\*|__|`|(?<!\w)[*_]|[*_](?!\w)", "", words)
    words = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", words)
    return " ".join(words.split())
