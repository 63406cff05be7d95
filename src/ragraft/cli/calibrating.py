"""`ragraft calibrate`."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from rich.progress import track

from ragraft.answer.calibrate import Calibration, Judged, calibrate_confidence
from ragraft.answer.confidence import load_confidence, save_confidence
from ragraft.charts import Line, draw_lines
from ragraft.cli.options import Session, print_json, with_session
from ragraft.documents.library import require_owner
from ragraft.errors import UserError
from ragraft.questions import holds_answer, read_questions
from ragraft.systems import Workbench
from ragraft.types import Caller, Question

FEWEST = 10
"""Questions of each kind below which a fit says nothing."""


@click.command()
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--wrongly-refused",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Most of the answerable questions that may be refused.",
)
@with_session
def calibrate(session: Session, questions: Path, wrongly_refused: float) -> None:
    """Set from your own questions when to refuse.

    QUESTIONS is a file of questions with their answers, some of which the documents do not answer
    (docs/reference/questions.md). No answer is generated: it takes a fraction of a second per question.
    """
    asked = read_questions(questions)
    without = sum(not question.answerable for question in asked)
    if min(without, len(asked) - without) < FEWEST:
        raise UserError(
            f"{questions} has {len(asked) - without} answerable and {without} unanswerable questions",
            hint=f"at least {FEWEST} of each are needed; unanswerable ones have an empty answer",
        )
    with session.open() as bench:
        caller = session.caller(bench)
        require_owner(caller, "calibrate")
        if bench.reader is None:
            raise UserError("there is no reader to calibrate", hint="set [answer] reader = true")
        judged = [
            judge(bench, question, caller)
            for question in track(asked, "reading", console=session.err, transient=True)
        ]
        found = calibrate_confidence(
            judged,
            start=load_confidence(),
            most_wrongly_refused=wrongly_refused,
            name=questions.name,
        )
        save_confidence(found.confidence, bench.confidence_file)
        picture = bench.confidence_file.with_name("risk-coverage.svg")
        draw(found, picture)
    if session.json:
        print_json(
            {
                "questions": len(asked),
                "unanswerable": without,
                "refitted": found.refitted,
                "threshold": found.confidence.threshold,
                "refused": found.refused,
                "wrongly_refused": found.wrongly_refused,
                "coverage": found.chosen[0],
                "risk": found.chosen[1],
                "picture": str(picture),
            }
        )
        return
    out = session.out
    out.print(f"{len(asked)} questions, {without} of them unanswerable; each judged by a fit on the others:")
    out.print(f"  refused, unanswerable     {found.refused:.0%}")
    out.print(f"  refused, answerable       {found.wrongly_refused:.0%}")
    out.print(
        f"  answered                  {found.chosen[0]:.0%}, of which {found.chosen[1]:.0%} wrong as a quotation"
    )
    out.print(f"  refuses below confidence  {found.confidence.threshold:.2f}")
    if not found.refitted:
        out.print(
            "  The shipped weights tell these questions apart as well as new ones: only the threshold is yours."
        )
    out.print(f"picture: {picture}", markup=False)


def judge(bench: Workbench, question: Question, caller: Caller) -> Judged:
    """Return what there is to answer a question from, in numbers, and whether the quotation is right."""
    ground = bench.rag.ground(question.text, caller=caller)
    if not ground.passages:
        raise UserError("the library is empty", hint="add documents first: ragraft add FOLDER")
    quoted = bench.rag.quotation(ground, refuse=False)
    return Judged(
        np.array(ground.signals),
        question.answerable,
        holds_answer(quoted.text, question),
        question.evidence[0].document if question.evidence else question.id,
    )


def draw(found: Calibration, path: Path) -> None:
    """Write the risk-coverage curve."""
    coverage, risk = found.chosen
    draw_lines(
        path,
        [Line("calibrated", found.curve), Line("as shipped", found.before, dashed=True)]
        if found.refitted
        else [Line("as shipped, with your threshold", found.curve)],
        title="Wrong answers against questions answered",
        across="questions answered",
        up="of them wrong (quotation alone)",
        marked=(coverage, risk, f"refuses below {found.confidence.threshold:.2f}"),
    )
