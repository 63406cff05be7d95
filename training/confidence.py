"""Fits the weights of the confidence that ships: src/ragraft/answer/confidence.json.

    python -m training.confidence            a minute; needs ../shared/data and the reader

The questions are the train questions of the handbook and of the example company: those whose evidence is
among the passages given, and those without an answer. The threshold is the one that refuses a tenth of the
former, by five folds over documents. The test questions are not looked at. (Questions whose evidence was
taken out of what is found, as further ones without an answer, were tried and did not help.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.world import calibrate, new_library

from ragraft.access.labels import OWNER, AccessRules
from ragraft.answer.calibrate import Judged, calibrate_confidence
from ragraft.answer.confidence import SIGNALS, Confidence, save_confidence, signals
from ragraft.answer.sentence import split_passages
from ragraft.questions import read_questions
from ragraft.systems import Workbench
from ragraft.types import Passage, Question

ROOT = Path(__file__).resolve().parents[1]
HANDBOOK = ROOT / "../shared/data/handbook"
COMPANY = ROOT / "examples/company"
PLACES = (
    (HANDBOOK / "documents", HANDBOOK / "questions/train.jsonl"),
    (COMPANY / "documents", COMPANY / "questions/train.jsonl"),
)
OUT = ROOT / "src/ragraft/answer/confidence.json"
GIVEN = 5
MOST_WRONGLY_REFUSED = 0.1


def judge_place(documents: Path, file: Path) -> list[Judged]:
    """Return the signals of the questions that the passages found answer, and of those that nothing answers."""
    judged = []
    with new_library() as bench:
        bench.sync.add_path(documents, rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for question in read_questions(file):
            found = bench.search.retrieve(question.text, limit=GIVEN, caller=OWNER)
            if any(holds_evidence(passage, question) for passage in found) or not question.answerable:
                judged.append(judge(bench, question, found))
    return judged


def judge(bench: Workbench, question: Question, passages: Sequence[Passage]) -> Judged:
    """Return a question's signals."""
    assert bench.reader is not None
    readings = bench.reader.read(question.text, [passage.chunk.full_text for passage in passages])
    sentences = split_passages(question.text, passages=passages, likeness=bench.likeness)
    found = signals(question.text, readings=readings, sentences=sentences)
    group = question.evidence[0].document if question.evidence else question.id
    return Judged(found, question.answerable, question.answerable, group)


def holds_evidence(passage: Passage, question: Question) -> bool:
    """Return whether a passage has a piece of the evidence, or most of one that a cut went through."""
    text = " ".join(passage.chunk.text.split())
    for evidence in question.evidence:
        quote = " ".join(evidence.quote.split())
        half = len(quote) // 2
        if evidence.document == passage.uri and (
            quote in text or quote[:half] in text or quote[half:] in text
        ):
            return True
    return False


def main() -> int:
    """Fit, print what it does to questions it was not fitted on, and write the weights."""
    judged = [one for place in PLACES for one in judge_place(*place)]
    found = calibrate_confidence(
        judged,
        start=Confidence((0.0,) * len(SIGNALS), 0.5, ""),
        most_wrongly_refused=MOST_WRONGLY_REFUSED,
        name="",
    )
    fitted = found.confidence
    without = sum(not one.answerable for one in judged)
    print(f"{len(judged)} questions, {without} without an answer; by five folds over documents:")
    print(
        f"refused {found.refused:.2f}, wrongly {found.wrongly_refused:.2f}, threshold {fitted.threshold:.3f}"
    )
    for name, weight in zip(SIGNALS, fitted.weights, strict=True):
        print(f"  {name:18} {weight:+.3f}")
    rounded = tuple(round(weight, 4) for weight in fitted.weights)
    told = f"{len(judged)} questions of two document sets, {without} of them without an answer"
    save_confidence(Confidence(rounded, round(fitted.threshold, 4), told), OUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
