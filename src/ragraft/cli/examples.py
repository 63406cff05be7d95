"""`ragraft examples add`, `from-documents`, `list`, `show` and `remove`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import Progress
from rich.table import Table

from ragraft.access.labels import label_of
from ragraft.cli.example_parts import (
    encoder_of,
    print_reasons,
    print_redacted,
    redactor_opener,
    window_of,
)
from ragraft.cli.options import Session, print_json, printable, shown, with_session
from ragraft.cli.teaching import from_documents
from ragraft.documents.library import require_owner
from ragraft.questions import read_questions
from ragraft.tune.examples import Intake, Report
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.rows import KINDS
from ragraft.tune.store import Stored


@click.group()
def examples() -> None:
    """Add, list, show or remove what models are taught."""


examples.add_command(from_documents)


@examples.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--kind", type=click.Choice(list(KINDS)), help="What the rows are; else told by their keys.")
@click.option(
    "--group",
    "readers",
    multiple=True,
    metavar="GROUP",
    help="A group that may read these files; else only documents that rows name decide, or the owner alone.",
)
@click.option("--system", default="", metavar="TEXT", help="System message for rows that have none.")
@click.option(
    "--avoid",
    multiple=True,
    metavar="QUESTIONS",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of evaluation questions that no example may ask.",
)
@with_session
def add(
    session: Session,
    files: tuple[Path, ...],
    kind: str | None,
    readers: tuple[str, ...],
    system: str,
    avoid: tuple[Path, ...],
) -> None:
    """Add files of examples: questions with answers, chats, house terms, edits, product records.

    Each row is checked and kept, or rejected with its reason; personal data is replaced before anything is
    stored. Adding a file again adds what is new.
    """
    questions = [question for path in avoid for question in read_questions(path)]
    label = label_of(readers) if readers else None
    with session.open(create=True) as bench, Progress(console=session.err, transient=True) as progress:
        caller = session.caller(bench)
        require_owner(caller, "add examples")
        encoder = encoder_of(bench)
        intake = Intake(
            store=bench.examples,
            encoder=encoder,
            window=window_of(bench, encoder),
            open_redactor=redactor_opener(bench),
        )
        task = progress.add_task("checking", total=None)
        report = intake.add(
            files,
            caller=caller,
            kind=kind,
            groups=label,
            system=system,
            avoid=questions,
            on_row=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if session.json:
        print_json(
            {
                "kept": report.kept,
                "rejected": [{"row": one.row, "reason": one.reason} for one in report.rejected],
                "duplicates": report.duplicates,
                "fingerprint": report.fingerprint,
                "examples": report.examples,
                "kinds": report.kinds,
                "redacted": report.redacted,
                "unknown_documents": list(report.unknown_documents),
            }
        )
    else:
        _print_report(session, report)


@examples.command("list")
@with_session
def list_examples(session: Session) -> None:
    """List the examples that you may read."""
    with session.open() as bench:
        found = bench.examples.examples(session.caller(bench))
    if session.json:
        print_json([_summary(one) for one in found])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "kind", "row", "readable by", "made from", "question"):
        table.add_column(name, overflow="fold")
    for one in found:
        asked = next((turn.content for turn in one.example.messages if turn.role == "user"), "")
        origins = ", ".join(f"{source.document}@{source.revision}" for source in one.example.made_from)
        table.add_row(
            one.example.id,
            one.example.kind,
            shown(f"{one.file}:{one.line}"),
            str(one.example.label),
            shown(origins + (" (removed)" if one.withdrawn else "")),
            shown(" ".join(asked.split())[:80]),
        )
    session.out.print(table) if found else session.out.print("There are no examples that you may read.")


@examples.command()
@click.argument("example", required=False, metavar="ID")
@click.option("--all", "everything", is_flag=True, help="Show every example that you may read.")
@with_session
def show(session: Session, example: str | None, *, everything: bool) -> None:
    """Show an example as the model reads it: what is trained on stands out, the rest is dim.

    Control tokens of the model are shown as they are.
    """
    if (example is None) == (not everything):
        raise click.UsageError("give the ID of an example, or --all")
    with session.open() as bench:
        store, caller = bench.examples, session.caller(bench)
        found = store.examples(caller) if example is None else [store.find(example, caller=caller)]
        encoder = encoder_of(bench)
    if session.json:
        shapes = [_decoded(one, encoder) for one in found]
        print_json(shapes if example is None else shapes[0])
        return
    for one in found:
        _print_example(session, one, encoder)


@examples.command()
@click.argument("example", required=False, metavar="ID")
@click.option(
    "--file", "file", metavar="FILE", help="Remove all that came from this file, as `list` names it."
)
@with_session
def remove(session: Session, example: str | None, file: str | None) -> None:
    """Forget an example, or all of a file. A model that was trained on it still knows it."""
    if (example is None) == (file is None):
        raise click.UsageError("give the ID of an example, or --file FILE")
    with session.open() as bench:
        count = bench.examples.remove(name=example, file=file, caller=session.caller(bench))
    print_json({"removed": count}) if session.json else session.out.print(f"{count} removed")


def _summary(one: Stored) -> dict[str, Any]:
    return {
        "id": one.example.id,
        "kind": one.example.kind,
        "file": one.file,
        "line": one.line,
        "groups": sorted(one.example.label.groups),
        "made_from": [
            {"document": source.document, "revision": source.revision} for source in one.example.made_from
        ],
        "withdrawn": one.withdrawn,
        "added_at": one.added_at,
    }


def _decoded(one: Stored, encoder: ChatEncoder) -> dict[str, Any]:
    encoded = encoder.encode(one.example.messages)
    return {
        **_summary(one),
        "messages": [{"role": turn.role, "content": turn.content} for turn in one.example.messages],
        "tokens": len(encoded.ids),
        "trained_tokens": sum(encoded.trained),
        "pieces": [{"text": text, "trained": trained} for text, trained in encoder.pieces(encoded)],
    }


def _print_example(session: Session, one: Stored, encoder: ChatEncoder) -> None:
    encoded = encoder.encode(one.example.messages)
    session.err.print(
        f"{one.example.id} · {one.example.kind} · {one.file}:{one.line} · readable by {one.example.label}"
        f" · {sum(encoded.trained)} of {len(encoded.ids)} tokens are trained on",
        markup=False,
    )
    pieces = encoder.pieces(encoded)
    if session.out.is_terminal:
        styles = {True: "bold green", False: "dim"}
        session.out.print("".join(f"[{styles[trained]}]{shown(text)}[/]" for text, trained in pieces))
    else:
        # Without colours, brackets say the same.
        session.out.print(
            "".join(f"⟦{printable(text)}⟧" if trained else printable(text) for text, trained in pieces),
            markup=False,
        )


def _print_report(session: Session, report: Report) -> None:
    out = session.out
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items()))
    out.print(
        f"{report.kept} rows kept, {len(report.rejected)} rejected, {report.duplicates} of them duplicates"
        f"  ({report.examples} examples{': ' + kinds if kinds else ''})"
    )
    print_reasons(session, report.rejected)
    print_redacted(session, report.redacted)
    if report.unknown_documents:
        names = ", ".join(report.unknown_documents[:5]) + (" …" if len(report.unknown_documents) > 5 else "")
        out.print(f"not in the library: {printable(names)}", markup=False)
    out.print(f"fingerprint {report.fingerprint}")
