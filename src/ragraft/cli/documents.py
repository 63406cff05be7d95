"""`ragraft list`, `show`, `remove` and `erase`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click
from rich.table import Table

from ragraft.cli.answers import parse_reference
from ragraft.cli.options import Session, as_of_option, print_json, printable, shown, with_session
from ragraft.documents.erase import Receipt
from ragraft.documents.library import require_owner
from ragraft.errors import UserError
from ragraft.systems import Workbench

CONTEXT = 600
"""Characters before and after a cited stretch that are shown with it, as whole lines."""

STILL_THERE = "A file that is still in an added folder comes back with the next `ragraft add` of it."


@click.command("list")
@with_session
def list_documents(session: Session) -> None:
    """List the documents that you may read."""
    with session.open() as bench:
        documents = bench.library.documents(session.caller(bench))
    if session.json:
        print_json(
            [
                {
                    "uri": document.uri,
                    "title": document.title,
                    "groups": sorted(document.label.groups),
                    "revision": document.revision,
                    "chunks": document.chunks,
                    "added_at": document.added_at,
                }
                for document in documents
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("document", "title", "readable by", "revision", "passages", "added"):
        table.add_column(
            name, justify="right" if name in ("revision", "passages") else "left", overflow="fold"
        )
    for document in documents:
        added = document.added_at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(
            printable(document.uri),
            printable(document.title),
            str(document.label),
            str(document.revision),
            str(document.chunks),
            added,
        )
    session.out.print(table) if documents else session.out.print(
        "The library holds nothing that you may read."
    )


@click.command()
@click.argument("uri", metavar="URI|CITATION")
@as_of_option
@with_session
def show(session: Session, uri: str, as_of: datetime | None) -> None:
    """Show a document's text, as it is or as it was; or the place that a citation names.

    A citation is written uri@revision#start-end, as `ragraft ask` prints it.
    """
    with session.open() as bench:
        if cited := parse_reference(uri):
            _show_citation(session, bench, *cited)
            return
        revision = bench.library.revision(uri, caller=session.caller(bench), as_of=as_of)
    if session.json:
        value = asdict(revision)
        document = value.pop("document")
        print_json(
            {
                "uri": document["uri"],
                "title": document["title"],
                "groups": sorted(document["label"]["groups"]),
                "revision": value.pop("number"),
                "pages": [asdict(page) for page in revision.pages],
                **{
                    name: value[name]
                    for name in ("language", "media_type", "metadata", "valid_from", "valid_to", "text")
                },
            }
        )
        return
    document = revision.document
    until = f" to {revision.valid_to:%Y-%m-%d %H:%M}" if revision.valid_to else ""
    session.err.print(
        f"{document.title} · {document.uri} · revision {revision.number} of {revision.valid_from:%Y-%m-%d %H:%M}{until}"
        f" · readable by {document.label}",
        markup=False,
    )
    # Into a file or another program the text goes as it is.
    click.echo(printable(revision.text) if session.out.is_terminal else revision.text)


def _show_citation(session: Session, bench: Workbench, uri: str, number: int, start: int, end: int) -> None:
    """Show a stretch of a revision, marked, in the text around it."""
    text = bench.library.revision_text(uri, number, caller=session.caller(bench))
    if not 0 <= start < end <= len(text):
        raise UserError(
            f"{uri} revision {number} has characters 0 to {len(text)}, not {start}-{end}",
            hint="copy the whole reference that `ragraft ask` prints",
        )
    quote = text[start:end]
    if session.json:
        print_json({"uri": uri, "revision": number, "start": start, "end": end, "quote": quote})
        return
    first, last = _lines_around(text, start, end)
    session.err.print(f"{uri} · revision {number} · characters {start}-{end}", markup=False)
    parts = shown(text[first:start]), f"[reverse]{shown(quote)}[/]", shown(text[end:last])
    session.out.print(
        "".join([*(["…\n"] if first else []), *parts, *(["\n…"] if text[last:].strip() else [])])
    )


def _lines_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the whole lines that lie within CONTEXT characters of a stretch."""
    first = text.find("\n", max(0, start - CONTEXT), start) + 1 or max(0, start - CONTEXT)
    last = text.rfind("\n", end, min(len(text), end + CONTEXT))
    first = 0 if start <= CONTEXT else first
    if end + CONTEXT >= len(text):
        return first, len(text.rstrip()) if len(text.rstrip()) >= end else end
    return first, last if last >= end else end + CONTEXT


@click.command()
@click.argument("uris", nargs=-1, required=True, metavar="URI...")
@with_session
def remove(session: Session, uris: tuple[str, ...]) -> None:
    """Take documents out of every list and search, at once.

    Their text stays for old citations and --as-of questions; `ragraft erase` destroys it.
    """
    with session.open() as bench:
        caller = session.caller(bench)
        for uri in uris:
            bench.library.remove(uri, caller=caller)
    if session.json:
        print_json({"removed": len(uris)})
    else:
        session.out.print(f"{len(uris)} removed; `ragraft erase` would also destroy the text")
        session.err.print(STILL_THERE)


@click.command()
@click.argument("uri", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--finish", is_flag=True, help="Finish erasures that were interrupted.")
@with_session
def erase(session: Session, uri: str | None, *, yes: bool, finish: bool) -> None:
    """Destroy a document, every byte of it, and get a receipt.

    Its rows go at once; then the tables are rewritten, the write-ahead log is dropped, and the files are
    searched for pieces of the text. This cannot be undone.
    """
    if (uri is None) == (not finish):
        raise click.UsageError("give the URI of a document, or --finish")
    if (
        uri is not None
        and not yes
        and (session.json or not click.confirm(f"Destroy {uri!r} for good?", err=True))
    ):
        raise click.UsageError("nothing was erased: --yes confirms it")
    with session.open() as bench, session.err.status("erasing") as status:

        def step(name: str) -> None:
            status.update(name)

        caller = session.caller(bench)
        require_owner(caller, "erase documents")
        if uri is None:
            count = bench.eraser.finish(on_step=step)
            print_json({"finished": count}) if session.json else session.out.print(
                f"{count} erasures finished"
            )
            return
        receipt = bench.eraser.erase(uri, caller=caller, on_step=step)
    if session.json:
        print_json(asdict(receipt))
    else:
        _print_receipt(session, receipt)


def _print_receipt(session: Session, receipt: Receipt) -> None:
    out = session.out
    out.print(f"[bold]Receipt[/]  erased on {receipt.erased_at}, in {receipt.seconds:.1f} s")
    out.print(f"document   {receipt.uri} (number {receipt.document})", markup=False)
    out.print(
        f"destroyed  {receipt.revisions} revisions, {receipt.chunks} passages and everything made of them"
    )
    if receipt.found_afterwards is None:
        out.print("checked    not possible: the database's files are not ours to read")
    else:
        out.print(
            f"checked    {receipt.looked_for} pieces of its text looked for in the database's files,"
            f" {receipt.found_afterwards} found"
        )
    if receipt.adapters:
        out.print(
            f"withdrawn  {', '.join(receipt.adapters)}: learned from it; train again, or `ragraft adapters remove`",
            markup=False,
        )
    if receipt.trainings_discarded:
        out.print(
            f"discarded  what a stopped training had left: {', '.join(receipt.trainings_discarded)}",
            markup=False,
        )
    if receipt.answers_discarded:
        out.print("discarded  answers that were kept for comparisons")
    for limit in receipt.limits:
        out.print(f"not ours   {limit}", markup=False)
    out.print(f"on record  entry {receipt.audit} of the audit")
    session.err.print(STILL_THERE)
