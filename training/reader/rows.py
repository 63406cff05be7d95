"""The rows of the reading sets: a question, a passage, and where its tokens answer it."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Encoding

from ragraft.models.files import embedder_folder
from ragraft.models.tokens import load_tokenizer

__all__ = ["TRAINED_ON", "Row", "holds_answer", "load", "normalise"]

DATA = Path(__file__).resolve().parents[2] / "../shared/data/reading"
TRAINED_ON = ("squad2-dev-half", "squadshifts-newwiki", "fairytaleqa", "timeqa-human")
MAX_QUESTION = 64


@dataclass(frozen=True, slots=True)
class Row:
    """A question with one passage. `spans` are (first, last) tokens of the passage that answer it."""

    set: str
    group: str
    text: str
    passage: str
    answers: tuple[str, ...]
    answerable: bool
    question: tuple[int, ...]
    tokens: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    spans: tuple[tuple[int, int], ...]


def load(split: str, sets: Sequence[str] = TRAINED_ON) -> list[Row]:
    """Return the rows of a split; answerable ones whose answer cannot be found in the passage are left out."""
    found = [
        json.loads(line) for name in sets for line in (DATA / f"{name}.{split}.jsonl").open(encoding="utf-8")
    ]
    tokenizer = load_tokenizer(embedder_folder() / "tokenizer.json")
    questions, passages = (
        tokenizer.encode_batch([row[key] for row in found], add_special_tokens=False)
        for key in ("question", "passage")
    )
    rows = [_row(*parts) for parts in zip(found, questions, passages, strict=True)]
    return [row for row in rows if row.spans or not row.answerable]


def _row(found: dict[str, Any], question: Encoding, passage: Encoding) -> Row:
    answers = [found["answer"], *found.get("alt_answers", ())] if found["answerable"] else []
    answers = [answer.strip() for answer in dict.fromkeys(answers) if answer and answer.strip()]
    return Row(
        set=found["set"],
        group=found["group"],
        text=found["question"],
        passage=found["passage"],
        answers=tuple(answers),
        answerable=bool(found["answerable"]),
        question=tuple(question.ids[:MAX_QUESTION]),
        tokens=tuple(passage.ids),
        offsets=tuple(passage.offsets),
        spans=tuple(_spans(found["passage"], answers, passage.offsets)),
    )


def _spans(text: str, answers: Sequence[str], offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = {start: place for place, (start, _) in enumerate(offsets)}
    ends = {end: place for place, (_, end) in enumerate(offsets)}
    spans = set()
    for answer in answers:
        for match in re.finditer(re.escape(answer), text):
            if match.start() in starts and match.end() in ends:
                spans.add((starts[match.start()], ends[match.end()]))
    return sorted(spans)


def holds_answer(passage: str, row: Row) -> bool:
    """Return whether a passage is the row's own or has one of its answers in it."""
    text = f" {normalise(passage)} "
    return passage == row.passage or any(f" {normalise(answer)} " in text for answer in row.answers)


def normalise(text: str) -> str:
    """Return the text as SQuAD's scorer compares it: lower case, no punctuation, no articles."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())
