"""Answers in other words, by a teacher: what is learned is then the answer and not its wording."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ragraft.protocols import ChatModel
from ragraft.raft.rows import Paraphrase
from ragraft.types import Message, Question

__all__ = ["kept_paraphrases", "paraphraser"]

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


def kept_paraphrases(paraphrase: Paraphrase, *, kept: Path, teacher: str) -> Paraphrase:
    """Return the same, asking for each answer once: what the teacher said is kept in a file of JSON lines.

    A training that was stopped and one that is repeated so learn the same words. `teacher` names who words them.
    """
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {tuple(asked): said for asked, said in map(_read, lines) if asked}

    def paraphrase_once(question: Question) -> list[str]:
        asked = (teacher, question.text, question.expected)
        if asked not in known:
            known[asked] = list(paraphrase(question))
            kept.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("a", encoding="utf-8") as file:
                # On a line of its own, whatever a call that was killed has left of the line before.
                file.write("\n" + json.dumps([asked, known[asked]], ensure_ascii=False))
        return known[asked]

    return paraphrase_once


def _read(line: str) -> tuple[list[str], list[str]]:
    try:
        asked, said = json.loads(line)
    except ValueError:  # empty, or cut short
        return [], []
    return asked, said
