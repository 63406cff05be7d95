"""Finds the passages to tune the embedder on: those with a question's evidence, and what search finds beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ragraft.database.pool import Database
from ragraft.documents.collection import find_collection
from ragraft.documents.formats.plain import storable
from ragraft.documents.markup import readable
from ragraft.protocols import Embedder, Retriever
from ragraft.questions import holds_answer
from ragraft.tune.likeness import NearText
from ragraft.tune.retriever_pairs import Pair, too_near
from ragraft.types import Caller, Chunk, Evidence, Example, Passage, Question, Vectors

__all__ = ["Mined", "Unplaced", "mine_pairs", "questions_of"]

DEPTH = 40
"""Passages of a search that are looked through for negatives."""

NEGATIVES = 8
"""Most negatives kept for a question; an epoch draws some of them."""

NEARLY_SAME = 0.8
NEARLY_ALL = 0.8
"""Likeness of two passages that count as one, and share of an answer's words by which its passage is known."""

_WORD = re.compile(r"\w{3,}")

KINDS = ("question", "document")
"""Kinds of example that ask something which a document answers."""

CHUNKS = (
    "select c.id, d.id, c.revision, d.uri, d.path, c.span_start, c.span_end, c.context, c.text from chunk c"
    " join document d on (d.collection, d.id) = (c.collection, c.document) where c.collection = %(collection)s"
    " and (d.uri = any(%(names)s) or d.path = any(%(names)s) or (d.uri, c.span_start) in"
    " (select * from unnest(%(uris)s::text[], %(starts)s::integer[]))) order by c.id"
)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A question that cannot be trained on, and why."""

    question: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mined:
    """Pairs, and by number the text, the vector and the place of every passage in them.

    A place is (uri, start). `sources` are the documents that these passages are of, with their revisions.
    """

    pairs: tuple[Pair, ...]
    unplaced: tuple[Unplaced, ...]
    texts: Mapping[int, str] = field(default_factory=dict)
    vectors: Mapping[int, Vectors] = field(default_factory=dict)
    places: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    sources: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """A passage as the database has it."""

    id: int
    document: int
    revision: int
    uri: str
    path: str
    chunk: Chunk

    @property
    def embedded(self) -> str:
        return readable(self.chunk.full_text)


def questions_of(examples: Iterable[Example]) -> list[Question]:
    """Return the questions of examples that were made from documents; their evidence is where these say the answer."""
    found = []
    for example in examples:
        if example.kind not in KINDS or not example.made_from:
            continue
        asked = next((turn.content for turn in reversed(example.messages) if turn.role == "user"), "")
        answer = example.messages[-1].content
        evidence = tuple(Evidence(source.document, "") for source in example.made_from)
        found.append(Question(example.id, asked, answer, (), evidence, example.kind))
    return found


def mine_pairs(
    questions: Sequence[Question],
    *,
    database: Database,
    retriever: Retriever,
    embedder: Embedder,
    caller: Caller,
    collection: str = "default",
    on_question: Callable[[int], None] = lambda _: None,
) -> Mined:
    """Return the questions whose evidence is in the library as pairs, and the others with the reason.

    `embedder` is the untuned one. Negatives are what the retriever finds that is no right passage, does not hold the
    evidence, is no near-duplicate of what does, and is not so near that it may well answer too.
    """
    found: list[list[Passage]] = []
    for done, question in enumerate(questions, 1):
        found.append(
            retriever.retrieve(question.text, limit=DEPTH, caller=caller) if question.evidence else []
        )
        on_question(done)
    rows = _read(database, caller, collection, questions, found)
    by_place = {(row.uri, row.chunk.start): row for row in rows}
    by_name: dict[str, list[_Row]] = {}
    for row in rows:
        for name in {row.uri, row.path}:
            by_name.setdefault(name, []).append(row)
    drafts, unplaced = [], []
    for question, passages in zip(questions, found, strict=True):
        right = _holding(question, by_name)
        if not right:
            unplaced.append(Unplaced(question.text, _reason(question, by_name)))
            continue
        near = [by_place[place] for p in passages if (place := (p.uri, p.chunk.start)) in by_place]
        drafts.append((question, right, _negatives(question, right, near)))
    return _with_vectors(drafts, unplaced, embedder)


def _read(
    database: Database,
    caller: Caller,
    name: str,
    questions: Sequence[Question],
    found: Sequence[Sequence[Passage]],
) -> list[_Row]:
    """Return every passage of the documents that questions name, and those that were found."""
    names = sorted({storable(one.document) for question in questions for one in question.evidence})
    places = sorted({(passage.uri, passage.chunk.start) for passages in found for passage in passages})
    with database.transaction(caller, read_only=True) as connection:
        collection = find_collection(connection, name)
        values: dict[str, Any] = {"collection": collection.id if collection else 0, "names": names}
        values |= {"uris": [uri for uri, _ in places], "starts": [start for _, start in places]}
        rows = connection.execute(CHUNKS, values).fetchall()
    return [
        _Row(id_, document, revision, uri, path, Chunk(start, end, text, context))
        for id_, document, revision, uri, path, start, end, context, text in rows
    ]


def _holding(question: Question, by_name: Mapping[str, Sequence[_Row]]) -> list[_Row]:
    """Return the passages that hold a question's evidence, in the documents that it names."""
    found: dict[int, _Row] = {}
    for one in question.evidence:
        rows = by_name.get(storable(one.document), ())
        chosen = [row for row in rows if _holds(row.chunk.text, one.quote or question.expected)]
        if not chosen and not one.quote:
            chosen = _saying(question.expected, rows)
        found |= {row.id: row for row in chosen}
    return list(found.values())


