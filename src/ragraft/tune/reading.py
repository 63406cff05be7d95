"""Files of examples, row by row: JSON lines, one JSON array, or CSV.

No row is lost: one that cannot be read is yielded with the reason.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragraft.errors import UserError
from ragraft.json_lines import filled_lines

__all__ = ["LARGEST_ROW", "RawRow", "Rejected", "read_rows"]

LARGEST_ROW = 1_000_000
"""Characters of one row; what is longer fits no model's window."""

ROLES_APART = {"role", "content"}
"""A CSV with these columns has one message a line; `conversation` says which belong together."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used. `row` is the file and the line it begins on; `reason` quotes nothing of it."""

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as its file has it. `row` is the file and the line, or the number in the array, it begins on."""

    row: str
    file: str
    line: int
    fields: dict[str, Any]


def read_rows(path: Path) -> Iterator[RawRow | Rejected]:
    """Yield every row of a file, in order; the suffix tells its form: .csv, .json, or else JSON lines.

    Raises: UserError if the file cannot be opened or is a CSV without a header.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}", hint="name a file of rows, .jsonl, .json or .csv"
        ) from error
    # Bytes that are no UTF-8 become lone surrogates, so that only the rows that hold them are rejected.
    text = content.decode("utf-8-sig", "surrogateescape")
    name = path.as_posix()
    match path.suffix.lower():
        case ".csv":
            yield from _checked(name, _csv_rows(path, text))
        case ".json" if text.lstrip().startswith("["):
            yield from _checked(name, _array_rows(text))
        case _:
            yield from _checked(name, ((number, _parsed(line)) for number, line in filled_lines(text)))


def _checked(name: str, rows: Iterator[tuple[int, Any]]) -> Iterator[RawRow | Rejected]:
    """Yield rows that are objects of readable text, and the others with their reason."""
    for number, value in rows:
        where = f"{name}:{number}"
        if isinstance(value, Rejected):
            yield Rejected(where, value.reason)
        elif not isinstance(value, dict):
            yield Rejected(where, "is no JSON object")
        elif not (written := json.dumps(value, ensure_ascii=False)).isascii() and not _encodes(written):
            yield Rejected(where, "is not UTF-8")
        elif len(written) > LARGEST_ROW:
            yield Rejected(where, f"is too big: {len(written):,} characters, {LARGEST_ROW:,} are allowed")
        else:
            yield RawRow(where, name, number, value)


def _parsed(line: str) -> Any:
    if len(line) > LARGEST_ROW:
        return Rejected("", f"is too big: {len(line):,} characters, {LARGEST_ROW:,} are allowed")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return Rejected(
            "", "is no JSON: " + (error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep")
        )


def _array_rows(text: str) -> Iterator[tuple[int, Any]]:
    try:
        yield from enumerate(json.loads(text), 1)
    except (ValueError, RecursionError) as error:
        yield 1, Rejected("", f"the file is no JSON: {error}")


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    header = text.partition("\n")[0]
    # Spreadsheets in German write semicolons.
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = {name.strip().lower(): name for name in reader.fieldnames or () if name}
    if not columns:
        raise UserError(f"{path} is empty", hint="the first line of a CSV names its columns")
    lines = _csv_lines(reader)
    if columns.keys() >= ROLES_APART:
        yield from _conversations(lines)
    else:
        yield from lines


def _csv_lines(reader: csv.DictReader[str]) -> Iterator[tuple[int, Any]]:
    """Yield each line's number and its cells by column, empty ones left out."""
    began = reader.line_num + 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield began, Rejected("", f"is no CSV: {error}")
        else:
            if None in row:
                yield began, Rejected("", "has more cells than the header has columns")
            elif None in row.values():
                yield began, Rejected("", "has fewer cells than the header has columns")
            else:
                yield (
                    began,
                    {key.strip().lower(): value for key, value in row.items() if key and value.strip()},
                )
        began = reader.line_num + 1


def _conversations(lines: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Put messages that stand one a line together: those with the same `conversation`, wherever they stand."""
    began: dict[str, int] = {}
    turns: dict[str, list[dict[str, str]]] = {}
    for number, fields in lines:
        if isinstance(fields, Rejected):
            yield number, fields
            continue
        name = fields.get("conversation", "")
        began.setdefault(name, number)
        turn = {"role": fields.get("role", ""), "content": fields.get("content", "")}
        turns.setdefault(name, []).append(turn)
    for name, number in began.items():
        yield number, {"messages": turns[name]}


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
