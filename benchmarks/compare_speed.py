"""How fast `ragraft compare` asks, beside the loop that one would write: one question after another.

Handbook questions are asked of plain and rag, of the same library and with the same weights, in one process. Compare has
them answered together, its models opened so that prompts which begin alike share their beginnings; the loop asks the
systems as they serve a user. Both are opened and asked a question before anything is timed. Each round has
questions of its own, so nothing is remembered of an answer, and the two take turns in going first. Answers are the
same if their texts are, sign for sign. Together, sums are made in another order, and where they are rounded another word
may come of it. So all is asked once more of models that compute in 32-bit floats: what then differs is no rounding.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.answers import PLACES
from benchmarks.comparing_pace import Pace
from benchmarks.comparing_workspace import spread
from benchmarks.figures import Figure, Report, at_least, at_least_times, run
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.answering import Answering
from ragraft.compare.asking import ask_all
from ragraft.models.files import chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.protocols import System
from ragraft.questions import read_questions
from ragraft.systems import SystemKind, Workbench
from ragraft.types import Question

FASTER, SAME = at_least_times(1.5), at_least(1.0)
KINDS: tuple[SystemKind, ...] = ("plain", "rag")
Systems = Mapping[str, System]
ROUNDS, EACH = 3, 16


@dataclass(frozen=True, slots=True)
class Round:
    """The seconds that one system took for some questions in both ways, and the texts that it gave."""

    system: str
    together: float
    alone: float
    said_together: tuple[str, ...]
    said_alone: tuple[str, ...]

    @property
    def same(self) -> int:
        """How many texts are the same."""
        return sum(one == other for one, other in zip(self.said_together, self.said_alone, strict=True))


def measure(*, rounds: int = ROUNDS, each: int = EACH) -> Report:
    """Return the figures of so many rounds with so many questions each."""
    documents, file = PLACES["handbook"]
    asked = spread(read_questions(file), rounds * each + 1)
    blocks = [asked[1 + at :: rounds] for at in range(rounds)]
    report = Report(settings={"rounds": rounds, "questions in each": each, "systems": list(KINDS)})
    with new_library() as bench, ExitStack() as last:
        exact = [last.enter_context(_exact(bench, prefix_caching=together)) for together in (True, False)]
        bench.sync.add_path(documents, rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for numerics, (first, second) in {"as served": (bench, bench), "in 32-bit floats": exact}.items():
            found = timed(*_ways(first, second), warm_up=asked[0], blocks=blocks, about=numerics)
            report.add(*figures_of(found, about=numerics))
            report.detail[f"seconds, {numerics}"] = [(one.system, one.together, one.alone) for one in found]
            report.detail[f"other answers, {numerics}"] = [
                {"system": one.system, "together": first, "alone": second}
                for one in found
                for first, second in zip(one.said_together, one.said_alone, strict=True)
                if first != second
            ]
    return report


def _ways(together: Workbench, alone: Workbench) -> tuple[Systems, Systems]:
    """Return the systems that are asked together and those that are asked one after another."""
    opened = (Answering(together, measuring=True, together=True), Answering(alone, measuring=True))
    first, second = (
        {str(kind): answering.system(kind, caller=OWNER) for kind in KINDS} for answering in opened
    )
    return first, second


def _exact(bench: Workbench, *, prefix_caching: bool) -> Workbench:
    """Return a workbench on the same library, with a model that rounds nothing."""
    model = LocalChatModel(chat_model_file(), prefix_caching=prefix_caching, exact=True)
    return Workbench(bench.workspace, model=model)


def timed(
    together: Systems,
    alone: Systems,
    *,
    warm_up: Question,
    blocks: Sequence[Sequence[Question]],
    about: str = "",
) -> list[Round]:
    """Return what each system took for each block in both ways, which take turns in going first."""
    for systems in (together, alone):
        for system in systems.values():
            system.answer(warm_up.text, caller=OWNER)
    found: list[Round] = []
    pace = Pace()
    pace.stage(f"asking {sum(map(len, blocks))} questions of {len(together)} systems twice, {about}")
    for number, block in enumerate(blocks):
        for name in together:
            ways = (
                partial(_ask_together, name, together[name], block),
                partial(_ask_alone, alone[name], block),
            )
            turned = number % 2 == 1
            took = [way() for way in (reversed(ways) if turned else ways)]
            (first, said), (second, told) = reversed(took) if turned else took
            found.append(Round(name, first, second, said, told))
            pace.steps(len(found), len(blocks) * len(together))
    return found


def figures_of(found: Sequence[Round], *, about: str) -> list[Figure]:
    """Return answers per minute of both ways, of all systems and of each, and how many texts are the same."""
    names = list(dict.fromkeys(one.system for one in found))
    figures = [_rate(f"all systems, {about}", found, judged=True)]
    figures += [
        _rate(f"{name}, {about}", [one for one in found if one.system == name], judged=False)
        for name in names
    ]
    asked, same = sum(len(one.said_alone) for one in found), sum(one.same for one in found)
    by_system = ", ".join(
        f"{name} {sum(one.same for one in found if one.system == name)}"
        f" of {sum(len(one.said_alone) for one in found if one.system == name)}"
        for name in names
    )
    return [*figures, Figure(f"the same answer, {about}", same / asked, target=SAME, note=by_system)]


def _rate(name: str, found: Sequence[Round], *, judged: bool) -> Figure:
    asked = sum(len(one.said_alone) for one in found)
    ratios = sorted(one.alone / one.together for one in found)
    return Figure(
        f"asking {name}",
        60 * asked / sum(one.together for one in found),
        "answers/min",
        target=FASTER if judged else None,
        reference="one after another",
        reference_value=60 * asked / sum(one.alone for one in found),
        note=f"{asked} answers; {ratios[0]:.2f} to {ratios[-1]:.2f} times in {len(ratios)} rounds",
    )


def _ask_together(name: str, system: System, questions: Sequence[Question]) -> tuple[float, tuple[str, ...]]:
    """Return the seconds and texts of asking as compare does, with every answer kept in a file."""
    with tempfile.TemporaryDirectory(prefix="ragraft-asked-") as folder:
        kept = Path(folder) / "answers.jsonl"
        began = time.perf_counter()
        said = ask_all({name: system}, questions, caller=OWNER, revision=lambda: "", kept=kept)[name]
        took = time.perf_counter() - began
    if failed := [one.failure for one in said if one.failure]:
        raise RuntimeError(f"{name} failed on {len(failed)} questions: {failed[0]}")
    return took, tuple(one.text for one in said)


def _ask_alone(system: System, questions: Sequence[Question]) -> tuple[float, tuple[str, ...]]:
    began = time.perf_counter()
    said = tuple(system.answer(one.text, caller=OWNER).text for one in questions)
    return time.perf_counter() - began, said


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--each", type=int, default=EACH, metavar="N", help="questions of a round")


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(rounds=2, each=4) if chosen.quick else measure(rounds=chosen.rounds, each=chosen.each)


if __name__ == "__main__":
    sys.exit(run("compare_speed", _measure, about=str(__doc__), options=_options))
