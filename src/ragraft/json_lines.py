"""Files of one JSON object per line, read whole: what is wrong with one is told at once, each fault by its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ragraft.errors import UserError

__all__ = ["filled_lines", "first_few", "read_json_lines"]

MOST_FAULTS = 5
"""Faults that are told; the others are counted."""

Form = TypeVar("Form", bound=BaseModel)
Thing = TypeVar("Thing")
Rows = Iterable[tuple[int, str | Mapping[str, str]]]
"""JSON texts, or what a row has by column, each with the number of its line."""


def filled_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that have anything in them, each with its number from 1 on."""
    # Not splitlines: JSON may hold other signs that Python takes for line ends.
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def read_json_lines(
    path: Path,
    form: type[Form],
    make: Callable[[Form, int], Thing],
    *,
    things: str,
    hint: str,
    id_of: Callable[[Thing], str] | None = None,
    rows: Callable[[str], Rows] = filled_lines,
) -> list[Thing]:
    """Return what `make` makes of each row and the number of its line, in order.

    Rows have the given form. `things` is what they are called where there are none. With `id_of` no two things may
    have the same id. `rows` finds the rows in the text of a file that is no JSON lines.

    Raises: UserError with `hint`, naming the first faults and how many more there are, or that there are no things.
    """
    made: list[Thing] = []
    faults: list[str] = []
    for number, row in rows(_text(path)):
        try:
            found = form.model_validate_json(row) if isinstance(row, str) else form.model_validate(row)
        except ValidationError as error:
            faults += [f"line {number}: {fault}" for fault in _faults(error)]
        else:
            made.append(make(found, number))
    if id_of is not None:
        uses = Counter(map(id_of, made))
        faults += [f"the id {name!r} is used more than once" for name, count in uses.items() if count > 1]
    if faults:
        raise UserError(f"{path} is wrong: {first_few(faults)}", hint=hint)
    if not made:
        raise UserError(f"{path} has no {things}", hint=hint)
    return made


def first_few(texts: Iterable[str], *, most: int = MOST_FAULTS) -> str:
    """Return the first texts in a row, and how many more there are."""
    told = list(texts)
    more = f" (and {len(told) - most} more)" if len(told) > most else ""
    return "; ".join(told[:most]) + more


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint="it must be a file in UTF-8") from error


def _faults(error: ValidationError) -> Iterator[str]:
    """Yield each fault of a row, with its key where it has one."""
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(map(str, item["loc"]))
        # A validator's own words need no lead; and each line is read by itself, so that all are line 1.
        said = item["msg"].removeprefix("Value error, ").replace(" at line 1 column", " at column")
        yield f"{where}: {said}" if where else said
