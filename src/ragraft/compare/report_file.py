"""`report.json`: a whole comparison in one file, read back as it was written.

{"format": "ragraft-report", "schema": 1, "report": {...}}: the values of `results.Report` by their names.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from ragraft.compare.results import Report
from ragraft.errors import UserError
from ragraft.json_lines import first_few

__all__ = ["FORMAT", "SCHEMA", "read_report", "write_report", "write_whole"]

FORMAT = "ragraft-report"
SCHEMA = 1
"""Raised when a reader of the last one would read the new one wrongly; a key more is no reason."""

HINT = "give the report.json that `ragraft compare` wrote"


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything in the file."""

    format: str
    schema: int
    report: Report


def write_report(path: Path, report: Report) -> None:
    """Write a report, so that a reader or a power cut finds the old file or the new one.

    It quotes documents, so nobody but the owner may read the file. Numbers that JSON cannot hold are written as
    the words NaN, Infinity and -Infinity.
    """
    whole = Whole(FORMAT, SCHEMA, report)
    write_whole(path, to_json(whole, indent=1, inf_nan_mode="strings").decode() + "\n")


def read_report(path: Path) -> Report:
    """Return the report in a file.

    Raises: UserError if it is no report, a damaged one, or one of a newer schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint=HINT) from error
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON, or was cut short: {error}", hint=HINT) from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise UserError(f"{path} is no report of a comparison", hint=HINT)
    if whole.get("schema") != SCHEMA:
        raise UserError(
            f"{path} has schema {whole.get('schema')!r}; this version reads {SCHEMA}",
            hint="read it with the version of ragraft that wrote it, or compare again",
        )
    try:
        # From the text, not from `whole`: dates are known by their letters only where JSON is read.
        return _reader().validate_json(text).report
    except ValidationError as error:
        raise UserError(f"{path} is damaged: {_faults(error)}", hint=HINT) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file in UTF-8 that only its owner may read, all of it or nothing."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(opened)
        draft.replace(path)
    except (OSError, UnicodeEncodeError) as error:
        draft.unlink(missing_ok=True)
        raise UserError(
            f"{path} cannot be written: {error}", hint="give another folder with --out"
        ) from error


@cache
def _reader() -> TypeAdapter[Whole]:
    return TypeAdapter(Whole)


def _faults(error: ValidationError) -> str:
    """Return the first faults, each with its key, without what stands there: that may be anybody's text."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return first_few(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
