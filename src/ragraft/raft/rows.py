"""RAFT's rows: a question with the passages that our own search finds, as at serving time, and what to say to them.

Each question makes a row in which the search succeeded - an oracle is among the passages - and rows in which it
failed: the same question without it. The prompt is the one that `ragraft ask` sends, made by the same function.

Source: Zhang et al. 2024, "RAFT: Adapting Language Model to Domain Specific RAG" (arXiv 2403.10131); what is done
otherwise and why is in docs/concepts/raft.md.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ragraft.access.labels import strictest
from ragraft.answer.prompt import Budget, build_prompt
from ragraft.errors import ModelError
from ragraft.protocols import ChatModel
from ragraft.questions import holds_answer
from ragraft.raft.oracle import Oracle, Oracles, oracle_of
from ragraft.raft.wording import answer_text, can_be_said
from ragraft.tune.store import example_id
from ragraft.tune.validate import evaluation_questions
from ragraft.tune.wording import REFUSAL
from ragraft.types import AccessLabel, Evidence, Example, Message, Passage, Prompt, Question, Source

__all__ = ["Labels", "Paraphrase", "Retrieve", "Rows", "raft_rows"]

Retrieve = Callable[[str, int], Sequence[Passage]]
"""Returns as many passages as asked for, best first, of all that the owner may read."""

Labels = Callable[[str], AccessLabel]
"""Returns the label of a document by its uri."""

Paraphrase = Callable[[Question], Sequence[str]]
"""Returns the expected answer in other words."""

VARIED = 2
"""Rows have up to so many passages more or fewer than an answer is made from."""

DEPTH = 30
"""How deep the search is looked into for oracles and distractors."""

SPARE = 3
"""Distractors mined for a question, as a multiple of those that a row can take."""


@dataclass(frozen=True, slots=True)
class Rows:
    """`answered` rows quote and answer, `refused` ones abstain. `skipped` counts rows not made, by reason.

    `questions` are what the rows are made from, by the row's id; empty for rows that were read from a file.
    """

    answered: tuple[Example, ...]
    refused: tuple[Example, ...]
    skipped: dict[str, int]
    questions: Mapping[str, Question] = field(default_factory=dict)

    @property
    def examples(self) -> tuple[Example, ...]:
        """All rows."""
        return self.answered + self.refused


def raft_rows(
    questions: Sequence[Question],
    *,
    retrieve: Retrieve,
    label: Labels,
    model: ChatModel,
    budget: Budget | None = None,
    passages: int = 5,
    seed: int = 0,
    failures_per_question: float = 1.0,
    paraphrase: Paraphrase | None = None,
    avoid: Sequence[Question] = (),
) -> Rows:
    """Return the rows that questions make; the same seed gives the same rows, whatever the other questions are.

    `model` counts tokens and is not asked. `passages` is how many an answer is made from. Of
    `failures_per_question` the whole part is how many rows without an oracle each question gets, and the
    rest the chance of one more. Each of its `paraphrase`s that still holds the answer makes one more row. Questions
    that nearly are one of `avoid` are skipped.

    Passages stand in the order of the search, as at serving time. An oracle that it does not find by the question is
    looked up by its evidence and put in anywhere. A row holds only passages that everyone may read who may read its
    oracle; its label is computed from all of them.
    """
    desk = _Desk(retrieve, label, model, budget or Budget(), passages, failures_per_question)
    held_back = evaluation_questions(avoid)
    answered: dict[str, Example] = {}
    refused: dict[str, Example] = {}
    asked: dict[str, Question] = {}
    skipped: Counter[str] = Counter()
    for question in questions:
        chance = random.Random(f"{seed} {question.id}")  # noqa: S311  an order, not a secret
        if held_back.nearest(question.text):
            skipped["it asks an evaluation question"] += 1
            continue
        for said, row in desk.rows(question, paraphrase, chance):
            if isinstance(row, str):
                skipped[row] += 1
            else:
                (refused if said == REFUSAL else answered)[row.id] = row
                asked[row.id] = question
    return Rows(tuple(answered.values()), tuple(refused.values()), dict(skipped.most_common()), asked)


class NoRowError(Exception):
    """Why a question makes no row."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the rows of one question are made from. `distractors` are mined, best first, and hold no oracle.

    `found` is all that the search found for it, best first.
    """

    question: Question
    oracles: tuple[Oracle, ...]
    distractors: tuple[Passage, ...]
    found: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Desk:
    retrieve: Retrieve
    label: Labels
    model: ChatModel
    budget: Budget
    passages: int
    failures: float

    def rows(
        self, question: Question, paraphrase: Paraphrase | None, chance: random.Random
    ) -> Iterator[tuple[str, Example | str]]:
        """Yield what is said and its row, or why there is none."""
        # Drawn first, so that a higher share of failures only ever adds rows.
        failures = int(self.failures) + (chance.random() < self.failures % 1)
        try:
            ground = self._ground(question)
        except NoRowError as reason:
            yield "", str(reason)
            return
        answers = [question.expected] if question.answerable else []
        if answers and paraphrase:
            try:
                answers += paraphrase(question)
            except ModelError:
                yield "", "the teacher failed to paraphrase its answer"
        refusals = [REFUSAL] * (failures if question.answerable else 1)
        for said in (answers, refusals):
            for number, answer in enumerate(said):
                try:
                    yield answer, self._row(ground, answer, chance, again=number > 0)
                except NoRowError as reason:
                    yield answer, str(reason)

    def _ground(self, question: Question) -> _Ground:
        found = tuple(dict.fromkeys(self.retrieve(question.text, DEPTH)))
        if not found:
            raise NoRowError("the search found nothing")
        oracles = self._oracles(question, found) if question.answerable else ()
        known = Oracles(oracles)
        readers = strictest(self.label(one.passage.uri) for one in oracles) if oracles else None
        readers = readers or strictest([self.label(found[0].uri)])
        others = (
            one
            for one in found
            if strictest([readers, self.label(one.uri)]) == readers and not known.like(one)
        )
        return _Ground(question, oracles, tuple(islice(others, SPARE * (self.passages + VARIED))), found)

    def _oracles(self, question: Question, found: Sequence[Passage]) -> tuple[Oracle, ...]:
        if not question.evidence:
            raise NoRowError("it names no evidence")
        oracles: dict[Oracle, None] = {}
        for evidence in question.evidence:
            oracle = _oracle(evidence, found) or _oracle(evidence, self.retrieve(evidence.quote, DEPTH))
            if oracle is None:
                raise NoRowError("no passage holds its evidence whole, in words that can be quoted")
            oracles[oracle] = None
        return tuple(oracles)

    def _row(self, ground: _Ground, answer: str, chance: random.Random, *, again: bool) -> Example:
        """Return the row that says `answer`; `again` is not the first, and draws its distractors."""
        question, distractors = ground.question, list(ground.distractors)
        oracles = () if answer == REFUSAL else ground.oracles
        if answer == REFUSAL:
            # What a question expects may stand elsewhere too, and then it is not missing.
            distractors = [one for one in distractors if not _answers(one, question)]
        elif again and not holds_answer(answer, question):
            raise NoRowError("a paraphrase lost the answer")
        elif not can_be_said(answer):
            raise NoRowError("its answer holds a link or a number in brackets")
        count = max(1, self.passages + chance.randint(-VARIED, VARIED))
        right = list(dict.fromkeys(oracle.passage for oracle in oracles))
        if again:
            chance.shuffle(distractors)
        shown = right + distractors[: max(0, count - len(right))]
        if not shown:
            raise NoRowError("the search found nothing but what answers it")
        chance.shuffle(shown)
        shown = _as_found(shown, ground.found)
        return self._example(ground, self._prompt(question, shown, right), answer, oracles)

    def _prompt(self, question: Question, shown: list[Passage], right: Sequence[Passage]) -> Prompt:
        """Return the prompt of the passages shown, without distractors if all do not fit."""
        while True:
            prompt = build_prompt(
                question.text, passages=shown, history=(), model=self.model, budget=self.budget
            )
            if not prompt.dropped:
                return prompt
            spare = [passage for passage in shown if passage not in right]
            if len(spare) + bool(right) < 2 or len(prompt.passages) == len(shown):
                raise NoRowError("it does not fit the token budget")
            shown = [passage for passage in shown if passage != spare[-1]]

    def _example(self, ground: _Ground, prompt: Prompt, answer: str, oracles: Sequence[Oracle]) -> Example:
        shown = prompt.passages
        if oracles:
            prompted = " ".join(prompt.messages[-1].content.split())
            if not all(oracle.words in prompted for oracle in oracles):
                raise NoRowError("the prompt shows its evidence in another form")
            answer = answer_text(answer, {one: shown.index(one.passage) + 1 for one in oracles})
        if self.model.count_tokens([Message("assistant", answer)]) > prompt.max_answer_tokens:
            raise NoRowError("its answer is longer than an answer may be")
        messages = (*prompt.messages, Message("assistant", answer))
        sources = sorted({(one.uri, one.revision) for one in shown})
        return Example(
            id=example_id(messages),
            kind="raft",
            messages=messages,
            group=_group(ground),
            made_from=tuple(Source(uri, revision) for uri, revision in sources),
            label=strictest(self.label(uri) for uri, _ in sources),
            aliases=ground.question.aliases if oracles else (),
        )


def _as_found(shown: Sequence[Passage], found: Sequence[Passage]) -> list[Passage]:
    """Return passages in the order of the search; one that it did not find stays where it is."""
    ranked = iter([passage for passage in found if passage in shown])
    return [next(ranked) if passage in found else passage for passage in shown]


def _oracle(evidence: Evidence, found: Sequence[Passage]) -> Oracle | None:
    return next(filter(None, (oracle_of(passage, evidence) for passage in found)), None)


def _answers(passage: Passage, question: Question) -> bool:
    return question.answerable and holds_answer(passage.chunk.full_text, question)


def _group(ground: _Ground) -> str:
    """Return the document that a question is about: its oracle's, else the nearest found."""
    return ground.oracles[0].passage.uri if ground.oracles else ground.distractors[0].uri
