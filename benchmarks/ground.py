"""Judged collections of ../shared/data in one form, and the measures that every benchmark shares.

Nothing here is copied into the project: the loaders read the sets where they lie and raise
FileNotFoundError if they are absent.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ragraft.questions import read_questions
from ragraft.types import Question

__all__ = [
    "DATA",
    "SETS",
    "Ground",
    "Text",
    "cranfield",
    "handbook_documents",
    "handbook_questions",
    "holds",
    "mean",
    "ndcg",
    "pubmedqa",
    "xquad_de",
    "xquad_en",
]

DATA = Path(__file__).resolve().parents[1] / "../shared/data"


@dataclass(frozen=True, slots=True)
class Text:
    """One document of a judged collection."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Documents, queries by id, and for each query the gain of each relevant document."""

    name: str
    language: str
    documents: tuple[Text, ...]
    queries: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def cranfield(data: Path = DATA) -> Ground:
    """Return the Cranfield collection (1,398 non-empty abstracts, 225 queries, binary gains).

    The judgements number the queries 1 to 225 in file order; the queries' own numbers run to 365.
    """
    folder = data / "cranfield"
    source = (folder / "cran.all.1400.xml").read_text("utf-8")
    documents = []
    for block in re.findall(r"<doc>.*?</doc>", source, re.S):
        document = ElementTree.fromstring(block)
        title = " ".join((document.findtext("title") or "").split())
        text = (document.findtext("text") or "").strip()
        if text:
            documents.append(Text((document.findtext("docno") or "").strip(), title, text))
    topics = ElementTree.parse(folder / "cran.qry.xml").getroot()
    queries = {str(n): " ".join((t.findtext("title") or "").split()) for n, t in enumerate(topics, 1)}
    relevant: dict[str, dict[str, int]] = {}
    for line in (folder / "cranqrel.trec.txt").read_text("ascii").splitlines():
        fields = line.split()
        if len(fields) == 4 and int(fields[3]) > 0:
            relevant.setdefault(fields[0], {})[fields[2]] = int(fields[3])
    return Ground("cranfield", "en", tuple(documents), queries, relevant)


def _xquad(language: str, data: Path) -> Ground:
    source = json.loads((data / "xquad" / f"xquad.{language}.json").read_text("utf-8"))
    documents, queries, relevant = [], {}, {}
    for article in source["data"]:
        for paragraph in article["paragraphs"]:
            key = f"p{len(documents)}"
            # The German file's article titles are English: a title would mix the languages.
            documents.append(Text(key, "", paragraph["context"]))
            for row in paragraph["qas"]:
                queries[row["id"]] = row["question"]
                relevant[row["id"]] = {key: 1}
    return Ground(f"xquad {language}", language, tuple(documents), queries, relevant)


def xquad_en(data: Path = DATA) -> Ground:
    """Return XQuAD English: 240 paragraphs, 1,190 questions, one relevant paragraph each."""
    return _xquad("en", data)


def xquad_de(data: Path = DATA) -> Ground:
    """Return XQuAD German: the same paragraphs and questions, translated by people."""
    return _xquad("de", data)


def pubmedqa(data: Path = DATA) -> Ground:
    """Return PubMedQA as question to abstract: 500 abstracts without their conclusions."""
    rows: dict[str, dict[str, Any]] = json.loads((data / "pubmedqa" / "pqal_train.json").read_text("utf-8"))
    documents = tuple(Text(key, "", "\n".join(row["CONTEXTS"])) for key, row in rows.items())
    queries = {key: row["QUESTION"] for key, row in rows.items()}
    return Ground("pubmedqa", "en", documents, queries, {key: {key: 1} for key in rows})


SETS: Mapping[str, Callable[[], Ground]] = {
    "cranfield": cranfield,
    "xquad en": xquad_en,
    "xquad de": xquad_de,
    "pubmedqa": pubmedqa,
}


def handbook_documents(data: Path = DATA) -> dict[str, bytes]:
    """Return the handbook's 80 Markdown files by their path below `documents`."""
    folder = data / "handbook" / "documents"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.md"))}


def handbook_questions(split: str, data: Path = DATA) -> list[Question]:
    """Return the questions of `split` ("train" or "test"), those without an answer included."""
    return read_questions(data / "handbook" / "questions" / f"{split}.jsonl")


def ndcg(ranking: Sequence[str], gains: Mapping[str, int], limit: int = 10) -> float:
    """Return nDCG at `limit` with linear gains (Järvelin & Kekäläinen 2002)."""
    got = sum(gains.get(key, 0) / math.log2(place + 2) for place, key in enumerate(ranking[:limit]))
    best = sorted(gains.values(), reverse=True)[:limit]
    ideal = sum(gain / math.log2(place + 2) for place, gain in enumerate(best))
    return got / ideal if ideal else 0.0


def holds(passage: str, quote: str) -> bool:
    """Return whether `passage` contains `quote`, any stretch of white space being as good as another."""
    return " ".join(quote.split()) in " ".join(passage.split())


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean, 0 for no values."""
    found = list(values)
    return sum(found) / len(found) if found else 0.0
