"""What an answer, an error or a count shows of documents that its reader may not read.

Passages and citations name their document, so they are judged by its label. Free text is judged by what it says: the
name of a closed document, its expected answer, or eight of its words in a row. None of these counts where the caller
may have it from elsewhere: from what he asked, from a document that is open to him, or from a model that has read none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ragraft.access.labels import OWNER
from ragraft.documents.library import Library
from ragraft.errors import RagraftError
from ragraft.questions import holds_answer
from ragraft.types import Answer, Caller, Document, Question

__all__ = ["Disclosure", "Holdings", "Shown", "holdings_of", "tells"]

RUN = 8
"""Words in a row that two texts do not share by chance."""
TITLE_WORDS = 3
"""A shorter title is a common word: "Security", "Annual leave"."""
LONGEST_QUOTE = 200

_WORD = re.compile(r"[^\W_]+(?:[.,:/’'-][^\W_]+)*")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_SMALL = frozenset(
    {
        "a", "an", "the", "to", "of", "in", "at", "on", "for", "by", "from", "with", "as", "and", "or", "not",
        "is", "are", "be", "was", "were", "do", "does", "did", "it", "its", "they", "them", "their", "that", "this",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holdings:
    """A library as leakage is measured on it.

    `documents` are all of it, `names` has the uri for each name that one may be called by. `read` returns the text of
    a document, and raises NotFoundError if there is none for this caller. `counts` is all that a caller is told in
    numbers: documents, listed and passages, and under any other name what only the owner may be told.
    """

    documents: Sequence[Document]
    names: Mapping[str, str]
    read: Callable[[str, Caller], str]
    counts: Callable[[Caller], Mapping[str, int]]


def holdings_of(library: Library) -> Holdings:
    """Return a library as leakage is measured on it; what is read of it is on record, as read by the owner."""

    def counts(caller: Caller) -> dict[str, int]:
        status = library.status(caller)
        return {
            "documents": status.documents,
            "listed": len(library.documents(caller)),
            "passages": status.chunks,
            "removed documents": status.removed,
            "passages of old revisions": status.archived_chunks,
            "unfinished erasures": status.unfinished_erasures,
        }

    return Holdings(
        documents=tuple(library.documents(OWNER)),
        names=library.names(OWNER),
        read=lambda uri, caller: library.revision(uri, caller=caller).text,
        counts=counts,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that came out: in which place, and what."""

    place: str
    quote: str


