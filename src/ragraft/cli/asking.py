"""`ragraft search`, `ask` and `chat`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from rich.live import Live
from rich.text import Text

from ragraft.answering import Answering
from ragraft.cli.answers import answer_json, passage_json, place, print_answer
from ragraft.cli.options import F, Session, as_of_option, print_json, printable, shown, with_session
from ragraft.errors import UserError
from ragraft.json_lines import filled_lines
from ragraft.protocols import System
from ragraft.systems import SystemKind, Workbench
from ragraft.types import Answer, Caller, Message

MOST_TURNS = 20
"""Turns of a chat that are kept: more would not fit any budget."""


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True, help="Passages to show.")
@as_of_option
@with_session
def search(session: Session, query: str, limit: int, as_of: datetime | None) -> None:
    """Find the passages of the documents you may read that fit a query best."""
    with session.open() as bench:
        passages = bench.retriever.retrieve(query, limit=limit, caller=session.caller(bench), as_of=as_of)
    if session.json:
        print_json([passage_json(passage) for passage in passages])
        return
    if not passages:
        session.out.print("Nothing found.")
    for number, passage in enumerate(passages, 1):
        session.out.print(f"[bold]{number}. {shown(passage.title)}[/]  [dim]{shown(place(passage))}[/]")
        session.out.print(printable(passage.chunk.text.strip()), markup=False)
        session.out.print()


def system_options(command: F) -> F:
    """Give a command --adapter and --system."""
    adapter = click.option(
        "--adapter",
        metavar="NAME",
        help="Ask a tuned model (`ragraft adapters list`) in place of the usual one.",
    )
    system = click.option(
        "--system",
        type=click.Choice(["plain", "rag", "long_context", "tuned", "tuned_rag", "raft"]),
        help="rag, tuned_rag, raft: from the documents; plain, tuned: from memory; long_context: from all that fits.",
    )
    return adapter(system(command))


@click.command()
@click.argument("question")
@click.option(
    "--history",
    "history_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Earlier turns, JSON lines of {"role": "user"|"assistant", "content": ...}.',
)
@click.option(
    "--events", is_flag=True, help="Print JSON lines: the draft as it comes, the checked answer last."
)
@system_options
@as_of_option
@with_session
def ask(
    session: Session,
    question: str,
    *,
    history_file: Path | None,
    events: bool,
    adapter: str | None,
    system: SystemKind | None,
    as_of: datetime | None,
) -> None:
    """Ask a question and get a checked answer from the documents you may read, with citations.

    Every sentence is held against the documents before it is shown. `ragraft show REFERENCE` opens the
    place a citation names. A refusal says what is missing and what came nearest.
    """
    history = read_history(history_file) if history_file else []
    with session.open() as bench:
        caller = session.caller(bench)
        asked = Answering(bench).system(system, adapter=adapter, caller=caller)
        if session.json or events:
            on_text = _event if events else None
            answer = asked.answer(question, caller=caller, history=history, as_of=as_of, on_text=on_text)
            found = answer_json(answer)
            click.echo(
                json.dumps({"event": "answer", **found}, ensure_ascii=False)
            ) if events else print_json(found)
            return
        _answer_aloud(session, bench, asked, question, caller=caller, history=history, as_of=as_of)


@click.command()
@system_options
@as_of_option
@with_session
def chat(session: Session, *, adapter: str | None, system: SystemKind | None, as_of: datetime | None) -> None:
    """Ask one question after another; a follow-up is understood from those before it.

    Questions are read from the terminal, or one per line from another program. What was said is kept in
    memory only, and goes when you leave: an empty line, Ctrl-D or Ctrl-C.
    """
    with session.open() as bench:
        caller = session.caller(bench)
        asked = Answering(bench).system(system, adapter=adapter, caller=caller)
        history: list[Message] = []
        while question := _next_question(session):
            if session.json:
                answer = asked.answer(question, caller=caller, history=history, as_of=as_of)
                click.echo(json.dumps(answer_json(answer), ensure_ascii=False))
            else:
                answer = _answer_aloud(
                    session, bench, asked, question, caller=caller, history=history, as_of=as_of
                )
                session.out.print()
            history += [Message("user", question), Message("assistant", answer.text)]
            del history[:-MOST_TURNS]


class Turn(BaseModel):
    """One line of a history file."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["user", "assistant"]
    content: str


def read_history(path: Path) -> list[Message]:
    """Return the turns of a file of JSON lines, or of one JSON list.

    Raises: UserError naming the line that is no turn.
    """
    hint = 'each line must be {"role": "user" or "assistant", "content": "..."}'
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint=hint) from error
    turns: list[Turn] = []
    where = ""
    try:
        if text.lstrip().startswith("["):
            turns = TypeAdapter(list[Turn]).validate_json(text)
        else:
            for number, line in filled_lines(text):
                where = f"line {number}: "
                turns.append(Turn.model_validate_json(line))
    except ValidationError as error:
        raise UserError(f"{path} is no history: {where}{error.errors()[0]['msg']}", hint=hint) from error
    return [Message(turn.role, turn.content) for turn in turns]


def _answer_aloud(
    session: Session,
    bench: Workbench,
    asked: System,
    question: str,
    *,
    caller: Caller,
    history: Sequence[Message],
    as_of: datetime | None,
) -> Answer:
    """Answer on the terminal: the draft while it comes, then the checked answer in its place."""
    if session.err.is_terminal:
        with Live(console=session.err, transient=True, refresh_per_second=8) as live:
            live.update(Text("looking and thinking", style="dim"))
            draft = _draft_on(live.update)
            answer = asked.answer(question, caller=caller, history=history, as_of=as_of, on_text=draft)
    else:
        answer = asked.answer(question, caller=caller, history=history, as_of=as_of)
    settings = bench.settings.model
    print_answer(
        session,
        answer,
        asked=question,
        demo_grade=not (settings.url or settings.path) and answer.system.kind == "rag",
    )
    return answer


def _draft_on(update: Callable[[Text], Any]) -> Callable[[str], None]:
    draft = Text("draft, not checked yet: ", style="dim")

    def more(piece: str) -> None:
        draft.append(printable(piece), style="dim")
        update(draft)

    return more


def _event(piece: str) -> None:
    click.echo(json.dumps({"event": "text", "text": piece}, ensure_ascii=False))


def _next_question(session: Session) -> str:
    """Return the next line typed, or nothing at the end."""
    try:
        if sys.stdin.isatty():
            return session.err.input("[bold]?[/] ").strip()
        return next((line.strip() for line in sys.stdin if line.strip()), "")
    except (EOFError, KeyboardInterrupt):
        return ""
