"""Rows from reading sets, for learning to read passages at all before any house is learned.

A line of such a file is an object with question, passage, answer, answerable, group (its document) and perhaps title,
alt_answers and extractive. Passages are cut to the length that they have at serving time; distractors are the
passages of the same file that share most words with the question.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ragraft.answer.prompt import Budget
from ragraft.json_lines import read_json_lines
from ragraft.protocols import ChatModel
from ragraft.raft.rows import Rows, raft_rows
from ragraft.retrieve.lexical import count_terms, idf, weights
from ragraft.types import EVERYONE, AccessLabel, Chunk, Evidence, Passage, Question
from ragraft.verify.sentences import sentence_spans

__all__ = ["reading_rows"]

HINT = "each line needs question, passage, answer, answerable and group"
LANGUAGE = "en"
NEVER_CHANGES = datetime(2000, 1, 1, tzinfo=UTC)
"""When the passages are said to have been read; no row shows it, and equal rows stay equal."""

IN_RESERVE = 1.3
"""Questions looked at for each row wanted, since some make none."""


class ReadingLine(BaseModel):
    """One line of a reading set. `extractive` false: the answer is in the annotator's own words."""

    model_config = ConfigDict(extra="ignore")
    question: str = Field(min_length=1)
    passage: str = Field(min_length=1)
    answer: str | None = None
    alt_answers: list[str] = []
    answerable: bool
    extractive: bool = True
    title: str = ""
    group: str = Field(min_length=1)


def reading_rows(
    path: Path,
    *,
    count: int,
    seed: int,
    model: ChatModel,
    refusals: float = 0.15,
    passages: int = 5,
    characters: int = 900,
    budget: Budget | None = None,
) -> Rows:
    """Return up to `count` rows of a reading set's file, a share of `refusals` among them.

    Half of the refusals are of questions that their own passage does not answer, as far as there are such; the others
    of questions whose passage is left out. A passage has up to `characters`. The rest is as for `raft_rows`.

    Raises: UserError naming the first faults and how many more there are, or that there are no questions.
    """
    read = read_json_lines(path, ReadingLine, lambda line, _number: line, things="questions", hint=HINT)
    lines = [line for line in read if line.extractive or not line.answerable]
    random.Random(seed).shuffle(lines)  # noqa: S311  an order, not a secret
    shelf = Shelf(lines, characters=characters, first=passages)
    questions = [shelf.question(line, f"{path.stem} {number}") for number, line in enumerate(lines)]
    refused = round(count * refusals)
    answered = count - refused
    chosen = [one for one in questions if one.answerable][: round(answered * IN_RESERVE)]
    without = [one for one in questions if not one.answerable][: refused // 2]
    rows = raft_rows(
        [*without, *chosen],
        retrieve=shelf.find,
        label=lambda _document: AccessLabel(frozenset({EVERYONE})),
        model=model,
        budget=budget,
        passages=passages,
        seed=seed,
        failures_per_question=(refused - len(without)) * IN_RESERVE / max(1, len(chosen)),
    )
    return replace(rows, answered=rows.answered[:answered], refused=rows.refused[:refused])


class Shelf:
    """The passages of a reading set, cut into pieces, with BM25 over them.

    `first` is among how many passages the own one of a question must be that it does not answer.
    """

    def __init__(self, lines: Sequence[ReadingLine], *, characters: int, first: int) -> None:
        self._first = first
        self._pieces: list[Passage] = []
        self._of_text: dict[str, list[int]] = {}
        self._own: dict[str, list[int]] = {}
        ends: Counter[str] = Counter()
        for line in lines:
            if line.passage not in self._of_text:
                offset = ends[line.group]
                ends[line.group] += len(line.passage) + 2
                cut = [_piece(line, span, offset) for span in _cut(line.passage, characters)]
                self._of_text[line.passage] = list(range(len(self._pieces), len(self._pieces) + len(cut)))
                self._pieces += cut
            self._own.setdefault(line.question, self._of_text[line.passage])
        self._postings: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for number, piece in enumerate(self._pieces):
            counts = count_terms(f"{piece.title} {piece.chunk.text}", language=LANGUAGE)
            for term, weight in weights(counts, counts.total()).items():
                self._postings[term].append((number, weight))

    def find(self, query: str, limit: int) -> list[Passage]:
        """Return the pieces that share most with a query; fits the seam of `raft_rows`.

        Of a question's own passage there is a piece among the first: without it, it would not be asked.
        """
        scores: dict[int, float] = defaultdict(float)
        for term in count_terms(query, language=LANGUAGE):
            postings = self._postings.get(term, ())
            rarity = idf(len(self._pieces), len(postings))
            for number, weight in postings:
                scores[number] += rarity * weight
        best = heapq.nlargest(limit, scores, key=lambda number: (scores[number], -number))
        own = self._own.get(query, [])
        if own and not set(own) & set(best[: self._first]):
            best = [max(own, key=lambda number: scores[number]), *best][:limit]
        return [self._pieces[number] for number in dict.fromkeys(best)]

    def question(self, line: ReadingLine, name: str) -> Question:
        """Return a line's question; its evidence is the sentence that holds the answer and shares most with it."""
        answer = (line.answer or "").strip()
        if not line.answerable or not answer:
            return Question(name, line.question, "", (), (), "unanswerable")
        places = list(_sentences_with(answer, line.passage))
        evidence: tuple[Evidence, ...] = ()
        if places:
            asked = count_terms(line.question, language=LANGUAGE)
            best = max(places, key=lambda text: (asked & count_terms(text, language=LANGUAGE)).total())
            evidence = (Evidence(line.group, best),)
        aliases = tuple(dict.fromkeys(one.strip() for one in line.alt_answers if one.strip()))
        return Question(name, line.question, answer, aliases, evidence, "reading")


def _cut(text: str, characters: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of whole sentences, as many as `characters` hold; a longer sentence stands alone."""
    spans = sentence_spans(text)
    start = spans[0][0] if spans else 0
    for (_, end), (following, until) in pairwise([*spans, (len(text), len(text) + characters + 1)]):
        if until - start > characters:
            yield start, end
            start = following


def _piece(line: ReadingLine, span: tuple[int, int], offset: int) -> Passage:
    start, end = span
    chunk = Chunk(offset + start, offset + end, line.passage[start:end])
    return Passage(chunk, line.group, line.title, revision=1, score=0.0, read_at=NEVER_CHANGES)


def _sentences_with(answer: str, text: str) -> Iterator[str]:
    """Yield the sentences around each place where an answer stands as whole words."""
    spans = sentence_spans(text)
    at = text.find(answer)
    while at >= 0:
        end = at + len(answer)
        whole = not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum())
        touched = [one for one in spans if one[0] < end and at < one[1]]
        if whole and touched:
            yield text[touched[0][0] : touched[-1][1]]
        at = text.find(answer, at + 1)
