"""Labels: answers that a person marked as right or wrong, and how far somebody else's marks agree with them.

A file has one JSON object per line - question (its id or its text), answer, right (true or false), and system if you
like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ragraft.compare.clustered import Clustered
from ragraft.errors import UserError
from ragraft.json_lines import first_few, read_json_lines
from ragraft.types import Question

__all__ = ["FEWEST", "Agreement", "Label", "labelled", "read_labels"]

FEWEST = 20
"""With fewer labels nothing is said of a judge."""

HINT = (
    'each line must be like {"question": "q1", "answer": "...", "right": true}; see docs/concepts/verdict.md'
)


class Label(BaseModel):
    """One answer and whether a person found it right."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    right: bool = Field(strict=True)
    system: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge agrees with a person's labels, beyond what chance would give.

    `kappa` is 1 for agreement in all, 0 for what chance gives; `interval` holds it with 95 % confidence. The four
    counts are of labels that were judged, `none` of those where the judge gave nothing or wavered.
    """

    kappa: float
    interval: tuple[float, float]
    both_right: int
    both_wrong: int
    only_judge: int
    only_person: int
    none: int

    @classmethod
    def of(
        cls, person: Sequence[bool], judge: Sequence[bool | None], *, questions: Sequence[str]
    ) -> Agreement:
        """Return Cohen's kappa of two sets of marks, with an interval.

        Labels of one question are taken together. Where the judge gave nothing counts in `none` only.

        Raises: UserError for fewer than 20 judged labels, or labels that are all alike: kappa then says nothing.
        Source: Cohen 1960, formula 1: (observed - chance) / (1 - chance), which is 1 less the share of
        disagreement over the one that chance gives. The interval is that of the share of disagreement
        (`Clustered.interval`), chance being held as it was found.
        """
        judged = [
            (mine, theirs, question)
            for mine, theirs, question in zip(person, judge, questions, strict=True)
            if theirs is not None
        ]
        both_right, both_wrong, only_judge, only_person = (
            sum((mine, theirs) == pair for mine, theirs, _ in judged)
            for pair in ((True, True), (False, False), (False, True), (True, False))
        )
        right = both_right + only_person
        if len(judged) < FEWEST or right in (0, len(judged)):
            raise UserError(
                f"{len(judged)} labels were judged, of which {right} are right:"
                f" that is too little to know the judge by",
                hint=f"label at least {FEWEST} answers, right and wrong ones; 100 are better",
            )
        apart = Clustered.of([mine != theirs for mine, theirs, _ in judged], [one[2] for one in judged])
        low, high = apart.interval(limits=(0.0, 1.0))
        chance = _chance(right / len(judged), (both_right + only_judge) / len(judged))
        return cls(
            kappa=1 - apart.mean / chance,
            interval=(max(-1.0, 1 - high / chance), min(1.0, 1 - low / chance)),
            both_right=both_right,
            both_wrong=both_wrong,
            only_judge=only_judge,
            only_person=only_person,
            none=len(judge) - len(judged),
        )

    def words(self) -> str:
        """Return how far the judge agrees, as the rest of a sentence that begins with its name."""
        agreed = self.both_right + self.both_wrong
        judged = agreed + self.only_judge + self.only_person
        low, high = self.interval
        lead = f"agrees with {agreed} of {judged} labels, kappa {self.kappa:.2f} ({low:.2f} to {high:.2f})"
        if low <= 0:
            return f"{lead}, which may be by chance: do not believe its marks"
        return lead


def read_labels(path: Path) -> list[Label]:
    """Return the labels of a file, in order.

    Raises: UserError naming the first faults and how many more there are, or that there are no labels.
    """
    return read_json_lines(path, Label, lambda label, _number: label, things="labels", hint=HINT)


def labelled(labels: Sequence[Label], questions: Sequence[Question]) -> list[tuple[Question, Label]]:
    """Return each label with its question, which it names by id or by text.

    Raises: UserError naming those that are labels of no question.
    """
    known = {question.text.strip(): question for question in questions}
    known.update({question.id: question for question in questions})
    missing = [label.question for label in labels if label.question.strip() not in known]
    if missing:
        raise UserError(
            f"labels of questions that are not in the file of questions: {first_few(map(repr, missing), most=3)}",
            hint="name questions by their id, or by their text word for word",
        )
    return [(known[label.question.strip()], label) for label in labels]


def _chance(person: float, judge: float) -> float:
    """Return the share of disagreement that chance would give marks that are right in such shares of the labels."""
    return person * (1 - judge) + judge * (1 - person)
