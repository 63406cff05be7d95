"""How good the answers are that are shown: right, cited, and refused where they should be.

The test questions of the handbook and of the example company are asked as the owner. Three systems answer
from the same passages: what ragraft does by default (the embedded model, checked, with the quoting fallback),
the quoting fallback alone, and the model's draft as it is, which is what one would have without any of this.

right: the answer holds the expected words or one of their aliases. F1: over words, against the nearest of
them; long answers score low. citation precision: of the citations shown, those whose quote overlaps a piece
of the evidence; recall: of the answerable questions, those for which one does. Unanswerable questions have
no evidence, so every citation of theirs is wrong. The train questions were looked at while this was made.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Report, at_least, at_most, run, say
from benchmarks.ground import DATA, mean
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.answer.calibrate import risk_coverage
from ragraft.questions import holds_answer, read_questions, token_f1
from ragraft.systems import Workbench
from ragraft.types import Answer, Citation, Question

COMPANY = Path(__file__).resolve().parents[1] / "examples" / "company"
PLACES: Mapping[str, tuple[Path, Path]] = {
    "handbook": (DATA / "handbook" / "documents", DATA / "handbook" / "questions" / "test.jsonl"),
    "company": (COMPANY / "documents", COMPANY / "questions" / "test.jsonl"),
}
RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what one system answered."""

    question: Question
    answer: Answer

    @property
    def right(self) -> bool:
        """Whether an answer was given and holds what was expected."""
        return not self.answer.refused and holds_answer(self.answer.text, self.question)


def measure(*, questions: int | None = None, model: bool = True) -> Report:
    """Return the figures; `questions` bounds how many of each place are asked."""
    report = Report(settings={"questions": questions or "all"})
    for place, (documents, file) in PLACES.items():
        asked = read_questions(file)
        chosen = asked if questions is None else _sample(asked, questions)
        with new_library() as bench:
            bench.sync.add_path(documents, rules=AccessRules(), caller=OWNER)
            calibrate(bench)
            texts = _texts(bench)
            for name, answers in _systems(bench, chosen, model=model):
                report.add(*_figures(f"{place}, {name}", answers, texts, judged=name != "draft unchecked"))
                report.detail[f"{place}, {name}: missed"] = _missed(answers)
    return report


def _systems(
    bench: Workbench, questions: Sequence[Question], *, model: bool
) -> Iterator[tuple[str, list[Asked]]]:
    grounds = [bench.rag.ground(question.text, caller=OWNER) for question in questions]
    quoted = [bench.rag.quotation(ground) for ground in grounds]
    yield "quotation alone", [Asked(*pair) for pair in zip(questions, quoted, strict=True)]
    if not model:
        return
    answers = []
    for number, question in enumerate(questions, 1):
        answers.append(bench.rag.answer(question.text, caller=OWNER))
        if number % 25 == 0:
            say(f"{number} of {len(questions)} questions answered")
    yield "default", [Asked(*pair) for pair in zip(questions, answers, strict=True)]
    yield (
        "draft unchecked",
        [
            Asked(question, replace(answer, text=answer.draft, refused=not answer.draft))
            for question, answer in zip(questions, answers, strict=True)
        ],
    )


