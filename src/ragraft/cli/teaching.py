"""`ragraft examples from-documents`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from ragraft.chosen import open_helper, place_of
from ragraft.cli.example_parts import (
    encoder_of,
    print_reasons,
    print_redacted,
    redactor_opener,
    window_of,
)
from ragraft.cli.options import Session, print_json, with_session
from ragraft.config import TeacherSettings
from ragraft.errors import SettingsError
from ragraft.protocols import ChatModel
from ragraft.questions import read_questions
from ragraft.systems import Workbench
from ragraft.tune.teacher import GIVEN_UP_AFTER, Lessons, TeacherReport
from ragraft.tune.teacher_plan import Plan, plan_lessons

__all__ = ["from_documents"]


@click.command("from-documents")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most passages to ask about, taken in turn from every document.",
)
@click.option(
    "--per-passage",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    metavar="K",
    help="Most pairs to ask for.",
)
@click.option(
    "--avoid",
    multiple=True,
    metavar="QUESTIONS",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of evaluation questions that no example may ask.",
)
@with_session
def from_documents(session: Session, limit: int | None, per_passage: int, avoid: tuple[Path, ...]) -> None:
    """Have a teacher write questions with answers from the documents, each checked against its passage.

    The teacher is the endpoint in [teacher] of ragraft.toml; the passages are sent to it. --as and --as-group
    restrict which documents are read. Passages that have examples already are left out.
    """
    questions = [question for path in avoid for question in read_questions(path)]
    with session.open() as bench:
        teacher = _teacher(bench.settings.teacher)
        caller, plan = session.caller(bench), _plan(session, bench, limit)
        _announce(session, bench.settings.teacher, plan, per_passage)
        lessons = _lessons(bench, teacher)
        with Progress(console=session.err, transient=True) as progress:
            task = progress.add_task("asking", total=len(plan.lessons))
            report = lessons.hold(
                plan,
                caller=caller,
                keeper=bench.caller(),
                per_passage=per_passage,
                avoid=questions,
                on_passage=lambda done: progress.update(task, completed=done),
            )
    if session.json:
        print_json(_taught(report))
    else:
        _print_taught(session, report)
    if report.interrupted:
        click.get_current_context().exit(130)
    if report.failed and len(report.failed) == report.asked:
        click.get_current_context().exit(1)


def _teacher(settings: TeacherSettings) -> ChatModel:
    """Return the teacher that the settings name. Raises: SettingsError if they name none."""
    if not settings.url:
        raise SettingsError(
            "writing examples from documents needs a teacher, and none is set",
            hint="set [teacher] url and name in ragraft.toml to an OpenAI-compatible API; passages are sent there",
        )
    return open_helper(settings, section="teacher")


def _plan(session: Session, bench: Workbench, limit: int | None) -> Plan:
    from ragraft.documents.chunk import DocumentChunker

    chunker = DocumentChunker(
        count_tokens=bench.embedder.count_tokens, max_tokens=bench.settings.documents.chunk_tokens
    )
    caller = session.caller(bench)
    return plan_lessons(bench.library, store=bench.examples, chunker=chunker, caller=caller, limit=limit)


def _announce(session: Session, settings: TeacherSettings, plan: Plan, per_passage: int) -> None:
    """Say what is sent where, before it is."""
    session.err.print(
        f"sending {len(plan.lessons)} passages of {plan.documents} documents to {settings.name} at {place_of(settings)},"
        f" for up to {per_passage} pairs each"
        f"  ({plan.done} have examples already, {plan.beyond} are over the limit)",
        markup=False,
    )


def _lessons(bench: Workbench, teacher: ChatModel) -> Lessons:
    encoder = encoder_of(bench)
    return Lessons(
        teacher=teacher,
        audit=bench.audit,
        store=bench.examples,
        # Nobody is shown what it finds; that the passages were read is on record already.
        retriever=bench.search,
        verifier=bench.verifier,
        reader=bench.reader,
        encoder=encoder,
        window=window_of(bench, encoder),
        open_redactor=redactor_opener(bench),
    )


def _taught(report: TeacherReport) -> dict[str, Any]:
    return {
        "passages": report.passages,
        "asked": report.asked,
        "not_asked": report.not_asked,
        "failed": [{"passage": one.row, "reason": one.reason} for one in report.failed],
        "pairs": report.pairs,
        "kept": report.kept,
        "rejected": [{"row": one.row, "reason": one.reason} for one in report.rejected],
        "duplicates": report.duplicates,
        "redacted": report.redacted,
        "fingerprint": report.fingerprint,
        "interrupted": report.interrupted,
    }


def _print_taught(session: Session, report: TeacherReport) -> None:
    out = session.out
    out.print(
        f"{report.asked} of {report.passages} passages asked about, {len(report.failed)} without a usable reply"
    )
    print_reasons(session, report.failed)
    out.print(
        f"{report.kept} pairs kept, {len(report.rejected)} rejected, {report.duplicates} of them duplicates"
    )
    print_reasons(session, report.rejected)
    print_redacted(session, report.redacted)
    out.print(f"fingerprint {report.fingerprint}")
    if report.interrupted:
        session.err.print("stopped; what was kept stays, and the same command goes on with the rest")
    elif report.not_asked:
        session.err.print(
            f"stopped after {GIVEN_UP_AFTER} failures one after another; check [teacher] in ragraft.toml",
            markup=False,
        )