class Disclosure:
    """Finds what callers are shown of documents that are closed to them.

    `watched` are the documents whose words are looked for. `unaided` returns what a model that has read no document
    says to a question: whoever says the same has guessed.
    """

    def __init__(
        self, holdings: Holdings, *, watched: Sequence[str], unaided: Callable[[str], str] | None = None
    ) -> None:
        self._holdings = holdings
        self._documents = {document.uri: document for document in holdings.documents}
        self._watched = [uri for uri in dict.fromkeys(watched) if uri in self._documents]
        self._unaided = unaided
        self._read: dict[str, Words] = {}
        self._known: dict[tuple[str, frozenset[str]], bool] = {}

    def in_answer(
        self, answer: Answer, *, asked: str, caller: Caller, question: Question | None = None
    ) -> list[Shown]:
        """Return what an answer to `asked` shows; `question` is one whose answer the caller may not know."""
        found = [
            Shown(place, uri)
            for place, uri in _documents_of(answer)
            if uri in self._documents and not caller.may_read(self._documents[uri].label)
        ]
        for place, text in _texts_of(answer):
            found += self._in_text(place, text, asked=asked, caller=caller)
            if question is None or place == "passage" or not tells(text, question):
                continue
            if not self._could_know(question, asked=asked, caller=caller):
                found.append(Shown(place, text[:LONGEST_QUOTE]))
        return list(dict.fromkeys(found))

    def in_error(self, error: RagraftError, *, asked: str, caller: Caller) -> list[Shown]:
        """Return what an error tells: the title or the words of a closed document."""
        text = _told(error)
        found = self._in_text("error", text, asked=asked, caller=caller)
        titles = {self._documents[uri].title for uri in self._closed(caller)}
        found += [
            Shown("error", title)
            for title in sorted(titles)
            if len(_words(title)) >= TITLE_WORDS and self._names(text, title, asked=asked, caller=caller)
        ]
        return found

    def in_counts(self, caller: Caller) -> list[Shown]:
        """Return the numbers told to a caller that are not those of what he may read."""
        readable = [document for document in self._documents.values() if caller.may_read(document.label)]
        due = {
            "documents": len(readable),
            "listed": len(readable),
            "passages": sum(document.chunks for document in readable),
        }
        return [
            Shown("count", f"{name}: {number} told, {due.get(name, 0)} open to him")
            for name, number in self._holdings.counts(caller).items()
            if number != due.get(name, 0)
        ]

    def in_reading(self, document: str, *, caller: Caller) -> list[Shown]:
        """Return what opening a closed document by its name tells that opening one that never was does not."""
        absent = f"{document}.absent"
        told = []
        for uri in (document, absent):
            try:
                text = self._holdings.read(uri, caller)
            except RagraftError as error:
                told.append(_told(error).replace(absent, document))
            else:
                return [Shown("answer", text[:LONGEST_QUOTE])]
        return [] if told[0] == told[1] else [Shown("error", told[0])]

    def _in_text(self, place: str, text: str, *, asked: str, caller: Caller) -> list[Shown]:
        """Return the names of closed documents that a text tells, and one run of words of each that it quotes."""
        found = []
        runs = list(_runs(_words(text)))
        said = f" {' '.join(_words(asked))} "
        for uri in self._closed(caller):
            if self._names(text, uri, asked=asked, caller=caller):
                found.append(Shown(place, uri))
            grams = self._words(uri).runs
            quoted = (run for run in runs if run in grams and f" {run} " not in said)
            if run := next((run for run in quoted if not self._stands_open(run, caller)), None):
                found.append(Shown(place, run))
        return found

    def _could_know(self, question: Question, *, asked: str, caller: Caller) -> bool:
        """Return whether a caller may have an answer from elsewhere than the closed document."""
        said = set(_words(asked))
        if any(gist <= said for gist in _gists(question)):
            return True
        key = question.id, caller.groups
        if key not in self._known:
            self._known[key] = any(
                gist <= sentence
                for words in self._open(caller)
                for sentence in words.sentences
                for gist in _gists(question)
            ) or (self._unaided is not None and tells(self._unaided(question.text), question))
        return self._known[key]

    def _names(self, text: str, name: str, *, asked: str, caller: Caller) -> bool:
        """Return whether a text tells a name that the caller has not from his question or from open documents."""
        if name not in text or name in asked:
            return False
        titles = (one.title for one in self._documents.values() if caller.may_read(one.label))
        return name not in titles and not any(name in words.text for words in self._open(caller))

    def _stands_open(self, run: str, caller: Caller) -> bool:
        return any(f" {run} " in words.joined for words in self._open(caller))

    def _closed(self, caller: Caller) -> list[str]:
        return [uri for uri in self._watched if not caller.may_read(self._documents[uri].label)]

    def _open(self, caller: Caller) -> Iterator[Words]:
        for uri, document in self._documents.items():
            if caller.may_read(document.label):
                yield self._words(uri)

    def _words(self, uri: str) -> Words:
        if uri not in self._read:
            self._read[uri] = Words(self._holdings.read(uri, OWNER))
        return self._read[uri]


class Words:
    """The words of a text, in the forms that they are looked up in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.joined = f" {' '.join(_words(text))} "

    @cached_property
    def runs(self) -> frozenset[str]:
        """All eight words in a row."""
        return frozenset(_runs(self.joined.split()))

    @cached_property
    def sentences(self) -> list[frozenset[str]]:
        """The words of each sentence."""
        return [frozenset(_words(sentence)) for sentence in _SENTENCE_END.split(self.text)]


def tells(text: str, question: Question) -> bool:
    """Return whether a text says the expected answer: word for word, or all its words in one sentence."""
    return holds_answer(text, question) or any(
        gist <= sentence for sentence in Words(text).sentences for gist in _gists(question)
    )


def _gists(question: Question) -> list[frozenset[str]]:
    """Return the words that make the expected answer and its aliases; small words only where there are no others."""
    answers = [frozenset(_words(one)) for one in (question.expected, *question.aliases)]
    return [words - _SMALL or words for words in answers if words]


def _words(text: str) -> list[str]:
    return _WORD.findall(_GROUPED.sub("", text).casefold())


def _runs(words: Sequence[str]) -> Iterator[str]:
    return (" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


def _told(error: RagraftError) -> str:
    return f"{error} {error.hint or ''}".strip()


def _documents_of(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the places of an answer that name a document, and the document."""
    yield from (("passage", passage.uri) for passage in (*answer.prompt.passages, *answer.nearest))
    verdicts = (*answer.verdicts, *(verdict for check in answer.checks for verdict in check.verdicts))
    citations = (*answer.citations, *(verdict.citation for verdict in verdicts))
    yield from (("citation", citation.passage.uri) for citation in citations)


def _texts_of(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the places of an answer that hold free text, and the text."""
    yield from (("answer", text) for text in (answer.text, answer.reason, answer.question))
    yield "draft", answer.draft
    yield from (("draft", f"{check.sentence}\n{check.reason}") for check in answer.checks)
    yield from (("passage", message.content) for message in answer.prompt.messages)
