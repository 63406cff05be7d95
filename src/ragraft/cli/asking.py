"""`ragraft search` and `ragraft ask`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.markup import escape

from ragraft.answer.cite import nearest_quote
from ragraft.cli.options import Session, as_of_option, print_json, with_session
from ragraft.types import Answer, Citation, Passage


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
        print_json([_passage(passage) for passage in passages])
        return
    if not passages:
        session.out.print("Nothing found.")
    for number, passage in enumerate(passages, 1):
        session.out.print(f"[bold]{number}. {escape(passage.title)}[/]  [dim]{escape(_place(passage))}[/]")
        session.out.print(passage.chunk.text.strip(), markup=False)
        session.out.print()


@click.command()
@click.argument("question")
@as_of_option
@with_session
def ask(session: Session, question: str, as_of: datetime | None) -> None:
    """Ask a question and get an answer from the documents you may read, with citations."""
    with session.open() as bench:
        caller = session.caller(bench)
        with session.err.status("looking and thinking"):
            answer = bench.rag.answer(question, caller=caller, as_of=as_of)
        embedded = not bench.settings.model.url and not bench.settings.model.path
        nearest = nearest_quote(question, passages=answer.prompt.passages, likeness=bench.likeness)
    if session.json:
        print_json(_answer(answer))
    else:
        _print_answer(session, answer, nearest if embedded else None)


def _passage(passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    return {
        "document": passage.uri,
        "title": passage.title,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "score": passage.score,
        "revision": passage.revision,
        "context": chunk.context,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "refused": answer.refused,
        "reason": answer.reason,
        "citations": [
            {
                "marker": verdict.citation.marker,
                "claim": verdict.citation.claim,
                "document": verdict.citation.passage.uri,
                "title": verdict.citation.passage.title,
                "page": verdict.citation.passage.chunk.page,
                "start": verdict.citation.start,
                "end": verdict.citation.end,
                "quote": verdict.citation.quote,
                "verdict": verdict.supported,
                "reason": verdict.reason,
                "revision": verdict.citation.passage.revision,
            }
            for verdict in answer.verdicts
        ],
        "invented": len(answer.invented),
        "dropped": [{"what": d.what, "items": d.items, "tokens": d.tokens} for d in answer.prompt.dropped],
        "system": {
            "name": answer.system.name,
            "kind": answer.system.kind,
            "model": answer.system.model,
            "settings_hash": answer.system.settings_hash,
        },
        "usage": {
            "prompt_tokens": answer.usage.prompt_tokens,
            "completion_tokens": answer.usage.completion_tokens,
        },
        "timings": dict(answer.timings),
    }


def _print_answer(session: Session, answer: Answer, nearest: Citation | None) -> None:
    out = session.out
    out.print(answer.text, markup=False)
    for citation in {(c.marker, c.start): c for c in answer.citations}.values():
        out.print()
        out.print(
            f"[bold]\\[{citation.marker}][/] {escape(citation.passage.title)}  [dim]{escape(_cited(citation))}[/]"
        )
        out.print(_marked(citation))
    if nearest is not None:
        out.print()
        out.print(
            f"[bold]nearest in the documents:[/] {escape(nearest.passage.title)}  [dim]{escape(_cited(nearest))}[/]"
        )
        out.print(_marked(nearest))
    for line in _remarks(answer, embedded=nearest is not None):
        session.err.print(line, markup=False, style="dim")


def _marked(citation: Citation) -> str:
    """Return the quote, marked, with a little of the passage around it."""
    text, offset = citation.passage.chunk.text, citation.passage.chunk.start
    before, after = text[: citation.start - offset], text[citation.end - offset :]
    before = ("…" if len(before) > 80 else "") + before[-80:].lstrip()
    after = after[:80].rstrip() + ("…" if len(after) > 80 else "")
    return f"    {escape(before)}[reverse]{escape(citation.quote)}[/]{escape(after)}".replace("\n", "\n    ")


def _remarks(answer: Answer, *, embedded: bool) -> list[str]:
    lines = []
    if answer.invented:
        numbers = ", ".join(f"[{number}]" for number in answer.invented)
        lines.append(f"{len(answer.invented)} citations named no passage and were taken out: {numbers}")
    names = {"question": "the question's end", "history": "earlier turns", "passages": "passages"}
    lines += [
        f"left out to fit the model: {names[d.what]} ({d.items} items, {d.tokens} tokens)"
        for d in answer.prompt.dropped
    ]
    if not answer.refused:
        lines.append("The answer was not checked against its citations.")
        if embedded:
            lines.append("The embedded model is demo-grade; [model] in ragraft.toml names a better one.")
    return lines


def _place(passage: Passage) -> str:
    page = f", page {passage.chunk.page}" if passage.chunk.page else ""
    return f"{passage.uri}{page}, characters {passage.chunk.start}-{passage.chunk.end}"


def _cited(citation: Citation) -> str:
    page = f", page {citation.passage.chunk.page}" if citation.passage.chunk.page else ""
    return f"{citation.passage.uri}{page}, characters {citation.start}-{citation.end}"
