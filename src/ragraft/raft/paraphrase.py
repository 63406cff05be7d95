"""Answers in other words, by a teacher: what is learned is then the answer and not its wording."""

from __future__ import annotations

import re

from ragraft.protocols import ChatModel
from ragraft.raft.rows import Paraphrase
from ragraft.types import Message, Question

__all__ = ["paraphraser"]

SYSTEM = (
    "You reword answers. Keep every number, name, date, unit and condition exactly as it is, and add nothing."
    " Write each wording on a line of its own, without numbering, and write nothing else."
)
TOKENS = 120
"""Most tokens of one wording."""

_LEADING_MARK = re.compile(r"^(?:[-*+•]|\d{1,2}[.)])\s+")


def paraphraser(teacher: ChatModel, *, count: int = 2) -> Paraphrase:
    """Return what has a teacher word an expected answer in up to `count` other ways.

    Only question and answer are sent, no document. Whether a wording still holds the answer is for `raft_rows` to
    check. What it returns raises ModelError if the teacher fails.
    """

    def paraphrase(question: Question) -> list[str]:
        asked = f"Question: {question.text}\nAnswer: {question.expected}\n\nWrite the answer in {count} other ways."
        messages = [Message("system", SYSTEM), Message("user", asked)]
        text = teacher.generate(messages, max_tokens=TOKENS * count).text
        lines = [_LEADING_MARK.sub("", line.strip()) for line in text.splitlines()]
        said = dict.fromkeys(line for line in lines if line and line != question.expected)
        return list(said)[:count]

    return paraphrase
