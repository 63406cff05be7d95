"""What tuning the retriever brings on a company's handbook, and what it costs on texts of other kinds.

The handbook's 80 pages are added as a user would, then `ragraft tune retriever` is run on its train questions,
which are about other pages than the test questions. The index is switched whatever the run's own judgement (--force),
so that the test questions are answered by both embedders; what it would have decided is in the detail. nDCG@10 is of
pages, a page ranking at the place of its best passage, and of the passages that hold the evidence word for word.

Other texts - abstracts on aerodynamics and paragraphs of an encyclopaedia, of which training saw nothing - are
ranked by each embedder alone, exactly and as whole documents: what is lost there is what tuning has made it forget.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial

from benchmarks.figures import Figure, Report, run, say
from benchmarks.ground import DATA, SETS, Ground, handbook_questions, holds, mean, ndcg
from benchmarks.legs import search_with_legs
from benchmarks.rankings import nearest
from benchmarks.retrieval import part_of
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.chosen import open_tuned_embedder
from ragraft.documents.embedders import OpenTuned
from ragraft.intervals import cluster_interval
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.protocols import Embedder
from ragraft.retrieve.search import HybridRetriever
from ragraft.systems import Workbench
from ragraft.tune.retriever_run import Outcome, RetrieverTuning
from ragraft.types import Question

CONTROLS = ("cranfield", "xquad en")
PASSAGES = 60
"""Enough for ten pages, however many passages of one are found."""
MINUTES = 15.0

Marks = Mapping[str, Sequence[float]]
"""{what is ranked by what: nDCG@10 of each question}."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many test questions, and how many queries and documents of each other collection, at most."""

    questions: int | None = None
    queries: int | None = None
    documents: int | None = None
    minutes: float = MINUTES


QUICK = Scale(questions=20, queries=40, documents=200, minutes=0.5)


def measure(scale: Scale, *, threads: int | None = None) -> Report:
    """Return the figures; `threads` are those of training and of both embedders."""
    report = Report(settings={**asdict(scale), "threads": threads or "all", "passages": PASSAGES})
    base = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME, threads=threads)
    with new_library(embedder=base, threads=threads) as bench:
        bench.sync.add_path(DATA / "handbook" / "documents", rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        tuned = partial(
            open_tuned_embedder,
            settings=bench.settings.embedder,
            folder=bench.workspace.state / "embedders",
        )
        asked = [one for one in handbook_questions("test") if one.evidence][: scale.questions]
        before = _marks(bench, tuned, asked)
        outcome = _tune(bench, base, tuned, scale.minutes, threads)
        report.detail["run"] = asdict(outcome)
        after = _marks(bench, tuned, asked)
        report.add(*_handbook_figures(asked, before, after), *_run_figures(outcome))
        opened = tuned(outcome.name)
        for name in CONTROLS:
            ground = part_of(SETS[name](), queries=scale.queries, documents=scale.documents)
            report.add(_control(ground, base, opened or base))
    return report


def _tune(bench: Workbench, base: Embedder, tuned: OpenTuned, minutes: float, threads: int | None) -> Outcome:
    tuning = RetrieverTuning(
        database=bench.database,
        audit=bench.audit,
        embedder=base,
        base=embedder_folder(),
        folder=bench.workspace.state / "embedders",
        tuned=tuned,
        threads=threads,
    )
    questions = [one for one in handbook_questions("train") if one.evidence]
    outcome = tuning.tune(questions, caller=OWNER, minutes=minutes, force=True)
    say(f"{outcome.name}: {outcome.reason}")
    return outcome


def _marks(bench: Workbench, tuned: OpenTuned, questions: Sequence[Question]) -> Marks:
    """Return nDCG@10 of every question by the whole search and by its dense leg, in the index in service."""
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select c.id, d.uri, c.text from chunk c join document d on (d.collection, d.id) = (c.collection, c.document)"
        ).fetchall()
    of = {str(passage): (uri, text) for passage, uri, text in rows}
    key_of = {(uri, text): key for key, (uri, text) in of.items()}
    marks: dict[str, list[float]] = {
        f"{what}, {by}": [] for by in ("whole search", "dense leg") for what in ("pages", "passages")
    }
    settings = bench.settings.search
    with closing(
        HybridRetriever(
            database=bench.database,
            embedder=bench.embedder,
            tuned=tuned,
            depth=settings.depth,
            ef_search=settings.ef_search,
        )
    ) as search:
        for question in questions:
            found, legs = search_with_legs(search, question.text, limit=PASSAGES)
            whole = [key_of[passage.uri, passage.chunk.text] for passage in found]
            for by, ranking in (("whole search", whole), ("dense leg", [str(key) for key in legs["dense"]])):
                pages = list(dict.fromkeys(of[key][0] for key in ranking))
                marks[f"pages, {by}"].append(
                    ndcg(pages, dict.fromkeys({one.document for one in question.evidence}, 1))
                )
                marks[f"passages, {by}"].append(ndcg(ranking, _holding(question, of)))
    return marks


