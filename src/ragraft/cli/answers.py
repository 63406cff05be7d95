"""An answer as people read it in a terminal, and as JSON."""

from __future__ import annotations

import re
from typing import Any

from ragraft.cli.options import Session, printable, shown
from ragraft.types import Answer, Check, Citation, Passage

__all__ = ["answer_json", "marked", "parse_reference", "passage_json", "place", "print_answer", "reference"]

SHOWN_AROUND = 80
"""Characters of the passage that are shown before and after a quote."""

_REFERENCE = re.compile(r"(?P<uri>.+)@(?P<revision>\d+)#(?P<start>\d+)-(?P<end>\d+)", re.DOTALL)


def reference(citation: Citation) -> str:
    """Return what `ragraft show` takes: uri@revision#start-end, in characters of the document's text."""
    return f"{citation.passage.uri}@{citation.passage.revision}#{citation.start}-{citation.end}"


def parse_reference(text: str) -> tuple[str, int, int, int] | None:
    """Return (uri, revision, start, end) of a citation's reference, or None if it is not one."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    return found["uri"], int(found["revision"]), int(found["start"]), int(found["end"])


def place(passage: Passage) -> str:
    """Return where a passage stands, for a person."""
    page = f", page {passage.chunk.page}" if passage.chunk.page else ""
    return f"{passage.uri}{page}, characters {passage.chunk.start}-{passage.chunk.end}"


def passage_json(passage: Passage) -> dict[str, Any]:
    """Return a passage as `search --json` prints it."""
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


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as `ask --json` prints it."""
    return {
        "text": answer.text,
        "refused": answer.refused,
        "reason": answer.reason,
        "origin": answer.origin,
        "question": answer.question,
        "confidence": answer.confidence,
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
                "reference": reference(verdict.citation),
            }
            for verdict in answer.verdicts
        ],
        "checks": [_check_json(check) for check in answer.checks],
        "draft": answer.draft,
        "invented": len(answer.invented),
        "repaired": sum(check.repaired for check in answer.checks),
        "nearest": [
            {"document": passage.uri, "title": passage.title, "page": passage.chunk.page}
            for passage in answer.nearest
        ],
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


def print_answer(session: Session, answer: Answer, *, asked: str, demo_grade: bool) -> None:
    """Print an answer with its evidence; remarks go to standard error."""
    out, err = session.out, session.err
    if answer.question != asked:
        err.print(f"understood as: {printable(answer.question)}", markup=False, style="dim")
    out.print(printable(answer.text), markup=False, style="bold" if out.is_terminal else None)
    for citation in {(c.marker, c.start): c for c in answer.citations}.values():
        out.print()
        page = f", page {citation.passage.chunk.page}" if citation.passage.chunk.page else ""
        out.print(
            f"[bold]\\[{citation.marker}][/] {shown(citation.passage.title)}{page}  [dim]{shown(reference(citation))}[/]"
        )
        out.print(marked(citation))
    if answer.nearest:
        out.print()
        out.print("Nearest in the documents:")
        for passage in answer.nearest:
            out.print(f"  {shown(passage.title)}  [dim]{shown(place(passage))}[/]")
    for line in _remarks(answer, demo_grade=demo_grade):
        err.print(printable(line), markup=False, style="dim")


def marked(citation: Citation) -> str:
    """Return the quote, marked, with a little of the passage around it."""
    chunk = citation.passage.chunk
    before, after = chunk.text[: citation.start - chunk.start], chunk.text[citation.end - chunk.start :]
    before = ("…" if len(before) > SHOWN_AROUND else "") + before[-SHOWN_AROUND:].lstrip()
    after = after[:SHOWN_AROUND].rstrip() + ("…" if len(after) > SHOWN_AROUND else "")
    before, quote, after = (shown(part) for part in (before, citation.quote, after))
    return f"    {before}[reverse]{quote}[/]{after}".replace("\n", "\n    ")


def _check_json(check: Check) -> dict[str, Any]:
    return {
        "sentence": check.sentence,
        "support": check.support,
        "reason": check.reason,
        "score": check.score,
        "repaired": check.repaired,
        "shown": check.shown,
        "citations": [reference(verdict.citation) for verdict in check.verdicts],
    }


def _remarks(answer: Answer, *, demo_grade: bool) -> list[str]:
    lines = []
    if answer.origin == "quotation" and answer.draft:
        lines.append(f"Quoted from the documents, for {answer.reason}.")
    elif answer.reason:
        lines.append(f"{answer.reason[:1].upper()}{answer.reason[1:]}.")
    if answer.origin == "model":
        lines += [
            f"left out, {check.support}: {check.sentence} ({check.reason})"
            for check in answer.checks
            if not check.shown
        ]
    if repaired := sum(check.repaired and check.shown for check in answer.checks):
        lines.append(
            f"{repaired} citation{'s' * (repaired > 1)} set to the passage that supports the sentence."
        )
    if answer.invented:
        numbers = ", ".join(f"[{number}]" for number in answer.invented)
        lines.append(f"{len(answer.invented)} citations named no passage and were taken out: {numbers}")
    names = {"question": "the question's end", "history": "earlier turns", "passages": "passages"}
    lines += [
        f"left out to fit the model: {names[d.what]} ({d.items} items, {d.tokens} tokens)"
        for d in answer.prompt.dropped
    ]
    if demo_grade and not answer.refused:
        lines.append("The embedded model is demo-grade; [model] in ragraft.toml names a better one.")
    return lines
