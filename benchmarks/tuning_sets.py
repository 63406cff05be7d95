"""The three data sets that tuning is measured on: what is taught, and what is asked that was not taught."""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.ground import DATA
from ragraft.questions import read_questions
from ragraft.tune.dataset import build_dataset
from ragraft.tune.gates.quality import HeldOut
from ragraft.tune.gates.style import Style, read_style
from ragraft.tune.gates.terms import Term, term_questions, terms_from
from ragraft.tune.masking import ChatEncoder
from ragraft.tune.reading import RawRow, Rejected, read_rows
from ragraft.tune.rows import compose
from ragraft.tune.store import example_id
from ragraft.tune.validate import fault_of_conversation, fault_of_tokens
from ragraft.types import Dataset, Example, Message, Question

__all__ = ["SETS", "Amount", "TuningSet", "banking", "company", "handbook"]

COMPANY = Path(__file__).resolve().parents[1] / "examples" / "company"
STYLE = Path(__file__).with_name("tuning_style.toml")
MISSING = "not in the documents"
REFUSALS = 0.1
WINDOW = 512
"""The most tokens that a row may have; the longest of these sets has a quarter of it."""
ROUTING = "Name the category of this message from a customer of our bank. Answer with the category alone."


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of each set is used: the first so many questions, terms, and rows of each category."""

    questions: int | None = None
    terms: int | None = None
    rows: int = 12
    tested: int = 4


@dataclass(frozen=True, slots=True)
class TuningSet:
    """What is taught and what is asked. `unused` counts, by reason, the rows of the files that are not taught.

    `questions` are of the test split: documents that nothing taught is from. Where the documents hold no answer,
    `MISSING` is what is expected. `taught` are questions of the training split in the words they were learned in.
    `labels` are all answers that the form allows, empty where answers are free; `labelled` is the instruction that
    names them all.
    """

    name: str
    dataset: Dataset
    unused: Mapping[str, int]
    questions: tuple[HeldOut, ...]
    taught: tuple[HeldOut, ...] = ()
    terms: tuple[Term, ...] = ()
    style: Style | None = None
    labels: tuple[str, ...] = ()
    labelled: str = ""

    @property
    def asked(self) -> list[tuple[Message, ...]]:
        """Everything that both models are asked."""
        terms = [(Message("user", question),) for term in self.terms for question in term_questions(term)]
        return [*(one.messages for one in (*self.questions, *self.taught)), *terms]

    def with_labels(self, asked: HeldOut) -> tuple[Message, ...]:
        """Return a question with the instruction that names all labels."""
        return (Message("system", self.labelled), asked.messages[-1])


def company(encoder: ChatEncoder, amount: Amount = Amount(), *, folder: Path = COMPANY) -> TuningSet:
    """Return the example company: its questions and its glossary. It has no rules of style but brevity."""
    return _documents("company", folder, encoder, amount, style=None)


def handbook(encoder: ChatEncoder, amount: Amount = Amount(), *, data: Path = DATA) -> TuningSet:
    """Return the handbook: questions whose answers keep its style, with the source line, and its glossary."""
    return _documents("handbook", data / "handbook", encoder, amount, style=read_style(STYLE))


def banking(encoder: ChatEncoder, amount: Amount = Amount(), *, data: Path = DATA) -> TuningSet:
    """Return banking77: a customer's message in, the name of one of 77 categories out and nothing else.

    As many rows of each category are drawn, from both files, always the same.
    """
    folder = data / "banking77"
    labels = tuple(sorted(json.loads((folder / "categories.json").read_text(encoding="utf-8"))))
    taught, tested = (
        _of_each(folder / f"{split}.csv", labels, count)
        for split, count in (("train", amount.rows), ("test", amount.tested))
    )
    questions = tuple(
        _held_out(
            f"test-{number}", text, Question("", text, label, (), (), "category"), label, system=ROUTING
        )
        for number, (text, label) in enumerate(tested, 1)
    )
    rows = [{"text": text, "category": label, "system": ROUTING} for text, label in taught]
    examples, unused = _examples(
        (RawRow(f"train:{at}", "train", at, row) for at, row in enumerate(rows)), encoder
    )
    built = build_dataset(examples, avoid=[one.question for one in questions])
    return TuningSet(
        "banking77",
        built.dataset,
        {**unused, **built.left_out},
        questions,
        labels=labels,
        labelled=f"{ROUTING} The categories are: {', '.join(labels)}.",
    )


SETS: Mapping[str, Callable[[ChatEncoder, Amount], TuningSet]] = {
    "company": company,
    "handbook": handbook,
    "banking77": banking,
}


def _documents(
    name: str, folder: Path, encoder: ChatEncoder, amount: Amount, *, style: Style | None
) -> TuningSet:
    """Return a set of questions about documents; those of the test split are not asked by anything taught."""
    train, test = (folder / "questions" / f"{split}.jsonl" for split in ("train", "test"))
    rows = [*read_rows(train), *list(read_rows(folder / "glossary.jsonl"))[: amount.terms]]
    questions = tuple(_asked(test))[: amount.questions]
    few, unneeded = _few_refusals(rows)
    examples, unused = _examples(_with_source(few) if style else few, encoder)
    built = build_dataset(examples, avoid=[one.question for one in questions])
    return TuningSet(
        name,
        built.dataset,
        {**unused, **built.left_out, "more refusals than one in ten": unneeded},
        questions,
        taught=tuple(one for one in _asked(train) if one.question.kind != "unanswerable")[: amount.questions],
        terms=tuple(terms_from(examples)),
        style=style,
    )


def _few_refusals(rows: Sequence[RawRow | Rejected]) -> tuple[list[RawRow | Rejected], int]:
    """Return the rows without those refusals that are more than a tenth of the questions, and how many these are.

    A small model that sees one question in five refused refuses nearly all.
    """
    asked = [row for row in rows if isinstance(row, RawRow) and "question" in row.fields]
    refusals = [row.row for row in asked if row.fields.get("kind") == "unanswerable"]
    most = round((len(asked) - len(refusals)) * REFUSALS / (1 - REFUSALS))
    beyond = frozenset(refusals[most:])
    return [row for row in rows if row.row not in beyond], len(beyond)


def _with_source(rows: Iterable[RawRow | Rejected]) -> Iterator[RawRow | Rejected]:
    """Yield rows whose answers end with the line that names their documents, as style.md asks for."""
    for row in rows:
        if isinstance(row, RawRow) and (evidence := row.fields.get("evidence")):
            paths = dict.fromkeys(one["document"] for one in evidence)
            answer = f"{row.fields['answer']}\nSource: {'; '.join(paths)}"
            yield replace(row, fields={**row.fields, "answer": answer})
        else:
            yield row


def _examples(
    rows: Iterable[RawRow | Rejected], encoder: ChatEncoder
) -> tuple[list[Example], dict[str, int]]:
    """Return what rows teach, by the checks of `ragraft examples add`, and how many were refused."""
    examples: dict[str, Example] = {}
    refused = 0
    for row in rows:
        drafts = [] if isinstance(row, Rejected) else compose(row.fields, kind=None, where=row.row)
        faults = [
            fault_of_conversation(one.turns) or fault_of_tokens(one.messages, encoder, window=WINDOW)
            for one in drafts
        ]
        refused += not drafts or any(faults)
        for draft in drafts if not any(faults) else ():
            name = example_id(draft.messages)
            examples[name] = Example(name, draft.kind, draft.messages, draft.split_by)
    return list(examples.values()), {"refused": refused}


def _asked(file: Path) -> Iterator[HeldOut]:
    """Yield the questions of a file; where there is no answer, saying so is what is expected."""
    for question in read_questions(file):
        missing = question.kind == "unanswerable"
        wanted = replace(question, expected=MISSING) if missing else question
        document = question.evidence[0].document if question.evidence else question.id
        yield _held_out(question.id, question.text, wanted, document)


def _held_out(name: str, text: str, question: Question, group: str, *, system: str = "") -> HeldOut:
    before = (Message("system", system),) if system else ()
    return HeldOut((*before, Message("user", text)), replace(question, id=name), group)


def _of_each(file: Path, labels: Sequence[str], count: int) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["category"]].append(row["text"].strip())
    chance = random.Random(0)
    return [
        (text, label)
        for label in labels
        for text in chance.sample(found[label], min(count, len(found[label])))
    ]