def _holding(question: Question, of: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """Return the passages that hold a piece of a question's evidence, each worth 1."""
    return {
        key: 1
        for key, (uri, text) in of.items()
        if any(one.document == uri and holds(text, one.quote) for one in question.evidence)
    }


def _handbook_figures(questions: Sequence[Question], before: Marks, after: Marks) -> list[Figure]:
    clusters = [one.evidence[0].document for one in questions]
    return [
        _compared(f"handbook test nDCG@10: {name}", before[name], after[name], clusters) for name in before
    ]


def _compared(name: str, before: Sequence[float], after: Sequence[float], clusters: Sequence[str]) -> Figure:
    changes = [new - old for new, old in zip(after, before, strict=True)]
    change, (low, high) = cluster_interval(changes, clusters, limits=(-1, 1))
    return Figure(
        name,
        mean(after),
        reference="untuned",
        reference_value=mean(before),
        note=f"{len(changes)} questions; tuned minus untuned: {change:+.4f} ({low:+.4f} to {high:+.4f} with 95 %)",
    )


def _run_figures(outcome: Outcome) -> list[Figure]:
    figures = [Figure("the whole run", outcome.seconds, "s", note=f"{outcome.pairs} questions with passages")]
    if outcome.estimate_seconds:
        figures.append(
            Figure(
                "estimated after three steps",
                outcome.estimate_seconds,
                "s",
                note="as if it did not stop early",
            )
        )
    return figures


def _control(ground: Ground, base: Embedder, tuned: Embedder) -> Figure:
    """Return the dense nDCG@10 on a collection that training saw nothing of."""
    before, after = _dense(ground, base), _dense(ground, tuned)
    return _compared(f"{ground.name} nDCG@10: embedder alone", before, after, _clusters(ground))


def _dense(ground: Ground, embedder: Embedder) -> list[float]:
    texts = [f"{one.title}\n{one.text}".strip() for one in ground.documents]
    say(f"{ground.name}: {len(texts)} documents by {embedder.name}")
    rankings = nearest(embedder.embed(texts), embedder.embed(list(ground.queries.values())))
    return [
        ndcg([ground.documents[at].id for at in ranking], ground.relevant[query])
        for query, ranking in zip(ground.queries, rankings, strict=True)
    ]


def _clusters(ground: Ground) -> list[str]:
    """Questions about one paragraph belong together; a query with many relevant documents stands alone."""
    return [
        next(iter(relevant)) if len(relevant := ground.relevant[query]) == 1 else f"query {query}"
        for query in ground.queries
    ]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, help="threads of training and embedding; else all")


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(QUICK if chosen.quick else Scale(), threads=chosen.threads)


if __name__ == "__main__":
    sys.exit(
        run(
            "retriever_tuning",
            _measure,
            about="nDCG@10 of a handbook's pages before and after tuning the retriever on other questions",
            options=_options,
        )
    )
