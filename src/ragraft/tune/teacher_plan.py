"""Which passages a teacher is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, zip_longest

from ragraft.documents.library import Library
from ragraft.errors import NotFoundError
from ragraft.protocols import Chunker
from ragraft.tune.store import ExampleStore
from ragraft.types import Caller, Document, ParsedDocument, Passage

__all__ = ["Lesson", "Plan", "plan_lessons"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A passage to ask about, and the line of its document on which it begins."""

    passage: Passage
    line: int

    @property
    def place(self) -> str:
        """The document and the line."""
        return f"{self.passage.uri}:{self.line}"

    @property
    def lines(self) -> range:
        """The lines of the document that the passage touches."""
        return range(self.line, self.line + self.passage.chunk.text.count("\n") + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent. `done` passages have examples already; `beyond` are over the limit."""

    lessons: tuple[Lesson, ...]
    done: int
    beyond: int

    @property
    def documents(self) -> int:
        """How many documents the passages are of."""
        return len({lesson.passage.uri for lesson in self.lessons})


def plan_lessons(
    library: Library, *, store: ExampleStore, chunker: Chunker, caller: Caller, limit: int | None = None
) -> Plan:
    """Return the passages that the caller may read and nothing was made from, in turn from every document.

    A passage counts as done if an example that he may read was written from one of its lines.
    """
    taught = {
        (source.document, source.revision, one.line)
        for one in store.examples(caller)
        for source in one.example.made_from
        if one.file == source.document
    }
    documents = [list(_lessons(one, library, chunker, caller)) for one in library.documents(caller)]
    lessons = [one for one in chain.from_iterable(zip_longest(*documents)) if one is not None]
    new = [
        one
        for one in lessons
        if taught.isdisjoint((one.passage.uri, one.passage.revision, line) for line in one.lines)
    ]
    chosen = new if limit is None else new[:limit]
    return Plan(tuple(chosen), done=len(lessons) - len(new), beyond=len(new) - len(chosen))


def _lessons(document: Document, library: Library, chunker: Chunker, caller: Caller) -> Iterator[Lesson]:
    try:
        revision = library.revision(document.uri, caller=caller)
    except NotFoundError:  # it went since it was listed
        return
    parsed = ParsedDocument(
        revision.text,
        revision.document.title,
        revision.media_type,
        revision.language,
        revision.pages,
        revision.metadata,
    )
    now = datetime.now(UTC)
    for chunk in chunker.chunk(parsed):
        passage = Passage(chunk, document.uri, parsed.title, revision.number, 0.0, now)
        yield Lesson(passage, parsed.text.count("\n", 0, chunk.start) + 1)
