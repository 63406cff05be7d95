"""Answers kept in a file as they come, so that a comparison that was stopped goes on where it was.

One JSON object a line, appended in one write: a killed process loses at most the line it was writing, which is then
asked again. An answer is found again by all that it depends on: the system's card, the question's words, who asked,
the state of the documents and this version of ragraft. A failure is on record too, and asked again by the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ragraft.compare.report_file import write_whole
from ragraft.compare.results import Said
from ragraft.types import Caller, Question, SystemCard

__all__ = ["AnswersKept", "answer_key"]


@dataclass(frozen=True, slots=True)
class Line:
    """What was said to what is behind a key, and the state of the documents then."""

    key: str
    revision: str
    said: Said


def answer_key(card: SystemCard, question: Question, *, caller: Caller, revision: str) -> str:
    """Return a digest of all that an answer depends on."""
    parts = [asdict(card), question.text, caller.name, sorted(caller.groups), caller.owner, revision]
    return hashlib.sha256(json.dumps([version("ragraft"), *parts]).encode()).hexdigest()[:24]


class AnswersKept:
    """The answers in a file, by key; without a file, those of this run alone.

    What was said of another state of the documents than `revision` is left out of the file at once: nobody will ask
    for it, and it may quote what has since been erased.
    """

    def __init__(self, path: Path | None, *, revision: str) -> None:
        self._path = path
        self._revision = revision
        self._said: dict[str, Said] = {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            lines = [line for line in _lines(path) if line.revision == revision]
            self._said = {line.key: line.said for line in lines}
            # Anew, so that what is appended begins a line of its own.
            write_whole(path, b"".join(map(_written, lines)).decode())

    def find(self, key: str, question: Question) -> Said | None:
        """Return what was said to a question; None if nothing was, or the system failed."""
        said = self._said.get(key)
        return None if said is None or said.failure else replace(said, question=question.id)

    def keep(self, key: str, said: Said) -> None:
        """Keep what was said, in the file before this returns."""
        self._said[key] = said
        if self._path is not None:
            # For the owner alone: answers quote documents that not everyone may read.
            opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(opened, "ab", buffering=0) as file:
                file.write(_written(Line(key, self._revision, said)))


@cache
def _form() -> TypeAdapter[Line]:
    return TypeAdapter(Line)


def _lines(path: Path) -> Iterator[Line]:
    """Yield the whole lines of a file; what a killed process began is none."""
    for line in path.read_bytes().split(b"\n"):
        try:
            yield _form().validate_json(line)
        except ValidationError:
            continue


def _written(line: Line) -> bytes:
    return _form().dump_json(line) + b"\n"