def _figures(name: str, answers: Sequence[Asked], texts: Mapping[str, str], *, judged: bool) -> list[Figure]:
    able = [one for one in answers if one.question.answerable]
    unable = [one for one in answers if not one.question.answerable]
    low, high = _interval([float(one.right) for one in able], _groups(able))
    figures = [
        Figure(
            f"{name}: right",
            mean(float(one.right) for one in able),
            note=f"{len(able)} answerable questions; {low:.2f} to {high:.2f} with 95 %, by document",
        ),
        Figure(
            f"{name}: F1",
            mean(0.0 if one.answer.refused else token_f1(one.answer.text, one.question) for one in able),
        ),
    ]
    if not judged:
        return figures
    refused = mean(float(one.answer.refused) for one in unable)
    wrongly = mean(float(one.answer.refused) for one in able)
    of_right = [one for one in able if not one.answer.refused]
    shown = [(one, citation) for one in answers for citation in one.answer.citations]
    fitting = [_fits(citation, one.question, texts) for one, citation in shown]
    found = [any(_fits(citation, one.question, texts) for citation in one.answer.citations) for one in able]
    unsupported = sum(
        check.shown and check.support not in ("supported", "no_claim")
        for one in answers
        for check in one.answer.checks
    )
    curve = _risk_by_coverage(answers)
    return [
        *figures,
        Figure(f"{name}: right among answered", mean(float(one.right) for one in of_right)),
        Figure(f"{name}: citation precision", mean(map(float, fitting)), note=f"{len(fitting)} citations"),
        Figure(f"{name}: citation recall", mean(map(float, found))),
        Figure(f"{name}: unsupported sentences shown", unsupported, target=at_most(0)),
        Figure(
            f"{name}: invented citations shown",
            sum(_invented_shown(one.answer) for one in answers),
            target=at_most(0),
        ),
        Figure(
            f"{name}: unanswerable refused",
            refused,
            target=at_least(0.70),
            note=f"{len(unable)} questions",
        ),
        Figure(f"{name}: answerable refused", wrongly, target=at_most(0.10)),
        Figure(
            f"{name}: wrong at half coverage",
            curve[1],
            reference="answering all",
            reference_value=curve[2],
            note=f"area under the risk-coverage curve {curve[0]:.3f}",
        ),
    ]


def _fits(citation: Citation, question: Question, texts: Mapping[str, str]) -> bool:
    """Return whether a citation overlaps a piece of the question's evidence."""
    for evidence in question.evidence:
        if evidence.document != citation.passage.uri:
            continue
        start = texts[evidence.document].find(evidence.quote)
        if start < citation.end and citation.start < start + len(evidence.quote):
            return True
    return False


def _invented_shown(answer: Answer) -> int:
    known = {citation.marker for citation in answer.citations}
    shown = {int(number) for number in re.findall(r"\[(\d{1,3})\]", answer.text)}
    return 0 if answer.refused else len(shown - known)


def _risk_by_coverage(answers: Sequence[Asked]) -> tuple[float, float, float]:
    """Return the area under the risk-coverage curve, the risk at half coverage and that at all."""
    confidences = np.array([one.answer.confidence or 0.0 for one in answers])
    right = np.array([one.right for one in answers], bool)
    risks = [risk for _, risk in risk_coverage(confidences, right)]
    return mean(risks), risks[len(risks) // 2 - 1], risks[-1]


def _interval(values: Sequence[float], groups: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % interval of a mean by resampling whole groups (percentile bootstrap)."""
    by_group: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by_group.setdefault(group, []).append(value)
    sums = np.array([(sum(one), len(one)) for one in by_group.values()], float)
    if not len(sums):
        return 0.0, 0.0
    chance = np.random.default_rng(0)
    drawn = sums[chance.integers(0, len(sums), (RESAMPLED, len(sums)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def _groups(answers: Sequence[Asked]) -> list[str]:
    return [
        one.question.evidence[0].document if one.question.evidence else one.question.id for one in answers
    ]


def _missed(answers: Sequence[Asked]) -> list[str]:
    """Return a line for each question that was not answered as it should be, for reading."""
    lines = []
    for one in answers:
        if one.right if one.question.answerable else one.answer.refused:
            continue
        expected = one.question.expected or "(unanswerable)"
        lines.append(
            f"{one.question.id}: {one.question.text} | {expected} | {one.answer.origin}: {one.answer.text}"
        )
    return lines


def _sample(questions: Sequence[Question], count: int) -> list[Question]:
    """Return about `count` questions, spread over the file."""
    return list(questions[:: max(1, len(questions) // count)])[:count]


def _texts(bench: Workbench) -> dict[str, str]:
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select d.uri, r.text from revision r join document d on (d.collection, d.id) = (r.collection, r.document)"
            " where r.valid_to is null"
        ).fetchall()
    return dict(rows)


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(questions=16 if chosen.quick else None)


if __name__ == "__main__":
    sys.exit(run("answers", _measure, about="answers shown: right, cited, refused where they should be"))
