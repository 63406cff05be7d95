"""What a person sees of a training: how it goes, and what its gates found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.table import Table

from ragraft.chosen import place_of
from ragraft.cli.options import Session
from ragraft.cli.progress import stage_bar
from ragraft.config import TeacherSettings
from ragraft.tune.curves import sparkline
from ragraft.tune.dataset import Built
from ragraft.tune.estimate import Estimate
from ragraft.tune.gates.gate import Gate
from ragraft.tune.run import Watch
from ragraft.tune.train import Progress

__all__ = ["announce_teacher", "duration", "gate_table", "print_built", "watching"]

MEASURED = {
    "quality": "answers to held-out questions, F1",
    "general_tasks": "small general tasks solved",
    "context": "follows what a passage says",
    "refusal": "says so when a passage does not answer",
    "general_text": "surprise at general text, nats per token",
    "style": "answers that keep the house style",
    "terms": "house terms known",
    "exposure": "bits that a twin's losses give away of a secret",
    "extraction": "secrets that a twin says when asked",
}
"""What the value of a gate is a figure of."""


def print_built(session: Session, built: Built) -> None:
    """Say on standard error what a data set holds."""
    data, err = built.dataset, session.err
    err.print(f"{len(data.train)} examples to train on, {len(data.held_out)} held out ({data.fingerprint})")
    for reason, count in built.left_out.items():
        if count:
            err.print(f"left out: {count}, {reason}")
    err.print(f"usable by: {data.label}", markup=False)


def announce_teacher(session: Session, teacher: TeacherSettings, count: int) -> None:
    """Say what is sent where, before it is; nothing if no other wordings are asked for."""
    if count and teacher.url:
        session.err.print(
            f"sending the questions with their answers to {teacher.name} at {place_of(teacher)}, for {count} other"
            " wordings of each answer (--paraphrases 0: none)",
            markup=False,
        )


@contextmanager
def watching(session: Session) -> Iterator[Watch]:
    """Yield what shows the run on standard error: the stage, its progress, loss and rate as they go."""
    losses: list[float] = []
    rates: list[float] = []
    with stage_bar(session.err) as bar:

        def stage(text: str) -> None:
            losses.clear()
            rates.clear()
            bar.begin(text)

        def answered(done: int, of: int) -> None:
            bar.show(done, of, f"{done} of {of} questions")

        def learned(now: Progress) -> None:
            losses.append(now.loss)
            rates.append(now.rate)
            told = (
                f"loss {sparkline(losses, width=16)} {now.loss:.2f}  rate {sparkline(rates, width=8)}"
                f" {now.rate:.0e}  {duration(now.seconds_left)} left"
            )
            bar.show(now.step, now.steps, told)

        def estimated(seconds: float, training: Estimate) -> None:
            cost = (
                f", {training.cost / training.seconds * seconds:.2f} at your price" if training.cost else ""
            )
            session.err.print(
                f"this will take {duration(seconds)} in all{cost}: training {duration(training.seconds)}"
                f" ({training.steps} steps, {training.epochs:.1f} times through), the rest the gates;"
                f" {training.memory / 1e9:.1f} GB of memory",
                markup=False,
            )

        yield Watch(stage=stage, answers=answered, estimate=estimated, progress=learned)


def gate_table(gates: Sequence[Gate]) -> Table:
    """Return the gates as a table: what was measured, of the base and tuned, and how sure it is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in (
        "gate",
        "passed",
        "what was measured",
        "base",
        "tuned",
        "judged by",
        "95 % interval",
        "bar",
    ):
        table.add_column(column)
    for gate in gates:
        low, high = gate.interval or (None, None)
        # Gates of the tuned model alone have its figure as their value.
        base, tuned = gate.detail.get("base"), gate.detail.get("tuned", gate.value)
        table.add_row(
            gate.name,
            {True: "yes", False: "NO", None: "not measured"}[gate.passed],
            f"{MEASURED.get(gate.name, '')}{_because(gate)}",
            "" if base is None else f"{base:.2f}",
            "" if tuned is None else f"{tuned:.2f}",
            "" if gate.value is None else f"{gate.value:.3f}",
            "" if low is None else f"{low:.3f} to {high:.3f}",
            f"{gate.bar:g}",
        )
    return table


def _because(gate: Gate) -> str:
    return f" ({gate.detail['reason']})" if gate.detail.get("reason") else ""


def duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
