"""What every command shares: the workspace, the caller, JSON or words."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape

from ragraft.errors import NotFoundError
from ragraft.systems import Workbench
from ragraft.types import Caller
from ragraft.workspace import Workspace, create_workspace, find_workspace

__all__ = ["Session", "as_of_option", "print_json", "printable", "shown", "with_session"]

# Control characters but tab and line feed, and the signs that reorder what is written (Unicode UAX 9).
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Session:
    """One command's run: where, for whom, and how to print.

    `out` is for results, `err` for progress and remarks.
    """

    folder: Path | None
    name: str | None
    groups: tuple[str, ...]
    json: bool
    out: Console
    err: Console

    def open(self, *, create: bool = False) -> Workbench:
        """Return the workspace's parts; with `create`, made in the current folder if there is none."""
        workspace = self._find_or_create() if create else find_workspace(self.folder)
        return Workbench(workspace)

    def caller(self, bench: Workbench) -> Caller:
        """Return who the command acts for."""
        return bench.caller(name=self.name, groups=self.groups)

    def _find_or_create(self) -> Workspace:
        try:
            return find_workspace(self.folder)
        except NotFoundError:
            workspace, _ = create_workspace(self.folder or Path.cwd())
            self.err.print(f"made a workspace in {workspace.root}", highlight=False)
            return workspace


def with_session(command: F) -> F:
    """Give a command the options that all share, as one `session` argument."""

    @click.option(
        "--workspace",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the workspace; else the current one or a parent.",
    )
    @click.option(
        "--as", "name", metavar="NAME", help="Act for a caller named in ragraft.toml, with his groups."
    )
    @click.option(
        "--as-group",
        "groups",
        metavar="GROUP",
        multiple=True,
        help="Act for a caller of this group; may be given again.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else to standard output.")
    @click.pass_context
    @functools.wraps(command)
    def wrapped(
        context: click.Context,
        /,
        folder: Path | None,
        name: str | None,
        groups: tuple[str, ...],
        *,
        as_json: bool,
        **rest: Any,
    ) -> Any:
        given = folder or (context.obj or {}).get("workspace")
        session = Session(
            given,
            name,
            groups,
            as_json,
            # Output that goes to a file or another program is not folded to a terminal's width.
            Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 400),
            Console(stderr=True, highlight=False, soft_wrap=True),
        )
        return command(session, **rest)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the name, not the type


def as_of_option(command: F) -> F:
    """Give a command --as-of."""
    return click.option(
        "--as-of",
        type=Moment(),
        metavar="DATE",
        help="Answer from the documents as they were then: 2026-03-31 (its end) or 2026-03-31T14:00.",
    )(command)


class Moment(click.ParamType[datetime]):
    """A date, which means its end, or a time, in the machine's time zone unless it names one."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date like 2026-03-31 or 2026-03-31T14:00", param, ctx)
        if len(value.strip()) <= 10:
            moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
        return moment.astimezone(UTC)


def printable(text: str) -> str:
    """Return a document's words with every sign that would command the terminal made visible."""
    return _COMMANDING.sub("\N{REPLACEMENT CHARACTER}", text)


def shown(text: str) -> str:
    """Return a document's words for a console that reads markup: nothing in them commands it."""
    return escape(printable(text))


def print_json(value: Any) -> None:
    """Print a value as one JSON document; dataclasses become objects, dates become ISO 8601."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set | tuple):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
