"""Pages per second of reading PDFs, and how often a question's page is among the first five passages.

The documents are four quarterly filings (10-Q). Reading is FileParser's: its sandbox is warm, the language
is told, offsets and pages are kept. Beside it the same engine called directly, without sandbox, and pypdf.

The questions name filings and answers, not pages, so the right pages are worked out by this rule:
1. The figures of an answer are the numbers in it, before "SOURCE(S)", that have a decimal point, a
   thousands comma or at least three digits; years (1900 to 2099, written plainly) are none. Commas are dropped.
2. A page holds a figure if the same number, found by the same rule, is in the page's text.
3. In each filing that the question names, the right pages are those that hold the most figures of the
   answer, at least two of them, or the only one if the answer has one.
4. A question counts if any filing has such a page; it is found if one of the first five passages is from
   a right page of any of its filings.
All four filings are searched at once. "By chance" is the expected share for five pages drawn at random.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import re
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Report, run
from benchmarks.ground import DATA, mean
from benchmarks.legs import search_with_legs
from benchmarks.rankings import plain_rrf
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.parse import FileParser
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.protocols import Embedder
from ragraft.systems import Workbench
from ragraft.types import ParsedDocument

FOLDER = DATA / "sec10q"
FIRST = 5
PYPDF_PAGES = 20
_FIGURE = re.compile(
    r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|(?<![\w.,])\d+\.\d+|(?<![\w.,])\d{3,}"
)
_YEAR = re.compile(r"(?:19|20)\d\d")

Page = tuple[str, int]
"""A file and the number of a page in it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the pages that its answer's figures are on."""

    id: str
    text: str
    pages: frozenset[Page]


def measure(*, embedder: Embedder, files: Sequence[Path], rounds: int) -> Report:
    """Return the figures of reading `files` and of asking about them."""
    report = Report(settings={"files": [path.name for path in files], "rounds": rounds})
    contents = {path.name: path.read_bytes() for path in files}
    with FileParser() as parser:
        parsed = {name: parser.parse(content, name=name) for name, content in contents.items()}
        seconds = [_seconds_to_read(parser, contents) for _ in range(rounds)]
    count = sum(int(one.metadata["page_count"]) for one in parsed.values())
    direct = count / statistics.median(_seconds_of_engine(contents) for _ in range(rounds))
    report.add(
        Figure(
            "reading PDFs",
            count / statistics.median(seconds),
            "pages/s",
            reference="kreuzberg without sandbox",
            reference_value=direct,
            note=f"{len(files)} files, {count} pages",
        ),
        Figure(
            "pypdf",
            _pypdf_rate(next(iter(contents.values()))),
            "pages/s",
            note=f"the first {PYPDF_PAGES} pages",
        ),
    )
    questions, without = _questions(parsed)
    with new_library(embedder=embedder) as bench:
        for path in files:
            bench.sync.add_path(path, rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        report.add(*_found(bench, questions, without, _all_pages(parsed)))
    report.detail["questions"] = {one.id: sorted(one.pages) for one in questions}
    return report


def figures_in(text: str) -> set[str]:
    """Return the figures of a text as rule 1 of this file has them."""
    return {match.replace(",", "") for match in _FIGURE.findall(text) if not _YEAR.fullmatch(match)}


def right_pages(answer: str, pages: Mapping[Page, set[str]]) -> frozenset[Page]:
    """Return the pages of one filing that rule 3 of this file calls right."""
    wanted = figures_in(answer.split("SOURCE(S)")[0])
    held = {page: len(wanted & figures) for page, figures in pages.items()}
    most = max(held.values(), default=0)
    if most < min(2, len(wanted)) or most == 0:
        return frozenset()
    return frozenset(page for page, count in held.items() if count == most)


def _questions(parsed: Mapping[str, ParsedDocument]) -> tuple[list[Asked], int]:
    """Return the questions that have a right page, and how many have none."""
    pages = {
        name: {(name, page.number): figures_in(one.text[page.start : page.end]) for page in one.pages}
        for name, one in parsed.items()
    }
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (FOLDER / "questions.jsonl").read_text("utf-8").splitlines()
    ]
    asked = []
    for row in rows:
        filings = [name for name in pages if fnmatch.fnmatch(name.removesuffix(".pdf"), row["documents"])]
        right = frozenset[Page]().union(*(right_pages(row["answer"], pages[name]) for name in filings))
        asked.append(Asked(row["id"], row["question"], right))
    kept = [one for one in asked if one.pages]
    return kept, len(asked) - len(kept)