def _saying(answer: str, rows: Sequence[_Row]) -> list[_Row]:
    """Return the passage that has most of an answer's words, if it has nearly all."""
    wanted = set(_WORD.findall(answer.casefold()))
    shares = [
        len(wanted & set(_WORD.findall(row.chunk.text.casefold()))) / max(1, len(wanted)) for row in rows
    ]
    best = max(range(len(rows)), key=shares.__getitem__, default=None)
    return [rows[best]] if best is not None and shares[best] >= NEARLY_ALL else []


def _holds(text: str, quote: str) -> bool:
    """Return whether a text holds a quote, white space and signs of emphasis aside."""
    plain = (" ".join(readable(one).split()) for one in (text, quote))
    said, wanted = plain
    return bool(wanted) and (wanted in said or holds_answer(said, Question("", "", wanted, (), (), "")))


def _reason(question: Question, by_name: Mapping[str, Sequence[_Row]]) -> str:
    if not question.evidence:
        return "it names no evidence"
    if not any(storable(one.document) in by_name for one in question.evidence):
        return f"there is no document {question.evidence[0].document!r}"
    return "no passage of its document holds the evidence"


def _negatives(question: Question, right: Sequence[_Row], near: Sequence[_Row]) -> list[_Row]:
    """Return what was found, nearest first, that neither holds the evidence nor is nearly the same as what does."""
    same = NearText(((str(row.id), row.chunk.text) for row in right), at_least=NEARLY_SAME)
    return [
        row
        for row in near
        if not any(_holds(row.chunk.text, one.quote or question.expected) for one in question.evidence)
        and same.nearest(row.chunk.text) is None
    ]


def _with_vectors(
    drafts: Sequence[tuple[Question, list[_Row], list[_Row]]],
    unplaced: Sequence[Unplaced],
    embedder: Embedder,
) -> Mined:
    """Return the pairs, without the negatives that score too near to the right passage."""
    used = {row.id: row for _, right, near in drafts for row in (*right, *near)}
    texts = {number: row.embedded for number, row in used.items()}
    vectors = dict(zip(texts, embedder.embed(list(texts.values())), strict=True))
    asked = embedder.embed([question.text for question, _, _ in drafts])
    pairs = []
    for (question, right, near), vector in zip(drafts, asked, strict=True):
        own = np.max([vector @ vectors[row.id] for row in right])
        kept = [row.id for row in near if not too_near(vector @ vectors[row.id], own)][:NEGATIVES]
        pairs.append(Pair(question.text, right[0].uri, tuple(row.id for row in right), tuple(kept)))
    wanted = {number for pair in pairs for number in (*pair.positives, *pair.negatives)}
    return Mined(
        tuple(pairs),
        tuple(unplaced),
        {number: text for number, text in texts.items() if number in wanted},
        {number: vector for number, vector in vectors.items() if number in wanted},
        {number: (used[number].uri, used[number].chunk.start) for number in wanted},
        {row.document: row.revision for row in used.values() if row.id in wanted},
    )
