"""True sentences of several sets, each with the passage it stands in or rests on and four others beside it.

Nothing is copied into the project: the sets are read where they lie.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.altered import sentences
from benchmarks.ground import DATA, handbook_documents, handbook_questions, holds
from ragraft.documents.chunk import DocumentChunker
from ragraft.types import Chunk, ParsedDocument, Passage

__all__ = ["SETS", "Grounded", "answers", "as_passage", "passages_of"]

BESIDE = 4
"""How many other passages of the same document or set stand beside the right one."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """A true sentence, the text it rests on, and the passages that it is checked against."""

    source: str
    text: str
    passage: str
    passages: tuple[Passage, ...]
    question: str = ""
    others: tuple[str, ...] = ()
    names: Callable[[str], bool] = field(default=lambda _: True)
    verbatim: bool = True


def as_passage(text: str, *, context: str = "", title: str = "") -> Passage:
    """Return a text as the search would give it."""
    return Passage(
        Chunk(0, len(text), text, context), f"{title}.md", title, 1, 1.0, datetime(2026, 1, 1, tzinfo=UTC)
    )


def passages_of(text: str, *, title: str, media_type: str = "text/markdown") -> list[Passage]:
    """Return the passages of a document, cut as the library cuts it; a token is taken for 4 characters."""
    chunker = DocumentChunker(count_tokens=lambda texts: [len(one) // 4 + 1 for one in texts], max_tokens=256)
    return [
        as_passage(one.text, context=one.context, title=title)
        for one in chunker.chunk(ParsedDocument(text, title, media_type))
    ]


def reading(name: str, *, split: str, limit: int, data: Path = DATA) -> Iterator[Grounded]:
    """Yield sentences of a reading set's passages; beside them stand passages of the same document first."""
    lines = (data / "reading" / f"{name}.{split}.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    groups: dict[str, list[str]] = {}
    for row in rows:
        texts = groups.setdefault(row["group"], [])
        if row["passage"] not in texts:
            texts.append(row["passage"])
    yield from _from_texts(name, list(groups.values()), limit=limit)


def xquad(language: str, *, data: Path = DATA, limit: int) -> Iterator[Grounded]:
    """Yield sentences of XQuAD; a German word is a name if the English paragraph has it with a capital."""
    sources = [
        json.loads((data / "xquad" / f"xquad.{code}.json").read_text("utf-8"))["data"]
        for code in (language, "en")
    ]
    articles, names = [], []
    for article, english in zip(*sources, strict=True):
        articles.append([paragraph["context"] for paragraph in article["paragraphs"]])
        text = " ".join(paragraph["context"] for paragraph in english["paragraphs"])
        names.append(frozenset(re.findall(r"(?<=[a-z,] )[A-Z][\w’'-]+", text)))
    for item, article in _numbered(f"xquad {language}", articles, limit=limit):
        known = names[article]
        yield (
            item
            if language == "en"
            else Grounded(
                item.source,
                item.text,
                item.passage,
                item.passages,
                others=item.others,
                names=known.__contains__,
            )
        )


def tables(*, data: Path = DATA, limit: int) -> Iterator[Grounded]:
    """Yield what single cells of TAT-QA's tables say, in a sentence made of row, column and value."""
    source = json.loads((data / "tatqa" / "tatqa_dataset_dev.json").read_text("utf-8"))
    chance = random.Random(5)
    texts = []
    for entry in source:
        rows = [[cell.strip() for cell in row] for row in entry["table"]["table"]]
        head = next((at for at, row in enumerate(rows) if re.fullmatch(r"(?:19|20)\d\d", row[-1])), None)
        if head is None or len({cell for cell in rows[head][1:] if cell}) < len(rows[head]) - 1:
            continue
        table = [rows[head], *[row for row in rows[head + 1 :] if row[0] and any(row[1:])]]
        texts.append((table, [paragraph["text"] for paragraph in entry["paragraphs"]]))
    for table, paragraphs in texts[:limit]:
        lines = ["| " + " | ".join(row) + " |" for row in table]
        lines.insert(1, "|" + "---|" * len(table[0]))
        cells = [
            (row[0], year, value)
            for row in table[1:]
            for year, value in zip(table[0][1:], row[1:], strict=True)
            if re.fullmatch(r"\$? ?\d[\d,.]*", value)
            and len(value) > 2
            and sum(other[0] == row[0] for other in table) == 1
        ]
        if not cells:
            continue
        label, year, value = chance.choice(cells)
        beside = chance.sample([text for others in texts for text in others[1]], BESIDE - 1)
        text = "\n".join(lines)
        yield Grounded(
            "tatqa tables", f"{label} was {value.replace(' ', '')} in {year}.", text,
            tuple(as_passage(one) for one in _shuffled([text, *paragraphs[:1], *beside], chance)), others=tuple(beside),
        )  # fmt: skip


def financial(*, data: Path = DATA, limit: int) -> Iterator[Grounded]:
    """Yield sentences of TAT-QA's paragraphs."""
    source = json.loads((data / "tatqa" / "tatqa_dataset_dev.json").read_text("utf-8"))
    yield from _from_texts(
        "tatqa text", [[p["text"] for p in entry["paragraphs"]] for entry in source], limit=limit
    )


def handbook(*, data: Path = DATA, limit: int) -> Iterator[Grounded]:
    """Yield prose sentences of the handbook, among passages of the same page."""
    pages = [
        [passage.chunk.text for passage in passages_of(content.decode(), title=name)]
        for name, content in handbook_documents(data).items()
    ]
    yield from _from_texts("handbook", pages, limit=limit)


def company(folder: Path, *, limit: int) -> Iterator[Grounded]:
    """Yield prose sentences of the fictional company's Markdown documents."""
    pages = [
        [passage.chunk.text for passage in passages_of(path.read_text("utf-8"), title=path.stem)]
        for path in sorted(folder.rglob("*.md"))
    ]
    yield from _from_texts("company", pages, limit=limit)


def answers(split: str, *, data: Path = DATA) -> Iterator[Grounded]:
    """Yield the sentences of the handbook questions' answers, with their evidence among others of its page."""
    pages = {
        name: passages_of(content.decode(), title=name) for name, content in handbook_documents(data).items()
    }
    chance = random.Random(3)
    every = [passage for found in pages.values() for passage in found]
    for question in handbook_questions(split, data):
        found = [
            next((passage for passage in pages[one.document] if holds(passage.chunk.text, one.quote)), None)
            for one in question.evidence
        ]
        right = [passage for passage in found if passage is not None]
        if not right or len(right) < len(question.evidence):
            continue
        same = [passage for passage in pages[question.evidence[0].document] if passage not in right]
        beside = chance.sample(same, min(2, len(same)))
        beside += chance.sample(
            [passage for passage in every if passage not in same and passage not in right],
            BESIDE - len(beside),
        )
        text = "\n".join(passage.chunk.text for passage in right)
        shown = tuple(_shuffled([*dict.fromkeys(right), *beside], chance))
        yield Grounded(
            f"handbook answers {split}", question.expected, text, shown, question.text,
            others=tuple(passage.chunk.text for passage in beside), verbatim=False,
        )  # fmt: skip


def _from_texts(name: str, groups: Sequence[Sequence[str]], *, limit: int) -> Iterator[Grounded]:
    for item, _ in _numbered(name, groups, limit=limit):
        yield item


def _numbered(name: str, groups: Sequence[Sequence[str]], *, limit: int) -> Iterator[tuple[Grounded, int]]:
    """Yield at most `limit` sentences from all over the groups, each with its group's number."""
    chance = random.Random(7)
    every = [text for texts in groups for text in texts]
    places = [(group, text) for group, texts in enumerate(groups) for text in texts]
    chance.shuffle(places)
    given = 0
    for group, text in places:
        found = list(sentences(text))
        if not found or given == limit:
            continue
        given += 1
        same = [other for other in groups[group] if other != text]
        beside = chance.sample(same, min(BESIDE, len(same)))
        while len(beside) < min(BESIDE, len(every) - 1):
            other = chance.choice(every)
            if other != text and other not in beside:
                beside.append(other)
        shown = tuple(as_passage(one) for one in _shuffled([text, *beside], chance))
        yield Grounded(name, chance.choice(found), text, shown, others=tuple(beside)), group


def _shuffled(texts: Sequence[object], chance: random.Random) -> list[object]:  # type: ignore[type-arg]
    mixed = list(texts)
    chance.shuffle(mixed)
    return mixed


SETS: Mapping[str, Callable[[int], Iterator[Grounded]]] = {
    "xquad en": lambda limit: xquad("en", limit=limit),
    "xquad de": lambda limit: xquad("de", limit=limit),
    "handbook": lambda limit: handbook(limit=limit),
    "tatqa text": lambda limit: financial(limit=limit),
    "tatqa tables": lambda limit: tables(limit=limit),
    "selqa": lambda limit: reading("selqa", split="train", limit=limit),
    "covid-qa": lambda limit: reading("covid-qa", split="train", limit=limit),
    "timeqa": lambda limit: reading("timeqa-human", split="train", limit=limit),
}
"""The sets that are tested on. None of them is trained on."""
