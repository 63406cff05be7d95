"""Questions for RAFT out of examples: an answer that a sentence of its document holds is evidence enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ragraft.questions import holds_answer
from ragraft.retrieve.lexical import count_terms
from ragraft.types import Evidence, Example, Question
from ragraft.verify.sentences import sentence_spans

__all__ = ["questions_from"]

ASKING = ("question", "document")
"""Kinds of examples that ask something about a document."""
LANGUAGE = "en"


def questions_from(
    examples: Sequence[Example], *, text_of: Callable[[str], str]
) -> tuple[list[Question], dict[str, int]]:
    """Return the questions of examples with their evidence, and how many examples make none, by reason.

    `text_of` returns a document's text by its uri. The evidence is the sentence that holds the answer and shares most
    words with the question.
    """
    questions: list[Question] = []
    skipped: Counter[str] = Counter()
    for example in examples:
        turns = [turn for turn in example.messages if turn.role != "system"]
        if example.kind not in ASKING or len(turns) != 2:
            skipped["it is no question with one answer"] += 1
        elif not example.made_from:
            skipped["it names no document of the library"] += 1
        elif not (evidence := _evidence(turns[0].content, turns[1].content, example, text_of)):
            skipped["no sentence of its documents holds its answer"] += 1
        else:
            asked, answer = turns[0].content, turns[1].content
            questions.append(Question(example.id, asked, answer, (), evidence, example.kind))
    return questions, dict(skipped.most_common())


def _evidence(
    asked: str, answer: str, example: Example, text_of: Callable[[str], str]
) -> tuple[Evidence, ...]:
    wanted = Question("", asked, answer, (), (), "")
    words = count_terms(asked, language=LANGUAGE)
    found = []
    for document in dict.fromkeys(source.document for source in example.made_from):
        text = text_of(document)
        for start, end in sentence_spans(text):
            if holds_answer(sentence := text[start:end], wanted):
                shared = (words & count_terms(sentence, language=LANGUAGE)).total()
                found.append((shared, Evidence(document, sentence)))
    return (max(found, key=lambda one: one[0])[1],) if found else ()
