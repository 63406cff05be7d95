"""Answers in other words, by a teacher: what is learned is then the answer and not its wording."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ragraft.errors import ModelError, UserError
from ragraft.protocols import ChatModel
from ragraft.raft.rows import Paraphrase
from ragraft.tune.checkpoints import locked
from ragraft.types import Message, Question

__all__ = ["kept_paraphrases", "paraphraser"]

SYSTEM = (
    "You reword answers. Keep every number, name, date, unit and condition exactly as it is, and add nothing."
    " Write each wording on a line of its own, without numbering, and write nothing else."
)
TOKENS = 120
"""Most tokens of one wording."""

GIVEN_UP_AFTER = 3
"""Failures one after another from which on the teacher is taken to be out of service."""
GO_ON = "see [teacher] in ragraft.toml, or go on without: --paraphrases 0"

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


@contextmanager
def kept_paraphrases(
    paraphrase: Paraphrase, *, folder: Path, teacher: str, on_answer: Callable[[int], None] = lambda _: None
) -> Iterator[Paraphrase]:
    """Yield the same, asking for each answer once: what the teacher said is kept in a folder, held by this program.

    A training that was stopped and one that is repeated so learn the same words. An answer at which it failed counts as
    one without other words, unless it fails several times in a row. `teacher` names who words them.

    Raises: UserError if another program holds the folder. What it yields raises ModelError for an answer at which the
    teacher fails, and UserError if it is out of service.
    """
    with locked(folder):
        known = _Known(folder / "said.jsonl", teacher)
        failures: list[Question] = []
        done = 0

        def paraphrase_once(question: Question) -> Sequence[str]:
            nonlocal done
            done += 1
            if (said := known.said(question)) is None:
                try:
                    said = list(paraphrase(question))
                except ModelError as error:
                    failures.append(question)
                    if len(failures) == GIVEN_UP_AFTER:
                        raise UserError(f"the teacher fails again and again: {error}", hint=GO_ON) from error
                    raise
                known.note(failures, [])
                known.note([question], said)
                failures.clear()
            on_answer(done)
            return said

        yield paraphrase_once
        known.note(failures, [])


class _Known:
    """What a teacher has said, in a file of JSON lines."""

    def __init__(self, file: Path, teacher: str) -> None:
        self._file, self._teacher = file, teacher
        self._said: dict[tuple[str, ...], list[str]] = {}
        for line in file.read_text(encoding="utf-8").split("\n") if file.exists() else ():
            try:
                asked, said = json.loads(line)
            except ValueError:  # empty, or cut short
                continue
            self._said[tuple(asked)] = said

    def said(self, question: Question) -> list[str] | None:
        return self._said.get(self._asked(question))

    def note(self, questions: Sequence[Question], said: list[str]) -> None:
        for question in questions:
            self._said[self._asked(question)] = said
            with self._file.open("a", encoding="utf-8") as file:
                # On a line of its own, whatever a call that was killed has left of the line before.
                file.write("\n" + json.dumps([self._asked(question), said]))

    def _asked(self, question: Question) -> tuple[str, ...]:
        return self._teacher, question.text, question.expected
