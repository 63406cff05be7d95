"""Fits the weights of the confidence that ships: src/ragraft/answer/confidence.json.

    python -m training.confidence            about two minutes; needs ../shared/data and the reader

The questions are the train questions of the handbook and of the example company, each asked twice: as a user
would, and with every passage that holds its evidence taken out of what is found, which makes it a question
that the documents do not answer although they are about it. The second kind teaches most: real questions
without an answer are few. The threshold is the one that refuses a tenth of the answerable questions, by
five folds over documents. The test questions are not looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.world import calibrate, new_library

from ragraft.access.labels import OWNER, AccessRules
from ragraft.answer.calibrate import Judged, calibrate_confidence, choose_threshold
from ragraft.answer.confidence import SIGNALS, Confidence, save_confidence, signals
from ragraft.answer.quote import split_passages
from ragraft.questions import read_questions
from ragraft.systems import Workbench, english_terms
from ragraft.types import Passage, Question

ROOT = Path(__file__).resolve().parents[1]
HANDBOOK = ROOT / "../shared/data/handbook"
COMPANY = ROOT / "examples/company"
PLACES = (
    (HANDBOOK / "documents", HANDBOOK / "questions/train.jsonl"),
    (COMPANY / "documents", COMPANY / "questions/train.jsonl"),
)
OUT = ROOT / "src/ragraft/answer/confidence.json"
FOUND = 20
GIVEN = 5
MOST_WRONGLY_REFUSED = 0.08
"""Under the tenth that is asked for, since new questions are a little harder than these."""


def judge_place(documents: Path, file: Path) -> tuple[list[Judged], list[Judged]]:
    """Return the questions as asked, and the same with their evidence taken out."""
    asked: list[Judged] = []
    without: list[Judged] = []
    with new_library() as bench:
        bench.sync.add_path(documents, rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for question in read_questions(file):
            found = bench.search.retrieve(question.text, limit=FOUND, caller=OWNER)
            held = [holds_evidence(passage, question) for passage in found]
            answered = question.answerable and any(held[:GIVEN])
            if answered or not question.answerable:
                asked.append(judge(bench, question, found[:GIVEN], answered=answered))
            if question.answerable:
                rest = [passage for passage, holds in zip(found, held, strict=True) if not holds]
                without.append(judge(bench, question, rest[:GIVEN], answered=False))
    return asked, without


def judge(bench: Workbench, question: Question, passages: Sequence[Passage], *, answered: bool) -> Judged:
    """Return a question's signals and whether these passages answer it."""
    assert bench.reader is not None
    readings = bench.reader.read(question.text, [passage.chunk.full_text for passage in passages])
    sentences = split_passages(question.text, passages=passages, likeness=bench.likeness)
    near = max(sentence.likeness for sentence in sentences)
    found = signals(question.text, passages=passages, readings=readings, near=near, terms=english_terms)
    group = question.evidence[0].document if question.evidence else question.id
    return Judged(found, answered, answered, group)


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
    asked: list[Judged] = []
    without: list[Judged] = []
    for place in PLACES:
        more, removed = judge_place(*place)
        asked += more
        without += removed
    start = Confidence(tuple(0.0 for _ in SIGNALS), 0.5, "")
    found = calibrate_confidence(
        [*asked, *without],
        start=start,
        most_wrongly_refused=MOST_WRONGLY_REFUSED,
        name="training/confidence.py",
    )
    fitted = found.confidence
    chances = np.array([fitted.probability(one.signals) for one in asked])
    labels = np.array([one.answerable for one in asked], bool)
    threshold = choose_threshold(chances, labels, most_wrongly_refused=MOST_WRONGLY_REFUSED)
    plain = [one for one in asked if not one.answerable]
    print(f"{len(asked)} questions as asked, {len(without)} with their evidence taken out")
    print("by five folds, all of them:", f"refused {found.refused:.2f}, wrongly {found.wrongly_refused:.2f}")
    print(
        f"threshold {threshold:.3f}: of {len(plain)} real unanswerable ones refused",
        f"{np.mean(chances[~labels] < threshold):.2f}, of the answerable ones {np.mean(chances[labels] < threshold):.2f}",
    )
    for name, weight in zip(SIGNALS, fitted.weights, strict=True):
        print(f"  {name:16} {weight:+.3f}")
    rounded = tuple(round(weight, 4) for weight in fitted.weights)
    told = f"{len(asked)} questions of two document sets, {len(without)} of them again without their evidence"
    save_confidence(replace(fitted, weights=rounded, threshold=round(threshold, 4), fitted_on=told), OUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