def _found(bench: Workbench, questions: Sequence[Asked], without: int, every_page: int) -> list[Figure]:
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select c.id, d.uri, c.page from chunk c join document d on (d.collection, d.id) = (c.collection, c.document)"
        ).fetchall()
    page_of: dict[int, Page] = {passage: (uri, page) for passage, uri, page in rows}
    found = [search_with_legs(bench.search, one.text, limit=FIRST) for one in questions]
    pairs = [(legs["dense"], legs["lexical"]) for _, legs in found]
    rankings: dict[str, list[list[Page]]] = {
        "ours": [[(one.uri, one.chunk.page or 0) for one in passages] for passages, _ in found],
        "plain RRF": [[page_of[key] for key in plain_rrf(pair)[:FIRST]] for pair in pairs],
        "dense leg": [[page_of[key] for key in dense[:FIRST]] for dense, _ in pairs],
        "lexical leg": [[page_of[key] for key in lexical[:FIRST]] for _, lexical in pairs],
    }
    shares = {
        name: mean(bool(set(pages) & one.pages) for pages, one in zip(ranking, questions, strict=True))
        for name, ranking in rankings.items()
    }
    chance = mean(
        1 - math.comb(every_page - len(one.pages), FIRST) / math.comb(every_page, FIRST) for one in questions
    )
    return [
        Figure(
            f"right page in the first {FIRST}",
            shares["ours"],
            reference="plain RRF",
            reference_value=shares["plain RRF"],
            note=f"{len(questions)} questions have such a page, {without} have none",
        ),
        Figure("right page, dense leg alone", shares["dense leg"]),
        Figure("right page, lexical leg alone", shares["lexical leg"]),
        Figure("right page, by chance", chance),
    ]


def _all_pages(parsed: Mapping[str, ParsedDocument]) -> int:
    return sum(len(one.pages) for one in parsed.values())


def _seconds_to_read(parser: FileParser, contents: Mapping[str, bytes]) -> float:
    began = time.perf_counter()
    for name, content in contents.items():
        parser.parse(content, name=name)
    return time.perf_counter() - began


def _seconds_of_engine(contents: Mapping[str, bytes]) -> float:
    from kreuzberg import ConcurrencyConfig, ExtractionConfig, PageConfig, extract_bytes_sync

    config = ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        pages=PageConfig(extract_pages=True),
        concurrency=ConcurrencyConfig(max_threads=1),
    )
    began = time.perf_counter()
    for content in contents.values():
        extract_bytes_sync(content, "application/pdf", config)
    return time.perf_counter() - began


def _pypdf_rate(content: bytes) -> float:
    from pypdf import PdfReader

    began = time.perf_counter()
    pages = PdfReader(BytesIO(content)).pages[:PYPDF_PAGES]
    for page in pages:
        page.extract_text()
    return len(pages) / (time.perf_counter() - began)


def _measure(chosen: argparse.Namespace) -> Report:
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)
    files = sorted(FOLDER.glob("*.pdf"))
    return measure(
        embedder=embedder, files=files[-1:] if chosen.quick else files, rounds=1 if chosen.quick else 3
    )


if __name__ == "__main__":
    sys.exit(run("pdf", _measure, about="reading PDFs, and finding the page that answers"))
