"""How often the right passage and the right page are found for questions about a company's handbook.

The 80 Markdown files are added by Sync as a user would. A question counts as found if one of the first
five passages contains its evidence word for word (white space aside); a question with evidence in several
places is reported twice: at least one piece found, and all of them. The right page is found if one of the
first five passages is from a document that the evidence is in. Questions without an answer are left out.

The references are what one builds in an afternoon: windows of 220 tokens that overlap by 50, without headings
or titles added, ranked by bm25s, by the same embedder, and by plain reciprocal rank fusion of the two. (Of six
ways to cut that were tried - at Markdown's boundaries, at sentences, with and without overlap - this one
gave the best reference.) The target holds for the test questions; the train questions were looked
at while the search was made, and are reported apart.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure, Report, Target, at_least, run
from benchmarks.ground import DATA, handbook_documents, handbook_questions, holds, mean
from benchmarks.legs import search_with_legs
from benchmarks.rankings import Bm25s, nearest, paired_interval, plain_rrf
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.models.tokens import load_tokenizer
from ragraft.protocols import Embedder
from ragraft.systems import Workbench
from ragraft.types import Question

TARGETS: Mapping[str, Target] = {"evidence": at_least(0.93), "page": at_least(0.97)}
FIRST = 5
REFERENCE_TOKENS = 220
REFERENCE_OVERLAP = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """A ranked passage: the document it is from, and its text."""

    document: str
    text: str


Rankings = Mapping[str, Sequence[Sequence[Piece]]]


def measure(*, embedder: Embedder, questions: int | None = None) -> Report:
    """Return the figures; `questions` bounds how many of each split are asked."""
    report = Report(settings={"questions": questions or "all", "first": FIRST})
    with new_library(embedder=embedder) as bench:
        bench.sync.add_path(DATA / "handbook" / "documents", rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        for split in ("test", "train"):
            asked = [one for one in handbook_questions(split) if one.evidence][:questions]
            rankings = {**_ours(bench, asked), **_references(embedder, asked)}
            report.add(*_figures(split, asked, rankings))
            report.detail[f"{split} missed"] = [
                one.id
                for one, found in zip(asked, rankings["ours"], strict=True)
                if not evidence(one, found, any_piece=True)
            ]
        report.detail["weights"] = bench.library.status(OWNER).weights
    return report


def evidence(question: Question, found: Sequence[Piece], *, any_piece: bool) -> bool:
    """Return whether the passages contain a question's evidence: any piece of it, or every one."""
    texts = [" ".join(piece.text.split()) for piece in found]
    pieces = [any(holds(text, one.quote) for text in texts) for one in question.evidence]
    return any(pieces) if any_piece else all(pieces)


def page(question: Question, found: Sequence[Piece]) -> bool:
    """Return whether a passage is from a document that the evidence is in."""
    return bool({piece.document for piece in found} & {one.document for one in question.evidence})


def _ours(bench: Workbench, questions: Sequence[Question]) -> dict[str, list[list[Piece]]]:
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select c.id, d.uri, c.text from chunk c join document d on (d.collection, d.id) = (c.collection, c.document)"
        ).fetchall()
    pieces = {passage: Piece(uri, text) for passage, uri, text in rows}
    found = [search_with_legs(bench.search, one.text, limit=FIRST) for one in questions]
    ours = [[Piece(passage.uri, passage.chunk.text) for passage in passages] for passages, _ in found]
    legs = {
        f"our {name} leg": [[pieces[key] for key in seen[name][:FIRST]] for _, seen in found]
        for name in ("dense", "lexical")
    }
    return {"ours": ours, **legs}


def _references(embedder: Embedder, questions: Sequence[Question]) -> dict[str, list[list[Piece]]]:
    pieces = _plain_pieces()
    texts, asked = [piece.text for piece in pieces], [one.text for one in questions]
    words = Bm25s(texts, language="en").rank(asked)
    meaning = nearest(embedder.embed(texts), embedder.embed(asked))
    both = [plain_rrf(pair) for pair in zip(meaning, words, strict=True)]
    return {
        name: [[pieces[at] for at in ranking[:FIRST]] for ranking in rankings]
        for name, rankings in (("plain RRF", both), ("BM25", words), ("dense", meaning))
    }


def _plain_pieces() -> list[Piece]:
    tokenizer = load_tokenizer(embedder_folder() / "tokenizer.json")
    pieces = []
    for uri, content in handbook_documents().items():
        text = content.decode("utf-8")
        spans = tokenizer.encode(text, add_special_tokens=False).offsets
        for start in range(0, len(spans), REFERENCE_TOKENS - REFERENCE_OVERLAP):
            window = spans[start : start + REFERENCE_TOKENS]
            pieces.append(Piece(uri, text[window[0][0] : window[-1][1]]))
    return pieces


def _figures(split: str, questions: Sequence[Question], rankings: Rankings) -> list[Figure]:
    def share(of: Sequence[bool]) -> float:
        return mean(float(one) for one in of)

    judged = split == "test"
    any_piece, every_piece, pages = (
        {
            name: [bool(rule(one, found[:FIRST])) for one, found in zip(questions, ranking, strict=True)]
            for name, ranking in rankings.items()
        }
        for rule in (
            lambda one, found: evidence(one, found, any_piece=True),
            lambda one, found: evidence(one, found, any_piece=False),
            page,
        )
    )
    several = sum(len(one.evidence) > 1 for one in questions)
    clusters = [one.evidence[0].document for one in questions]
    low, high = paired_interval(any_piece["ours"], any_piece["plain RRF"], clusters=clusters)
    figures = [
        Figure(
            f"{split}: evidence in the first {FIRST}",
            share(any_piece["ours"]),
            target=TARGETS["evidence"] if judged else None,
            reference="plain RRF",
            reference_value=share(any_piece["plain RRF"]),
            note=f"{len(questions)} questions; ours minus plain RRF: {low:+.3f} to {high:+.3f} with 95 %",
        ),
        Figure(
            f"{split}: all evidence in the first {FIRST}",
            share(every_piece["ours"]),
            reference="plain RRF",
            reference_value=share(every_piece["plain RRF"]),
            note=f"{several} questions have more than one piece",
        ),
        Figure(
            f"{split}: right page in the first {FIRST}",
            share(pages["ours"]),
            target=TARGETS["page"] if judged else None,
            reference="plain RRF",
            reference_value=share(pages["plain RRF"]),
        ),
    ]
    for name in ("our dense leg", "our lexical leg", "BM25", "dense"):
        shares = f"all evidence {share(every_piece[name]):.3f}, right page {share(pages[name]):.3f}"
        figures.append(Figure(f"{split}: evidence, {name} alone", share(any_piece[name]), note=shares))
    return figures


def _measure(chosen: argparse.Namespace) -> Report:
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)
    return measure(embedder=embedder, questions=20 if chosen.quick else None)


if __name__ == "__main__":
    sys.exit(
        run("handbook", _measure, about="evidence and page of handbook questions in the first five passages")
    )
