"""The form of the answers that are learned: the evidence first, word for word, then the answer, both with a number.

The evidence comes first because a small model copies better than it concludes: what it has just quoted is nearest
when it words the answer. Each quotation is a paragraph, so that a fragment without a full stop is not read as one
sentence with the answer. Of the answers to 208 questions of the handbook, the checker cites 205 to the right passage in
this form, and 132 without the quotation (docs/concepts/raft.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from ragraft.answer.cite import unmarked, without_links
from ragraft.raft.oracle import Oracle
from ragraft.tune.likeness import NearText
from ragraft.tune.validate import NEAR
from ragraft.verify.sentences import sentence_spans

__all__ = ["answer_text", "can_be_said"]


def answer_text(answer: str, oracles: Mapping[Oracle, int]) -> str:
    """Return what is learned: a quotation of each oracle, with its passage's number in the prompt, and then the answer."""
    quotations = [oracle.quoted(number) for oracle, number in oracles.items()]
    said = NearText(((str(number), oracle.words) for oracle, number in oracles.items()), at_least=NEAR)
    if said.nearest(answer):  # once is enough
        return "\n\n".join(quotations)
    marks = "".join(f" [{number}]" for number in dict.fromkeys(oracles.values()))
    sentences = [answer[start:end] + marks for start, end in sentence_spans(answer)]
    return "\n\n".join([*quotations, " ".join(sentences)])


def can_be_said(answer: str) -> bool:
    """Return whether an answer would come through as it is: it holds no link and no number in brackets."""
    return bool(answer.strip()) and without_links(unmarked(answer)) == answer
