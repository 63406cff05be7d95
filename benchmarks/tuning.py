"""What fine-tuning shows: base against tuned model, on what was taught and on what must not be forgotten.

SmolLM2-135M is tuned three times, on two cores, with the preset: on the questions and the glossary of the example
company, on those of the handbook with the source lines that its style asks for, and on 12 messages for each of 77
categories of banking77. Base and tuned model are asked the same questions, greedily, by the engine that serves them. The
test questions are about documents that nothing taught is from, so what they ask cannot be known: they show style, form and
whether the model says that it does not know. Facts that were taught are asked too, word for word.

Intervals are of 95 %, by drawing documents, terms or categories anew, paired by question. There is one training per set,
so they do not hold what another seed would change. Right: the answer holds the expected words or an alias, which a long
answer does by accident too ("no" is one). The base is asked as it would be asked untuned: of banking77 once with the
instruction that was trained, once with one that names all 77 categories.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Report, run, say
from benchmarks.tuning_measures import (
    Pair,
    Side,
    add_answers,
    add_gates,
    add_labels,
    add_taught,
    add_terms,
    add_training,
)
from benchmarks.tuning_runs import CACHE, Candidate, Trial, base_folder, course, open_set, trained
from benchmarks.tuning_sets import SETS, Amount, TuningSet
from ragraft.models.files import chat_model_file
from ragraft.tune.export import SERVED
from ragraft.tune.gates.context import retrieval_frame
from ragraft.tune.gates.exam import exam_for
from ragraft.tune.gates.forgetting import general_text_gate
from ragraft.tune.gates.gate import Ask, Gate
from ragraft.tune.losses import Losses

ANSWER_TOKENS, LABEL_TOKENS = 120, 24
"""How long an answer may get: the style allows 80 words; the longest label has 17 tokens."""


def measure(
    amount: Amount, *, sets: Sequence[str] = tuple(SETS), note: str = "", cache: Path = CACHE / "tuning"
) -> Report:
    """Return the figures of the sets, one after another. What `cache` holds of an earlier run is not done again.

    `note` is what the times of training depend on, if the machine was not its own.
    """
    report = Report(settings={"sets": list(sets), "answer tokens": ANSWER_TOKENS})
    base = Candidate(chat_model_file(), cache / "base")
    for name in sets:
        trial = Trial(name, amount)
        one = open_set(trial)
        side = Side(report, name, {"fingerprint": one.dataset.fingerprint, "unused": dict(one.unused)})
        report.detail[name] = side.detail
        out = trained(trial, one, base=base, cache=cache)
        add_training(side, course(out), len(one.dataset.train), note=note)
        tuned = Candidate(out / SERVED, out)
        tokens = LABEL_TOKENS if one.labels else ANSWER_TOKENS
        said = [model.sheet(tokens=tokens) for model in (base, tuned)]
        say(f"{name}: asking both models")
        listed = [one.with_labels(asked) for asked in one.questions] if one.labels else []
        said[0].fill([*one.asked, *listed])
        said[1].fill(one.asked)
        measure_set(side, one, base=said[0], tuned=said[1])
        add_gates(side, _gates(one, base, tuned, out))
    return report


def measure_set(side: Side, one: TuningSet, *, base: Ask, tuned: Ask) -> None:
    """Add what base and tuned model say to what was taught and to what was not."""
    say(f"{one.name}: asking {len(one.questions) + len(one.taught) + 2 * len(one.terms)} questions")
    pairs = [
        Pair(
            asked,
            base(asked.messages),
            tuned(asked.messages),
            base(one.with_labels(asked)) if one.labels else "",
        )
        for asked in one.questions
    ]
    if one.labels:
        add_labels(side, pairs, one.labels)
    else:
        add_terms(side, one, base=base, tuned=tuned)
        add_answers(side, pairs, style=one.style)
        taught = [Pair(asked, base(asked.messages), tuned(asked.messages)) for asked in one.taught]
        add_taught(side, taught)
        side.detail["taught"] = [pair.record() for pair in taught]
    side.detail["questions"] = [pair.record() for pair in pairs]


def _gates(one: TuningSet, base: Candidate, tuned: Candidate, out: Path) -> list[Gate]:
    """Return what the gates of `ragraft tune` find; those of the twin are not among them."""
    exam = exam_for(one.dataset, frame=retrieval_frame(base.model), style=one.style)
    said = [model.sheet(tokens=ANSWER_TOKENS) for model in (base, tuned)]
    say(f"{one.name}: {len(exam.questions())} questions of the gates")
    for sheet in said:
        sheet.fill(exam.questions())
    losses = [Losses(base_folder(), folder).of_texts for folder in (None, out)]
    return [
        *exam.marked(base=said[0], tuned=said[1]),
        general_text_gate(base=losses[0], tuned=losses[1]),
    ]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sets", nargs="+", choices=tuple(SETS), default=list(SETS), help="which are measured"
    )
    parser.add_argument("--note", default="", help="what the times depend on, say that others ran beside it")


def main() -> int:
    """Measure."""
    small = Amount(questions=6, terms=4, rows=1, tested=1)
    return run(
        "tuning",
        lambda chosen: measure(small if chosen.quick else Amount(), sets=chosen.sets, note=chosen.note),
        about=str(__doc__),
        options=_options,
    )


if __name__ == "__main__":
    sys.exit(main())
